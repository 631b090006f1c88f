#include "core/http_reply.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>

#include "core/unpacker.h"
#include "core/url.h"

namespace vedette::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kReadSize = 64 << 10;
constexpr std::uint32_t kMaxHeadBytes = 64 << 10;
/// A Content-Length is believed up to here when memory is set aside in advance.
constexpr std::size_t kMaxReserve = 4 << 20;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
/// 1xx replies that may precede the real one.
constexpr int kMaxInterim = 8;

/// Memory for the replies of one thread. Getting and returning blocks of this size makes malloc put its free lists in
/// order each time, which takes longer than receiving the page.
class Spares {
 public:
  std::string TakeBody() { return TakeLast(bodies_); }
  void Give(std::string body) {
    if (body.capacity() < kReadSize || body.capacity() > kMaxBody || bodies_.size() >= kMaxBodies) return;
    body.clear();
    bodies_.push_back(std::move(body));
  }
  boost::beast::flat_buffer TakeBuffer() { return TakeLast(buffers_); }
  void Give(boost::beast::flat_buffer buffer) {
    if (buffer.capacity() < kReadSize || buffer.capacity() > 2 * kReadSize || buffers_.size() >= kMaxBuffers) return;
    buffer.clear();
    buffers_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kMaxBody = 256 << 10, kMaxBodies = 8, kMaxBuffers = 4;

  template <class T>
  static T TakeLast(std::vector<T>& from) {
    if (from.empty()) return {};
    T taken = std::move(from.back());
    from.pop_back();
    return taken;
  }

  std::vector<std::string> bodies_;
  std::vector<boost::beast::flat_buffer> buffers_;
};

Spares& ThreadSpares() {
  thread_local Spares spares;
  return spares;
}

/// What arrives of a body. Beast's error codes carry no text, so the reason waits in `status`.
struct Sink {
  std::string text;
  std::size_t max_bytes = 0;
  std::size_t taken_bytes = 0;  // of text that is not here any more
  std::size_t wire_bytes = 0;
  std::optional<Unpacker> unpacker;
  Status status = Ok();
};

/// Beast's Body concept around Sink.
struct SinkBody {
  using value_type = Sink;

  class reader {
   public:
    /// The parser makes its reader before it has read the header.
    template <bool is_request, class Fields>
    reader(const beast::header<is_request, Fields>& header, Sink& sink)
        : sink_(sink), encoding_of_([&header] { return std::string(header[beast::field::content_encoding]); }) {}

    void init(const boost::optional<std::uint64_t>& length, error_code& error) {
      error = {};
      const std::string encoding = encoding_of_();
      // Snappy is one block, whose size its reader has to know first: the caller undoes it.
      const bool as_it_is = encoding.empty() || encoding == "identity" || encoding == "snappy";
      if (const std::optional<Packing> packing = PackingNamed(encoding)) {
        sink_.unpacker.emplace(*packing, sink_.max_bytes);
      } else if (!as_it_is) {
        return Leave(Fail(Code::kBadData, "Content-Encoding '{}' was not asked for", encoding), error);
      }
      if (length.value_or(kReadSize) >= kReadSize) sink_.text = ThreadSpares().TakeBody();
      if (length) sink_.text.reserve(std::min<std::size_t>(*length, kMaxReserve));
    }

    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      std::size_t total = 0;
      for (auto i = net::buffer_sequence_begin(buffers); i != net::buffer_sequence_end(buffers); ++i) {
        const net::const_buffer buffer(*i);
        Add({static_cast<const char*>(buffer.data()), buffer.size()}, error);
        total += buffer.size();
        if (error) break;
      }
      return total;
    }

    void finish(error_code& error) {
      error = {};
      if (!sink_.unpacker || sink_.wire_bytes == 0) return;
      if (Status status = sink_.unpacker->Finish(); !status) Leave(std::move(status), error);
    }

   private:
    void Add(std::string_view piece, error_code& error) {
      sink_.wire_bytes += piece.size();
      if (sink_.unpacker) {
        if (Status status = sink_.unpacker->Read(piece, sink_.text); !status) Leave(std::move(status), error);
        return;
      }
      if (sink_.taken_bytes + sink_.text.size() + piece.size() > sink_.max_bytes) {
        return Leave(Fail(Code::kLimit, "body exceeds {} bytes", sink_.max_bytes), error);
      }
      sink_.text.append(piece);
    }

    void Leave(Status status, error_code& error) {
      sink_.status = std::move(status);
      error = make_error_code(beast::error::body_limit);
    }

    Sink& sink_;
    std::function<std::string()> encoding_of_;
  };
};

using Parser = beast::response_parser<SinkBody>;

}  // namespace

