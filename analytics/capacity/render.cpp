// The capacity report as text, CSV and JSON.
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "analytics/capacity/report.h"
#include "core/numbers.h"

namespace vedette::analytics {
namespace {

using Cells = std::vector<std::string>;

double UsedRatio(const CapacityRow& row) {
  return row.size_bytes > 0 ? 1 - row.avail_bytes / row.size_bytes : std::nan("");
}

std::string Day(const std::optional<TimeMs>& time) { return time ? FormatRfc3339(*time).substr(0, 10) : "-"; }

/// 1536 -> "1.5 KiB".
std::string HumanBytes(double bytes) {
  static constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  for (; std::abs(bytes) >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

/// The labels that tell file systems apart for people, the rest is left out.
std::string Where(const Labels& labels) {
  std::string where(labels.Get("mountpoint"));
  if (labels.Has("device")) where += fmt::format(" ({})", labels.Get("device"));
  if (labels.Has("instance")) where = fmt::format("{} {}", labels.Get("instance"), where);
  return where.empty() ? labels.ToString() : where;
}

std::string RenderText(const std::vector<CapacityRow>& rows, TimeMs now) {
  std::string out = fmt::format("Capacity of file systems at {}\n\n", FormatRfc3339(now));
  if (rows.empty()) return out + "No file systems found: node_filesystem_avail_bytes has no series.\n";
  std::vector<Cells> table{
      {"FILE SYSTEM", "SIZE", "USED", "PER DAY", "OUTLOOK", "FULL (MEDIAN)", "10 %", "90 %", "WHY"}};
  for (const CapacityRow& row : rows) {
    const Exhaustion& outlook = row.outlook;
    const double used = UsedRatio(row);
    table.push_back({Where(row.labels), HumanBytes(row.size_bytes),
                     std::isfinite(used) ? fmt::format("{:.1f} %", used * 100) : "-",
                     outlook.outlook == Outlook::kUnknown ? "-" : HumanBytes(outlook.slope_per_day),
                     std::string(OutlookName(outlook.outlook)), Day(outlook.p50), Day(outlook.p10), Day(outlook.p90),
                     outlook.reason});
  }
  std::vector<std::size_t> widths(table.front().size());
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  for (const Cells& cells : table) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) line += fmt::format("{:<{}}  ", cells[i], widths[i]);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string CsvCell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string RenderCsv(const std::vector<CapacityRow>& rows) {
  const auto time = [](const std::optional<TimeMs>& t) { return t ? FormatRfc3339(*t) : std::string(); };
  std::string out = "instance,device,mountpoint,size_bytes,avail_bytes,bytes_per_day,outlook,p10,p50,p90,reason\n";
  for (const CapacityRow& row : rows) {
    const Cells cells{std::string(row.labels.Get("instance")),
                      std::string(row.labels.Get("device")),
                      std::string(row.labels.Get("mountpoint")),
                      FormatSampleValue(row.size_bytes),
                      FormatSampleValue(row.avail_bytes),
                      FormatSampleValue(row.outlook.slope_per_day),
                      std::string(OutlookName(row.outlook.outlook)),
                      time(row.outlook.p10),
                      time(row.outlook.p50),
                      time(row.outlook.p90),
                      row.outlook.reason};
    for (std::size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "" : ",") + CsvCell(cells[i]);
    out += "\n";
  }
  return out;
}

std::string RenderJson(const std::vector<CapacityRow>& rows, TimeMs now) {
  const auto number = [](double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; };
  const auto time = [](const std::optional<TimeMs>& t) {
    return t ? nlohmann::ordered_json(FormatRfc3339(*t)) : nullptr;
  };
  nlohmann::ordered_json report;
  report["time"] = FormatRfc3339(now);
  report["filesystems"] = nlohmann::ordered_json::array();
  for (const CapacityRow& row : rows) {
    nlohmann::ordered_json labels = nlohmann::ordered_json::object();
    for (const LabelView label : row.labels) labels[std::string(label.name)] = label.value;
    const bool known = row.outlook.outlook != Outlook::kUnknown;
    report["filesystems"].push_back(
        {{"labels", std::move(labels)},
         {"size_bytes", number(row.size_bytes)},
         {"avail_bytes", number(row.avail_bytes)},
         {"bytes_per_day", known ? number(row.outlook.slope_per_day) : nullptr},
         {"outlook", OutlookName(row.outlook.outlook)},
         {"full", {{"p10", time(row.outlook.p10)}, {"p50", time(row.outlook.p50)}, {"p90", time(row.outlook.p90)}}},
         {"reason", row.outlook.reason}});
  }
  // Label values are what a target sent: invalid UTF-8 is replaced rather than thrown about.
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string RenderReport(const std::vector<CapacityRow>& rows, TimeMs now, ReportFormat format) {
  switch (format) {
    case ReportFormat::kCsv:
      return RenderCsv(rows);
    case ReportFormat::kJson:
      return RenderJson(rows, now);
    case ReportFormat::kText:
      break;
  }
  return RenderText(rows, now);
}

}  // namespace vedette::analytics
