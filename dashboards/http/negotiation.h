// What a response gets on its way out, whatever handler made it: compression and CORS headers. Runs where handlers run.
#pragma once

#include <string_view>

#include "core/matcher.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// Compresses the body by the first of gzip and deflate in Accept-Encoding, as Prometheus does: weights are ignored but
/// for q=0. Sets Content-Encoding and Vary. Leaves alone what says `compress = false`, is encoded already, or is empty.
void CompressFor(const Request& request, Response& response);

/// Which origins' pages may read answers of the API.
class CorsPolicy {
 public:
  /// `origin`: a fully anchored regular expression; ".*" allows everybody. Errors: kBadData.
  static Result<CorsPolicy> Create(std::string_view origin);
  /// Adds Vary, and the Access-Control headers when the request names its origin.
  void Apply(const Request& request, Response& response) const;

 private:
  explicit CorsPolicy(Regex origin);
  Regex origin_;
  bool everybody_;
};

}  // namespace vedette::dashboards