struct ReplyReader::Impl {
  std::size_t max_body_bytes;
  bool head_only;
  boost::beast::flat_buffer buffer = ThreadSpares().TakeBuffer();
  std::optional<Parser> parser;
  bool started = false;
  int interim = 0;

  void StartReply() {
    parser.emplace();
    parser->eager(true);
    parser->skip(head_only);
    parser->header_limit(kMaxHeadBytes);
    if (max_body_bytes == kNoLimit) {
      parser->body_limit(boost::none);
    } else {
      parser->body_limit(max_body_bytes);
    }
    parser->get().body().max_bytes = max_body_bytes;
  }

  bool IsInterim() const { return parser->is_done() && parser->get().result_int() / 100 == 1; }

  Status Failure(const error_code& error) const {
    const Sink& sink = parser->get().body();
    if (!sink.status) return sink.status;
    if (error == beast::error::body_limit) return Fail(Code::kLimit, "body exceeds {} bytes", max_body_bytes);
    if (error == beast::error::header_limit) return Fail(Code::kLimit, "headers exceed {} bytes", kMaxHeadBytes);
    return Fail(Code::kBadData, "malformed HTTP reply: {}", error.message());
  }
};

ReplyReader::ReplyReader(std::size_t max_body_bytes, bool head_only) : impl_(std::make_unique<Impl>()) {
  impl_->max_body_bytes = max_body_bytes == 0 ? kNoLimit : max_body_bytes;
  impl_->head_only = head_only;
  impl_->StartReply();
}
ReplyReader::~ReplyReader() { ThreadSpares().Give(std::move(impl_->buffer)); }

std::pair<void*, std::size_t> ReplyReader::Space() {
  const auto space = impl_->buffer.prepare(kReadSize);
  return {space.data(), space.size()};
}

Status ReplyReader::Received(std::size_t size) {
  Impl& in = *impl_;
  in.started = in.started || size > 0;
  in.buffer.commit(size);
  while (in.buffer.size() > 0 && !in.parser->is_done()) {
    error_code error;
    const std::size_t used = in.parser->put(in.buffer.data(), error);
    in.buffer.consume(used);
    if (error == beast::error::need_more) {
      // What is left over is the beginning of a line: it must end some time.
      if (in.buffer.size() <= kMaxHeadBytes) break;
      error = in.parser->is_header_done() ? beast::error::bad_chunk_extension : beast::error::header_limit;
    }
    if (error) return in.Failure(error);
    if (in.IsInterim()) {
      if (++in.interim > kMaxInterim) return Fail(Code::kBadData, "more than {} interim replies", kMaxInterim);
      in.StartReply();
    } else if (used == 0) {
      break;
    }
  }
  return Ok();
}

Status ReplyReader::Closed() {
  Impl& in = *impl_;
  if (!in.started) return Fail(Code::kUnavailable, "connection closed before a reply");
  if (!in.parser->is_header_done())
    return Fail(Code::kUnavailable, "connection closed within the headers of the reply");
  error_code error;
  in.parser->put_eof(error);
  if (!in.parser->get().body().status) return in.Failure(error);
  if (error || !in.parser->is_done()) {
    return Fail(Code::kUnavailable, "connection closed after {} bytes of an incomplete body",
                in.parser->get().body().wire_bytes);
  }
  return Ok();
}

bool ReplyReader::Started() const { return impl_->started; }
bool ReplyReader::Done() const { return impl_->parser->is_done(); }
bool ReplyReader::KeepAlive() const { return impl_->parser->keep_alive() && impl_->buffer.size() == 0; }

bool ReplyReader::IsSuccess() const {
  return impl_->parser->is_header_done() && impl_->parser->get().result_int() / 100 == 2;
}

std::string ReplyReader::TakeBody() {
  Sink& sink = impl_->parser->get().body();
  sink.taken_bytes += sink.text.size();
  return std::exchange(sink.text, std::string());
}

std::size_t ReplyReader::BodySize() const { return impl_->parser->get().body().text.size(); }

HttpResponse ReplyReader::Head() const {
  const auto& message = impl_->parser->get();
  HttpResponse out;
  out.status = static_cast<int>(message.result_int());
  for (const auto& field : message) out.headers.emplace_back(field.name_string(), field.value());
  return out;
}

HttpResponse ReplyReader::Take() {
  HttpResponse out = Head();
  auto message = impl_->parser->release();
  out.body = std::move(message.body().text);
  out.wire_bytes = message.body().wire_bytes;
  return out;
}

}  // namespace vedette::http

void vedette::RecycleBody(std::string body) { http::ThreadSpares().Give(std::move(body)); }
