// Which handler answers which path. Built once before the server starts, then only read: thread-safe.
//
//   Router router;
//   router.Add(kGet | kPost, "/api/v1/query", [&](const Request& r) { return api.Query(r); });
//   router.Add(kGet, "/api/v1/label/{name}/values", ...);   // request.path_parameter holds the name
//
// HEAD is answered by the GET handler (the server leaves the body out). OPTIONS is answered with 204, a known path with
// another method with 405 and Allow, an unknown path with 404.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// What the bodies of requests may be, looked at while they arrive: before a handler has them.
struct BodyLimits {
  std::size_t max_bytes = 0;  // of one; 413
  /// Takes bytes out of what all of them may hold until they are answered. False: others have too much now; 503.
  std::function<bool(std::size_t bytes)> take;
  std::function<void(std::size_t bytes)> give;
};

/// Runs on a worker thread or one of the io_context, several at a time; may block. What it throws becomes 500.
using Handler = std::function<Response(const Request&)>;

class Router {
 public:
  /// `pattern`: an absolute path of which one segment may be "{name}", which stands for any one non-empty segment; or a
  /// folder ending in "/*", which stands for everything below it (path_parameter: the rest). Exact paths go before
  /// patterns, earlier patterns before later ones. Adding the same method and path twice is a bug and aborts.
  /// `body`: the server's own limit counts as well.
  Router& Add(Methods methods, std::string pattern, Handler handler, std::shared_ptr<const BodyLimits> body = nullptr);

  struct Match {
    const Handler* handler = nullptr;  // null: `refusal` is the answer
    std::string_view pattern;          // for metrics; "other" when nothing matched
    std::string path_parameter;        // decoded
    Response refusal;
    const BodyLimits* body = nullptr;  // of the handler; null: only the server's
  };
  /// `raw_path`: as it stands in the request line, still percent-coded, so that "%2F" does not split a segment.
  Match Find(Method method, std::string_view raw_path) const;

  /// Every pattern once, sorted.
  std::vector<std::string_view> Patterns() const;

 private:
  struct Row {
    Methods methods;
    std::string pattern;
    Handler handler;
    std::shared_ptr<const BodyLimits> body;
  };
  struct Wildcard {
    std::string prefix, suffix;  // around the segment
    bool rest = false;           // "/*": the segment may hold slashes
    std::vector<Row> rows;
  };

  Match Choose(const std::vector<Row>& rows, Method method, std::string path_parameter) const;

  std::map<std::string, std::vector<Row>, std::less<>> exact_;  // key: decoded path
  std::vector<Wildcard> wildcards_;
};

}  // namespace vedette::dashboards
