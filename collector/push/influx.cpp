#include "collector/push/influx.h"

#include <algorithm>

#include "collector/media_type.h"
#include "collector/push/influx_line.h"
#include "collector/push/unpack.h"

namespace vedette::collector {
namespace {

/// Nanoseconds of one step.
Result<std::int64_t> PrecisionOf(std::string_view text) {
  struct Row {
    std::string_view name;
    std::int64_t ns;
  };
  static constexpr Row kRows[] = {{"", 1},
                                  {"n", 1},
                                  {"ns", 1},
                                  {"u", 1'000},
                                  {"us", 1'000},
                                  {"µ", 1'000},
                                  {"ms", 1'000'000},
                                  {"s", 1'000'000'000},
                                  {"m", 60'000'000'000},
                                  {"h", 3'600'000'000'000}};
  const auto* const found = std::ranges::find(kRows, text, &Row::name);
  if (found == std::end(kRows)) return Fail(Code::kBadData, "precision {} is not known", Quote(text.substr(0, 100)));
  return found->ns;
}

/// In milliseconds. What no int64 holds is further than any store goes.
TimeMs InfluxTime(std::int64_t time, std::int64_t ns) {
  constexpr std::int64_t kNsPerMs = 1'000'000;
  if (ns < kNsPerMs) return TimeMs(time / (kNsPerMs / ns));
  std::int64_t ms = 0;
  return __builtin_mul_overflow(time, ns / kNsPerMs, &ms) ? (time < 0 ? TimeMs::Min() : TimeMs::Max()) : TimeMs(ms);
}

class InfluxRun {
 public:
  InfluxRun(Intake& intake, const InfluxRequest& request)
      : intake_(intake), request_(request), batch_(intake, PushProtocol::kInflux) {}

  PushOutcome Run() { return batch_.Finish(ReadAll()); }

 private:
  Status ReadAll();
  Status Take(const InfluxLine& line, TimeMs time, std::size_t number);
  Result<storage::SeriesId> SeriesOf(std::string_view series, std::string_view field);

  Intake& intake_;
  const InfluxRequest& request_;
  PushBatch batch_;
  std::string key_;  // reused
};

Status InfluxRun::ReadAll() {
  VEDETTE_TRY(const std::int64_t ns, PrecisionOf(request_.precision));
  std::string buffer;
  std::string_view text;
  VEDETTE_CHECK(
      UnpackBody(request_.body, request_.encoding, intake_.options().max_decoded_bytes, batch_, buffer, text));
  const TimeMs now = intake_.clock().Now();
  InfluxLine line;
  for (InfluxReader reader(text); reader.More();) {
    const Status read = reader.Next(line);
    const std::size_t number = reader.line();
    if (!read) {
      batch_.Drop(PushDrop::kBadLine);
      batch_.Complain(fmt::format("line {}: {}", number, read.error().message));
      continue;
    }
    VEDETTE_CHECK(Take(line, line.time ? InfluxTime(*line.time, ns) : now, number));
  }
  return Ok();
}

Status InfluxRun::Take(const InfluxLine& line, TimeMs time, std::size_t number) {
  batch_.CountSeries();
  for (const InfluxField& field : line.fields) {
    if (!field.value) {
      batch_.Drop(PushDrop::kNotANumber);
      continue;
    }
    if (!batch_.InTime(time)) {
      batch_.DropOutOfBounds(time, fmt::format("of line {}", number));
      continue;
    }
    const auto id = SeriesOf(line.series, field.key);
    if (!id && id.error().code == Code::kBadData) {
      batch_.Drop(PushDrop::kBadLabels);
      batch_.Complain(fmt::format("line {}: {}", number, id.error().message));
      continue;
    }
    if (!id) return id.error();
    if (*id == storage::SeriesId::kNone) continue;
    VEDETTE_CHECK(batch_.Charge(2 * sizeof(storage::Sample)));
    batch_.Add(*id, time, *field.value);
  }
  return Ok();
}

Result<storage::SeriesId> InfluxRun::SeriesOf(std::string_view series, std::string_view field) {
  key_.assign("influx");
  for (const std::string_view part : {request_.database, series, field}) {
    key_ += '\n';  // a blank ends a line's series, and a newline a field's name
    key_ += part;
  }
  const SeriesCache::Key key = intake_.series_cache().KeyOf(key_);
  if (const storage::SeriesId known = batch_.Find(key); known != storage::SeriesId::kNone) return known;
  std::string measurement;
  std::vector<std::pair<std::string, std::string>> tags;
  VEDETTE_CHECK(ReadInfluxSeries(series, measurement, tags));
  LabelsBuilder labels;
  labels.Set("db", request_.database);
  for (const auto& [name, value] : tags) labels.Set(name, value);
  labels.Set(kMetricName, measurement + "_" + WithoutInfluxEscapes(field));
  const Labels made = labels.Build();
  VEDETTE_CHECK(storage::ValidateSeries(made));
  return batch_.Series(made, &key, 1);
}

}  // namespace

PushOutcome InfluxReceiver::Ingest(const InfluxRequest& request) { return InfluxRun(intake_, request).Run(); }

}  // namespace vedette::collector
