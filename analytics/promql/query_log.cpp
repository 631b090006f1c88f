#include "analytics/promql/query_log.h"

#include <iterator>

#include "core/json_log.h"

namespace vedette::promql {
namespace {

/// Always with three digits behind the point.
std::string LogTime(TimeMs time) {
  const CivilTime c = ToCivil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.millisecond);
}

double LogSeconds(std::chrono::nanoseconds span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

std::string QueryLogMembers(std::string_view text, const QueryTimes& times, bool instant, std::string_view origin,
                            const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total) {
  const auto step = std::chrono::duration_cast<std::chrono::seconds>(times.step).count();
  std::string out = fmt::format(R"("params":{{"end":"{}","query":{},"start":"{}","step":{}}})", LogTime(times.end),
                                JsonText(text), LogTime(times.start), instant ? 0 : step);
  QueryStats stats;
  if (outcome) {
    stats = outcome->stats;
  } else {
    out += fmt::format(R"(,"error":{})", JsonText(outcome.error().message));
  }
  fmt::format_to(std::back_inserter(out),
                 R"(,"stats":{{"timings":{{"evalTotalTime":{},"resultSortTime":0,"queryPreparationTime":{},)"
                 R"("innerEvalTime":{},"execQueueTime":{},"execTotalTime":{}}},"samples":{{)"
                 R"("totalQueryableSamples":{},"peakSamples":{}}}}},"spanID":"0000000000000000")",
                 LogSeconds(stats.prepare_time + stats.eval_time), LogSeconds(stats.prepare_time),
                 LogSeconds(stats.eval_time), LogSeconds(stats.queue_time), LogSeconds(total), stats.samples_read,
                 stats.peak_samples);
  if (!origin.empty()) out.append(",").append(origin);
  return out;
}

}  // namespace vedette::promql
