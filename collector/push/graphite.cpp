#include "collector/push/graphite.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "collector/push/push_metrics.h"
#include "core/numbers.h"
#include "storage/storage.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kGraphiteBlanks = " \t";
constexpr std::size_t kShownGraphiteText = 100;

std::string_view NextGraphiteWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kGraphiteBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kGraphiteBlanks));
  line.remove_prefix(word.size());
  return word;
}

Error BadGraphite(std::string_view what, std::string_view text) {
  return Fail(Code::kBadData, "{} in {}", what, Quote(text.substr(0, kShownGraphiteText)));
}

class GraphiteRun {
 public:
  explicit GraphiteRun(Intake& intake)
      : intake_(intake), batch_(intake, PushProtocol::kGraphite), now_(intake.clock().Now()) {}

  PushOutcome Run(std::string_view lines) {
    Status status = batch_.Charge(lines.size());
    for (std::size_t number = 1; status && !lines.empty(); ++number) {
      std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(kGraphiteBlanks) == std::string_view::npos) continue;
      status = Take(line, number);
    }
    return batch_.Finish(std::move(status));
  }

 private:
  Status Take(std::string_view text, std::size_t number) {
    if (text.size() > intake_.options().graphite_max_line_bytes) {
      return Bad(PushDrop::kBadLine, number, Fail(Code::kBadData, "line of {} bytes", text.size()));
    }
    const auto line = ReadGraphiteLine(text);
    if (!line) return Bad(PushDrop::kBadLine, number, line.error());
    batch_.CountSeries();
    const TimeMs time = line->time.value_or(now_);
    if (!batch_.InTime(time)) {
      batch_.DropOutOfBounds(time, fmt::format("of line {}", number));
      return Ok();
    }
    const auto id = SeriesOf(line->series);
    if (!id && id.error().code == Code::kBadData) return Bad(PushDrop::kBadLabels, number, id.error());
    if (!id) return id.error();
    if (*id == storage::SeriesId::kNone) return Ok();
    VEDETTE_CHECK(batch_.Charge(2 * sizeof(storage::Sample)));
    batch_.Add(*id, time, line->value);
    return Ok();
  }

  Status Bad(PushDrop reason, std::size_t number, const Error& error) {
    batch_.Drop(reason);
    batch_.Complain(fmt::format("line {}: {}", number, error.message));
    return Ok();
  }

  Result<storage::SeriesId> SeriesOf(std::string_view series) {
    key_.assign("graphite\n").append(series);
    const SeriesCache::Key key = intake_.series_cache().KeyOf(key_);
    if (const storage::SeriesId known = batch_.Find(key); known != storage::SeriesId::kNone) return known;
    VEDETTE_TRY(const Labels labels, ReadGraphiteSeries(series));
    VEDETTE_CHECK(storage::ValidateSeries(labels));
    return batch_.Series(labels, &key, 1);
  }

  Intake& intake_;
  PushBatch batch_;
  const TimeMs now_;
  std::string key_;  // reused
};

}  // namespace

Result<GraphiteLine> ReadGraphiteLine(std::string_view line) {
  std::string_view left = line;
  GraphiteLine out;
  out.series = NextGraphiteWord(left);
  const std::string_view value = NextGraphiteWord(left), time = NextGraphiteWord(left);
  if (out.series.empty() || value.empty()) return BadGraphite("line without a path or a value", line);
  if (!NextGraphiteWord(left).empty()) return BadGraphite("more than a path, a value and a time", line);
  const auto number = ParseFloat(value);
  if (!number || std::isnan(*number)) return BadGraphite("value that is no number", value);
  out.value = *number;
  if (time.empty()) return out;
  const auto seconds = ParseFloat(time);
  if (!seconds || std::isnan(*seconds)) return BadGraphite("time that is no number", time);
  if (*seconds == -1 || *seconds == 0) return out;
  // What no int64 holds is further than any store goes.
  const double ms = std::floor(*seconds * 1000);
  out.time = ms >= 0x1p62 ? TimeMs::Max() : ms <= -0x1p62 ? TimeMs::Min() : TimeMs(static_cast<std::int64_t>(ms));
  return out;
}

Result<Labels> ReadGraphiteSeries(std::string_view series) {
  LabelsBuilder labels;
  std::string_view left = series;
  const std::string_view path = left.substr(0, left.find(';'));
  if (path.empty()) return BadGraphite("tags without a path", series);
  left.remove_prefix(path.size());
  while (!left.empty()) {
    left.remove_prefix(1);
    const std::string_view tag = left.substr(0, left.find(';'));
    left.remove_prefix(tag.size());
    if (tag.empty()) continue;
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals == std::string_view::npos) return BadGraphite("tag without a name or a value", series);
    labels.Set(tag.substr(0, equals), tag.substr(equals + 1));  // an empty value is no tag
  }
  labels.Set(kMetricName, path);
  return labels.Build();
}

PushOutcome GraphiteReceiver::Ingest(std::string_view lines) { return GraphiteRun(intake_).Run(lines); }

void GraphiteReceiver::DropLine() { intake_.metrics().Dropped(PushDrop::kBadLine).Increment(); }

}  // namespace vedette::collector
