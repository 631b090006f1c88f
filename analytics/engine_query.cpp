#include "analytics/jobs.h"

namespace vedette::analytics {

RangeQuery EngineQuery(const promql::Engine& engine) {
  return [&engine](std::string_view expr, TimeMs start, TimeMs end, Millis step) {
    return engine.Range(expr, start, end, step);
  };
}

}  // namespace vedette::analytics
