// A request as handlers see it and the response they return: plain values, no socket in sight.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::dashboards {

/// One bit each, so that a route can name several.
enum Method : std::uint8_t { kGet = 1, kHead = 2, kPost = 4, kPut = 8, kDelete = 16, kOptions = 32 };
using Methods = std::uint8_t;

/// Name and value pairs in their order; names may repeat.
class Pairs {
 public:
  Pairs() = default;
  explicit Pairs(std::vector<std::pair<std::string, std::string>> items) : items_(std::move(items)) {}

  void Add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 protected:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// Decoded parameters of a query or form; names are case-sensitive.
class Parameters : public Pairs {
 public:
  using Pairs::Pairs;
  /// The first value of `name`, empty when there is none; Has() tells the two apart.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  /// Every value of `name`, e.g. of match[].
  std::vector<std::string> All(std::string_view name) const;
};

/// Headers; names compare without case.
class Headers : public Pairs {
 public:
  using Pairs::Pairs;
  Headers(std::initializer_list<std::pair<std::string, std::string>> items)
      : Pairs(std::vector<std::pair<std::string, std::string>>(items)) {}
  /// The first value of `name`, empty when absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  /// Replaces every value of `name`.
  void Set(std::string_view name, std::string value);
};

struct Request {
  Method method = kGet;
  std::string path;            // decoded, without the query
  std::string path_parameter;  // what a {name} segment of the route stands for, decoded
  Parameters query;
  Headers headers;
  std::string body;
  std::string remote;  // "127.0.0.1:40312"
  /// Fires when the client hangs up or the server stops waiting. A client that only closes its sending side counts as
  /// gone, too, but still gets whatever the handler returns.
  std::stop_token stop;
};

/// What a piece of a body was.
enum class Piece : std::uint8_t {
  kMore,   // there are others
  kLast,   // that is all
  kBroken  // something went wrong: the connection is cut, so that nobody takes it for all
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  /// Sent instead of `body` when set: one immutable text for many clients, e.g. an embedded file.
  std::shared_ptr<const std::string> shared_body;
  /// May be sent as gzip or deflate; not done when the headers already name a Content-Encoding.
  bool compress = true;
  /// When set: the body comes in pieces, each appended to `piece` (empty when called) by a worker thread after the one
  /// before has been sent: a client that reads slowly keeps no thread and one piece in memory. Never called after the
  /// client has left, nor twice at once. `body` stands in front; there is no compression.
  std::function<Piece(std::string& piece)> more;
  /// When set: the answer is not this one but what the given function is called with, once, later and on any thread;
  /// nobody waits for it meanwhile. Everything else in here is passed over.
  std::function<void(std::function<void(Response)>)> later;

  std::string_view Body() const { return shared_body ? std::string_view(*shared_body) : std::string_view(body); }
};

/// A short plain-text answer, "<text>\n" left as given.
Response TextResponse(int status, std::string text);
Response JsonResponse(int status, std::string json);
/// 302 to `location` (absolute path).
Response RedirectResponse(std::string location);

/// Query parameters, preceded by those of an application/x-www-form-urlencoded body of a POST or PUT: what Prometheus'
/// endpoints read. Errors: kLimit for more than 10,000 parameters.
Result<Parameters> FormParameters(const Request& request);

/// "Not Found" for 404; "Unknown" for a status that has no standard text.
std::string_view ReasonPhrase(int status);

}  // namespace vedette::dashboards
