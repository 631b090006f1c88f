#include "collector/probe/http_message.h"

#include <array>

#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional.hpp>

#include "core/url.h"

namespace vedette::collector {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeadBytes = 1 << 20;
constexpr const char* kNoMemory = "the probes keep too many bytes at once";

/// Beast's Body: keeps the bytes, as far as the memory of all probes allows, or counts them.
struct ProbeBody {
  struct value_type {
    ProbeBodyRules rules;
    std::string text;
    std::size_t size = 0;
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    static void init(const boost::optional<std::uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      const std::size_t size = net::buffer_size(buffers);
      body_.size += size;
      if (!body_.rules.keep) return size;
      if (!body_.rules.memory->Take(size)) {
        error = net::error::no_memory;
        return 0;
      }
      const std::size_t used = body_.text.size();
      body_.text.resize(used + size);
      net::buffer_copy(net::buffer(body_.text.data() + used, size), buffers);
      return size;
    }
    static void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

std::string TextOf(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string ProbeHttpReply::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

std::vector<std::string> ProbeHttpReply::HeaderValues(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) values.push_back(value);
  }
  return values;
}

std::string EncodeProbeRequest(const ProbeHttpRequest& request) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  for (const auto& [name, value] : request.headers) out += fmt::format("{}: {}\r\n", name, value);
  const bool has_length = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || has_length) out += fmt::format("Content-Length: {}\r\n", request.body.size());
  return out + "Connection: close\r\n\r\n" + request.body;
}

net::awaitable<Status> ExchangeHttp(ProbeStream& stream, const ProbeHttpRequest& request, ProbeBodyRules rules,
                                    ProbeHttpReply& reply) {
  const std::string bytes = EncodeProbeRequest(request);
  const auto [write_error, written] = co_await stream.WriteAll(net::buffer(bytes));
  if (write_error) co_return Fail(Code::kUnavailable, "cannot send the request: {}", write_error.message());
  http::response_parser<ProbeBody> parser;
  parser.header_limit(kMaxHeadBytes);
  parser.body_limit(rules.max_bytes);
  parser.get().body().rules = rules;
  parser.eager(true);
  if (request.method == "HEAD") parser.skip(true);
  std::string received;
  bool head = false;
  while (!parser.is_done()) {
    std::array<char, 16384> buffer;
    const auto [error, size] = co_await stream.Read(net::buffer(buffer));
    if (size > 0 && reply.first_byte == SteadyTime()) reply.first_byte = std::chrono::steady_clock::now();
    received.append(buffer.data(), size);
    if (!head && !rules.memory->Take(size)) co_return Fail(Code::kUnavailable, "{}", kNoMemory);
    error_code parse_error;
    while (!received.empty() && !parser.is_done()) {
      const std::size_t used = parser.put(net::buffer(received), parse_error);
      received.erase(0, used);
      if (parse_error == http::error::need_more) {
        parse_error = {};
        break;
      }
      if (parse_error || used == 0) break;
    }
    if (error && !parse_error) parser.put_eof(parse_error);
    if (parser.is_header_done() && !head) {
      head = true;
      const auto& message = parser.get();
      reply.status = static_cast<int>(message.result_int());
      reply.version = static_cast<int>(message.version());
      for (const auto& field : message) reply.headers.emplace_back(TextOf(field.name_string()), TextOf(field.value()));
      if (const auto length = parser.content_length()) reply.content_length = static_cast<double>(*length);
    }
    reply.body_size = parser.get().body().size;
    if (parse_error == net::error::no_memory) co_return Fail(Code::kUnavailable, "{}", kNoMemory);
    if (parse_error == http::error::body_limit) {
      co_return Fail(Code::kLimit, "http: response body too large");
    }
    if (parse_error == http::error::header_limit || received.size() > kMaxHeadBytes) {
      co_return Fail(Code::kLimit, "the head of the reply is larger than {} bytes", kMaxHeadBytes);
    }
    if (error && error != net::error::eof && error != net::ssl::error::stream_truncated) {
      co_return Fail(Code::kUnavailable, "{}", error.message());
    }
    if (parse_error) co_return Fail(Code::kBadData, "{}", parse_error.message());
  }
  reply.end = std::chrono::steady_clock::now();
  reply.body = std::move(parser.get().body().text);
  co_return Ok();
}

}  // namespace vedette::collector
