// How rules and their templates ask for data. The seam keeps the state machine testable without the query engine.
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "alerting/template/functions.h"
#include "analytics/promql/ast.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::promql {
class Engine;
}

namespace vedette::alerting {

using VectorSample = tmpl::Environment::QuerySample;

class RuleQueries {
 public:
  virtual ~RuleQueries() = default;

  /// An instant query; `origin` is for the query log. A scalar is one sample without labels. Thread-safe, blocks the
  /// calling worker. Errors: those of promql::Engine::Instant; kExecution when the result is neither vector nor scalar.
  virtual Result<std::vector<VectorSample>> Run(const promql::Expr& expr, TimeMs time, std::stop_token stop,
                                                std::string_view origin) = 0;
  virtual Result<std::vector<VectorSample>> Run(std::string_view expr, TimeMs time, std::stop_token stop,
                                                std::string_view origin) = 0;
};

/// `engine` outlives the result.
std::unique_ptr<RuleQueries> NewEngineQueries(const promql::Engine& engine);

}  // namespace vedette::alerting
