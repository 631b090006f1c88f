#include "dashboards/http/request_reader.h"

#include <algorithm>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "core/url.h"

namespace vedette::dashboards {
namespace {

namespace beast = boost::beast::http;
using Parser = beast::request_parser<beast::string_body>;

constexpr std::size_t kReadSize = 16 << 10;

std::optional<Method> MethodOf(beast::verb verb) {
  switch (verb) {
    case beast::verb::get:
      return kGet;
    case beast::verb::head:
      return kHead;
    case beast::verb::post:
      return kPost;
    case beast::verb::put:
      return kPut;
    case beast::verb::delete_:
      return kDelete;
    case beast::verb::options:
      return kOptions;
    default:
      return std::nullopt;
  }
}

Refusal TooLarge(std::size_t limit) { return {413, fmt::format("request body exceeds {} bytes\n", limit)}; }

}  // namespace

struct RequestReader::Impl {
  std::size_t max_body_bytes = 0;
  std::size_t limit = 0;  // of this request
  boost::beast::flat_buffer buffer;
  std::optional<Parser> parser;
  bool started = false;
  bool continued = false;
  bool keep_alive = false;
  bool takes_chunks = false;

  void StartRequest() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(kMaxHeadBytes);
    limit = max_body_bytes;
    parser->body_limit(limit);
    started = false;
    continued = false;
  }
};

RequestReader::RequestReader(std::size_t max_body_bytes) : impl_(std::make_unique<Impl>()) {
  impl_->max_body_bytes = max_body_bytes;
  impl_->StartRequest();
}
RequestReader::~RequestReader() = default;

std::pair<void*, std::size_t> RequestReader::Space() {
  const auto space = impl_->buffer.prepare(kReadSize);
  return {space.data(), space.size()};
}

void RequestReader::Received(std::size_t size) { impl_->buffer.commit(size); }

Refusal RequestReader::Parse() {
  Impl& in = *impl_;
  while (in.buffer.size() > 0 && !in.parser->is_done()) {
    in.started = true;
    boost::system::error_code error;
    const std::size_t used = in.parser->put(in.buffer.data(), error);
    in.buffer.consume(used);
    if (error == beast::error::need_more) {
      // What is left over is the beginning of a line: of the head, or of a chunk with an endless extension.
      if (in.buffer.size() <= kMaxHeadBytes) return {};
      error = in.parser->is_header_done() ? beast::error::bad_chunk_extension : beast::error::header_limit;
    }
    if (error == beast::error::header_limit) return {431, "request headers exceed 16 KiB\n"};
    if (error == beast::error::body_limit) return TooLarge(in.limit);
    if (error) return {400, fmt::format("malformed request: {}\n", error.message())};
    // Beast looks at a chunk when it begins, and the limit may have come later.
    if (ArrivedBytes() > in.limit) return TooLarge(in.limit);
    if (used == 0) break;
  }
  if (HeadDone() && in.parser->get().version() >= 11 && !in.parser->get().count(beast::field::host)) {
    return {400, "malformed request: no Host header\n"};
  }
  return {};
}

bool RequestReader::Empty() const { return !impl_->started && impl_->buffer.size() == 0; }
bool RequestReader::HeadDone() const { return impl_->parser->is_header_done(); }
bool RequestReader::Done() const { return impl_->parser->is_done(); }

std::optional<Method> RequestReader::method() const { return MethodOf(impl_->parser->get().method()); }

std::string_view RequestReader::target() const {
  const auto target = impl_->parser->get().target();
  return {target.data(), target.size()};
}

std::size_t RequestReader::DeclaredBytes() const {
  return static_cast<std::size_t>(impl_->parser->content_length().value_or(0));
}

std::size_t RequestReader::ArrivedBytes() const { return impl_->parser->get().body().size(); }

Refusal RequestReader::LimitBody(std::size_t max_bytes) {
  if (max_bytes >= impl_->limit) return {};
  impl_->limit = max_bytes;
  if (std::max(DeclaredBytes(), ArrivedBytes()) > max_bytes) return TooLarge(max_bytes);
  // What has arrived in chunks is counted already.
  if (!impl_->parser->content_length()) impl_->parser->body_limit(max_bytes - ArrivedBytes());
  return {};
}

bool RequestReader::WantsContinue() {
  if (!HeadDone() || Done() || impl_->continued) return false;
  impl_->continued = EqualsIgnoreCase(std::string_view(impl_->parser->get()[beast::field::expect]), "100-continue");
  return impl_->continued;
}

bool RequestReader::KeepAlive() const { return impl_->keep_alive; }
bool RequestReader::TakesChunks() const { return impl_->takes_chunks; }

Refusal RequestReader::Take(Request& request, std::string& target) {
  impl_->keep_alive = impl_->parser->keep_alive();
  impl_->takes_chunks = impl_->parser->get().version() >= 11;
  auto message = impl_->parser->release();
  impl_->StartRequest();
  const auto method = MethodOf(message.method());
  if (!method) return {405, "Method Not Allowed\n"};
  request.method = *method;
  target = std::string(message.target());
  for (const auto& field : message) request.headers.Add(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return {};
}

}  // namespace vedette::dashboards
