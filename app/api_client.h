// A small client of the agent's own HTTP API, for the subcommands that ask a running agent.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analytics/jobs.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::app {

class ApiClient {
 public:
  /// `server`: "http://host:port", a path prefix is fine.
  explicit ApiClient(std::string server);
  ~ApiClient();

  /// POSTs the parameters as a form to /api/v1/<endpoint>. Errors: kUnavailable when nobody answers; kExecution with
  /// the server's own words when it refuses.
  Result<std::string> Post(std::string_view endpoint,
                           const std::vector<std::pair<std::string, std::string>>& parameters);

  /// As Post(), with a body of any kind; the parameters go into the URL. `timeout`: of the whole request.
  Result<HttpResponse> Send(std::string_view endpoint,
                            const std::vector<std::pair<std::string, std::string>>& parameters, std::string body = {},
                            Millis timeout = std::chrono::minutes(30));

  /// Range queries of the server as analytics code asks them.
  analytics::RangeQuery Query();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A vector, matrix, scalar or string out of the `data` of a query's answer. Errors: kBadData.
Result<promql::QueryValue> ParseQueryData(std::string_view reply);

}  // namespace vedette::app
