#include "analytics/capacity/report.h"

#include <algorithm>
#include <map>

#include "storage/storage.h"

namespace vedette::analytics {
namespace {

/// File systems by their labels, of one metric.
Result<std::map<Labels, std::vector<promql::Point>>> Fetch(const RangeQuery& query, std::string_view metric, TimeMs now,
                                                           const CapacityOptions& options) {
  const std::string expr = fmt::format("{}{{{}}}", metric, options.matchers);
  VEDETTE_TRY(promql::QueryOutcome outcome, query(expr, now - options.history, now, options.step));
  std::map<Labels, std::vector<promql::Point>> by_labels;
  for (promql::ResultSeries& series : outcome.value.series) {
    by_labels[LabelsBuilder(series.labels).Delete(kMetricName).Build()] = std::move(series.points);
  }
  return by_labels;
}

/// size - avail at the times that have both.
storage::Columns Used(const std::vector<promql::Point>& size, const std::vector<promql::Point>& avail) {
  storage::Columns used;
  auto s = size.begin();
  for (const promql::Point& point : avail) {
    while (s != size.end() && s->time_ms < point.time_ms) ++s;
    if (s == size.end()) break;
    if (s->time_ms != point.time_ms) continue;
    used.times.push_back(point.time_ms);
    used.values.push_back(s->value - point.value);
  }
  return used;
}

/// Sooner first; within one kind of outlook by labels.
bool Before(const CapacityRow& a, const CapacityRow& b) {
  const auto key = [](const CapacityRow& row) {
    return std::pair(row.outlook.outlook, row.outlook.p50.value_or(TimeMs::Max()));
  };
  if (key(a) != key(b)) return key(a) < key(b);
  return a.labels < b.labels;
}

}  // namespace

Result<std::vector<CapacityRow>> FilesystemReport(const RangeQuery& query, TimeMs now, const CapacityOptions& options) {
  VEDETTE_TRY(const auto sizes, Fetch(query, "node_filesystem_size_bytes", now, options));
  VEDETTE_TRY(const auto avails, Fetch(query, "node_filesystem_avail_bytes", now, options));
  std::vector<CapacityRow> rows;
  for (const auto& [labels, avail] : avails) {
    CapacityRow row;
    row.labels = labels;
    if (!avail.empty()) row.avail_bytes = avail.back().value;
    const auto size = sizes.find(labels);
    if (size == sizes.end() || size->second.empty()) {
      row.outlook.reason = "its size is not known";
    } else {
      row.size_bytes = size->second.back().value;
      const storage::Columns used = Used(size->second, avail);
      row.outlook = EstimateExhaustion(used.times, used.values, row.size_bytes, now, options.exhaustion);
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), Before);
  return rows;
}

Result<ReportFormat> ParseReportFormat(std::string_view text) {
  if (text == "text") return ReportFormat::kText;
  if (text == "csv") return ReportFormat::kCsv;
  if (text == "json") return ReportFormat::kJson;
  return Fail(Code::kBadData, "there is no report format '{}': text, csv and json are", text);
}

}  // namespace vedette::analytics
