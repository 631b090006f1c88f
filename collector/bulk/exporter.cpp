#include "collector/bulk/exporter.h"

#include "collector/bulk/json_series.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

bool IsPlainName(std::string_view name, bool colons) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (colons && c == ':');
    if (!good) return false;
  }
  return true;
}

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  out.push_back('"');
}

/// name{label="value"}, or {"a name that needs quotes",label="value"}.
std::string SeriesText(const Labels& labels) {
  const std::string_view name = labels.Get("__name__");
  const bool plain = IsPlainName(name, true);
  std::string out(plain ? name : "");
  out.push_back('{');
  const char* separator = "";
  if (!plain && !name.empty()) {
    AppendQuoted(out, name);
    separator = ",";
  }
  for (const LabelView label : labels) {
    if (label.name == "__name__") continue;
    out += separator;
    separator = ",";
    if (IsPlainName(label.name, false)) {
      out += label.name;
    } else {
      AppendQuoted(out, label.name);
    }
    out.push_back('=');
    AppendQuoted(out, label.value);
  }
  return out += "}";
}

void AppendCsv(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"") == std::string_view::npos) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

/// Removes the samples of which `is_stale` holds.
template <class Values, class IsStale>
void DropStale(storage::Column<std::int64_t>& times, Values& values, IsStale is_stale) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (is_stale(values[i])) continue;
    times[kept] = times[i];
    if (kept != i) values[kept] = std::move(values[i]);
    ++kept;
  }
  times.resize(kept);
  values.resize(kept);
}

}  // namespace

Result<Exporter> Exporter::Start(const storage::Querier& querier, std::span<const Matcher> matchers,
                                 BulkFormat format) {
  Exporter out(querier, format);
  VEDETTE_TRY(out.series_, querier.Select(matchers));
  if (format == BulkFormat::kCsv) {
    VEDETTE_TRY(out.columns_, querier.LabelNames(matchers));
  }
  return out;
}

void Exporter::Begin(std::string& out) const {
  if (format_ != BulkFormat::kCsv) return;
  for (const std::string& name : columns_) {
    AppendCsv(out, name);
    out.push_back(',');
  }
  out += "timestamp,value\n";
}

void Exporter::End(std::string& out) const {
  if (format_ == BulkFormat::kOpenMetrics) out += "# EOF\n";
}

Status Exporter::Append(std::size_t i, std::string& out) {
  const storage::SeriesEntry& series = series_[i];
  samples_.clear();
  histograms_.clear();
  VEDETTE_CHECK(querier_->ReadMixed(series.id, TimeRange(), samples_, histograms_));
  DropStale(samples_.times, samples_.values, IsStaleNan);
  DropStale(histograms_.times, histograms_.histograms, IsStaleHistogram);
  if (format_ == BulkFormat::kJsonLines) {
    if (samples_.size() > 0) AppendJsonSeries(out, series.labels, samples_);
    if (histograms_.size() > 0) AppendJsonSeries(out, series.labels, histograms_);
    return Ok();
  }
  left_out_ += histograms_.size();
  if (samples_.size() == 0) return Ok();
  std::string head;
  if (format_ == BulkFormat::kCsv) {
    for (const std::string& name : columns_) {
      AppendCsv(head, series.labels.Get(name));
      head.push_back(',');
    }
  } else {
    head = SeriesText(series.labels) + " ";
  }
  for (std::size_t at = 0; at < samples_.size(); ++at) {
    const TimeMs time(samples_.times[at]);
    out += head;
    if (format_ == BulkFormat::kCsv) {
      out += std::to_string(time.ms);
      out.push_back(',');
      AppendSampleValue(out, samples_.values[at]);
    } else {
      AppendSampleValue(out, samples_.values[at]);
      out.push_back(' ');
      if (format_ == BulkFormat::kText) {
        out += std::to_string(time.ms);
      } else {
        AppendUnixSeconds(out, time);
      }
    }
    out.push_back('\n');
  }
  return Ok();
}

}  // namespace vedette::collector
