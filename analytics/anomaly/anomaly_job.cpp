// The anomaly job: a detector per series, fed with every new step of the expression, its judgements written as series.
#include <map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "analytics/anomaly/models.h"
#include "analytics/job.h"
#include "core/log.h"
#include "storage/coding.h"

namespace vedette::analytics {
namespace {

/// Steps asked for in one query: warming up on two weeks must not hold two weeks of every series in memory.
constexpr std::int64_t kStepsPerQuery = 2000;
constexpr std::uint8_t kAnomalyRowVersion = 1;

struct Model {
  std::unique_ptr<Detector> detector;
  TimeMs last_seen;
  bool changed = false;
  std::array<storage::SeriesId, 4> outputs{};  // score, expected, lower, upper
};

/// Version, last seen, labels, state of the detector.
std::string EncodeModel(const Labels& labels, const Model& model) {
  std::string out(1, static_cast<char>(kAnomalyRowVersion));
  storage::PutSigned(out, model.last_seen.ms);
  storage::PutVarint(out, labels.size());
  for (const LabelView label : labels) {
    for (const std::string_view text : {label.name, label.value}) {
      storage::PutVarint(out, text.size());
      out += text;
    }
  }
  return out + model.detector->Save();
}

class AnomalyJob final : public Job {
 public:
  explicit AnomalyJob(const JobContext& context) : context_(context), spec_(*FindDetector(context.options.model)) {}

  Status Load() override {
    const std::string prefix = context_.options.name + "/";
    VEDETTE_TRY(const auto row_bytes, context_.state.Get(kModelTable, prefix));
    const auto row = row_bytes ? JobRow::Decode(*row_bytes) : Result<JobRow>(JobRow{});
    const bool usable = row && row->fingerprint == Fingerprint(context_.options);
    if (usable) last_run_ = row->last_run;
    return context_.state.Scan(kModelTable, prefix, [&](std::string_view key, std::string_view value) {
      if (key == prefix) return true;
      const Status loaded = usable ? LoadModel(value) : Status(Fail(Code::kNotFound, "the job has changed"));
      if (!loaded) {
        LogInfo("analytics", "model starts anew", {{"model", key}, {"reason", loaded.error()}});
        obsolete_.emplace_back(key);
      }
      return true;
    });
  }

  Status Run(TimeMs now) override {
    const TimeMs end = AlignDown(now, context_.options.step);
    const TimeMs oldest = end - context_.options.history;
    const bool goes_on = last_run_ && *last_run_ >= oldest;
    const TimeMs start = goes_on ? *last_run_ + context_.options.step : oldest;
    write_after_ = goes_on ? *last_run_ : end - context_.options.interval;
    const std::unique_ptr<storage::Appender> appender = context_.storage.NewAppender();
    for (TimeMs from = start; from <= end; from += context_.options.step * kStepsPerQuery) {
      const TimeMs to = std::min(end, from + context_.options.step * (kStepsPerQuery - 1));
      VEDETTE_TRY(auto outcome, context_.query(context_.options.expr, from, to, context_.options.step));
      for (const promql::ResultSeries& series : WatchedSeries(std::move(outcome), context_)) {
        VEDETTE_CHECK(Feed(series, *appender));
      }
      // What has been learned must not be learned again when a later part of the catching up fails.
      last_run_ = to;
    }
    Forget(oldest);
    context_.metrics.series.Set(static_cast<double>(models_.size()));
    return CommitResults(*appender, context_);
  }

  void Save(storage::StateBatch& batch) override {
    for (const std::string& key : obsolete_) batch.Delete(kModelTable, key);
    obsolete_.clear();
    for (auto& [labels, model] : models_) {
      if (model.changed) batch.Put(kModelTable, KeyOf(labels), EncodeModel(labels, model));
      model.changed = false;
    }
    if (!last_run_) return;
    batch.Put(kModelTable, context_.options.name + "/", JobRow::Encode({Fingerprint(context_.options), *last_run_}));
  }

  std::optional<TimeMs> LastRun() const override { return last_run_; }

 private:
  std::string KeyOf(const Labels& labels) const { return context_.options.name + "/" + labels.ToString(); }

  Status LoadModel(std::string_view bytes) {
    constexpr std::uint64_t kMaxLabels = 1000;
    const auto damaged = [] { return Fail(Code::kCorruption, "damaged state of a model"); };
    storage::ByteReader in(bytes);
    const auto version = in.Byte();
    const auto last_seen = in.Signed();
    const auto count = in.Varint();
    if (version != kAnomalyRowVersion || !last_seen || !count || *count > kMaxLabels) return damaged();
    LabelsBuilder labels;
    for (std::uint64_t i = 0; i < *count; ++i) {
      std::array<std::optional<std::string_view>, 2> texts;
      for (auto& text : texts) {
        const auto size = in.Varint();
        text = size ? in.Bytes(*size) : std::nullopt;
        if (!text) return damaged();
      }
      labels.Set(*texts[0], *texts[1]);
    }
    Model model{spec_.make(), TimeMs(*last_seen), false, {}};
    VEDETTE_CHECK(model.detector->Load(in.rest()));
    models_.insert_or_assign(labels.Build(), std::move(model));
    return Ok();
  }

  Status Feed(const promql::ResultSeries& series, storage::Appender& appender) {
    auto at = models_.find(series.labels);
    if (at == models_.end()) at = models_.emplace(series.labels, Model{spec_.make(), TimeMs(), false, {}}).first;
    Model& model = at->second;
    for (const promql::Point& point : series.points) {
      const TimeMs time(point.time_ms);
      const Judgement judgement = model.detector->Observe(time, point.value);
      model.last_seen = time;
      model.changed = true;
      if (time <= write_after_) continue;
      if (model.outputs[0] == storage::SeriesId::kNone) VEDETTE_CHECK(NameOutputs(series.labels, appender, model));
      appender.AddRow(time, model.outputs,
                      std::array{judgement.score, judgement.expected, judgement.lower, judgement.upper});
    }
    return Ok();
  }

  Status NameOutputs(const Labels& labels, storage::Appender& appender, Model& model) const {
    static constexpr std::array<std::string_view, 4> kNames{"vedette_anomaly_score", "vedette_anomaly_expected",
                                                            "vedette_anomaly_lower", "vedette_anomaly_upper"};
    std::array<storage::SeriesId, 4> outputs{};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      VEDETTE_TRY(
          outputs[i],
          appender.Series(
              LabelsBuilder(labels).Set(kMetricName, kNames[i]).Set("job_name", context_.options.name).Build()));
    }
    model.outputs = outputs;
    return Ok();
  }

  /// Series come and go (pods, disks); a model whose series has been gone for the whole history is worth nothing.
  void Forget(TimeMs oldest) {
    std::erase_if(models_, [&](const auto& entry) {
      const bool gone = entry.second.last_seen < oldest;
      if (gone) obsolete_.push_back(KeyOf(entry.first));
      return gone;
    });
  }

  const JobContext context_;
  const DetectorSpec& spec_;
  std::map<Labels, Model> models_;
  std::optional<TimeMs> last_run_;
  TimeMs write_after_;
  std::vector<std::string> obsolete_;  // rows to delete with the next Save()
};

}  // namespace

std::unique_ptr<Job> NewAnomalyJob(const JobContext& context) { return std::make_unique<AnomalyJob>(context); }

}  // namespace vedette::analytics
