#include <mutex>
#include <shared_mutex>
#include <unordered_set>

#include <prometheus/counter.h>
#include <rocksdb/write_batch.h>

#include "core/log.h"
#include "storage/head/commit_plan.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

void Count(prometheus::Counter& counter, std::size_t n) {
  if (n != 0) counter.Increment(static_cast<double>(n));
}

class RocksAppender final : public BatchAppender {
 public:
  RocksAppender(Engine& engine, const AppendOptions& append) : engine_(engine), append_(append) {}

  Result<SeriesId> Series(const Labels& labels) override;
  SeriesId FindSeries(const Labels& labels) override {
    return engine_.catalog.FindInMemory(labels, engine_.clock.Now());
  }
  Result<AppendOutcome> Commit() override;

 private:
  Status Resolve(TimeMs now, AppendOutcome& outcome);
  bool ResolveInMemory(TimeMs now, std::vector<SeriesId>& missing);
  void Drop(const std::unordered_set<SeriesId>& unknown, AppendOutcome& outcome);
  Status PlanAndWrite(TimeMs now, AppendOutcome& outcome);
  Status Write(CommitPlan& plan, TimeMs earliest, AppendOutcome& outcome);
  void CountOutcome(const AppendOutcome& outcome);

  Engine& engine_;
  const AppendOptions append_;
  std::vector<HeadSeries*> undefined_;  // series of the batch whose definition is not on disk
};

Result<SeriesId> RocksAppender::Series(const Labels& labels) {
  VEDETTE_CHECK(ValidateSeries(labels));
  auto id = engine_.catalog.FindOrCreate(labels, engine_.clock.Now(), engine_.series_limit);
  if (!id && id.error().code == Code::kLimit) Count(engine_.metrics.refused_max_series, 1);
  return id;
}

Result<AppendOutcome> RocksAppender::Commit() {
  AppendOutcome outcome;
  const TimeMs now = engine_.clock.Now();
  batch_.DropOutside(now, engine_.options, append_, outcome);
  batch_.GroupByTime();
  Status status = engine_.guard.Admit();
  if (status && !(batch_.rows.empty() && batch_.histograms.empty() && batch_.facts.empty())) {
    const std::shared_lock gate(engine_.commit_gate);
    status = PlanAndWrite(now, outcome);
  }
  if (!status) {
    const bool full = status.error().code == Code::kUnavailable;
    Count(full ? engine_.metrics.refused_disk_full : engine_.metrics.refused_io,
          batch_.size() + batch_.histograms.size());
  }
  batch_.Clear();
  undefined_.clear();
  if (!status) return std::move(status).error();
  CountOutcome(outcome);
  return outcome;
}

Status RocksAppender::PlanAndWrite(TimeMs now, AppendOutcome& outcome) {
  const TimeMs earliest = batch_.Earliest();  // before the plan takes rows away
  CommitPlan plan(engine_.head);
  plan.TakeRepeats(batch_, now);
  const BatchFacts& facts = batch_.facts;
  if (!batch_.rows.empty() || !batch_.histograms.empty() || !facts.exemplars.empty() || !facts.starts.empty()) {
    VEDETTE_CHECK(Resolve(now, outcome));
    plan.TakeRest(batch_, now);
  }
  return plan.empty() && batch_.histograms.empty() && facts.empty() ? Ok() : Write(plan, earliest, outcome);
}

/// Finds the series of the batch in memory, fetches evicted ones, and drops samples of those that are nowhere.
Status RocksAppender::Resolve(TimeMs now, AppendOutcome& outcome) {
  std::vector<SeriesId> missing;
  if (ResolveInMemory(now, missing)) return Ok();
  std::unordered_set<SeriesId> unknown;
  for (const SeriesId id : missing) {
    VEDETTE_TRY(const bool found, engine_.catalog.Load(id, now));
    if (!found) unknown.insert(id);
  }
  Drop(unknown, outcome);
  missing.clear();
  ResolveInMemory(now, missing);
  return Ok();
}

bool RocksAppender::ResolveInMemory(TimeMs now, std::vector<SeriesId>& missing) {
  undefined_.clear();
  const std::shared_lock lock(engine_.head.table().mutex());
  const auto need = [&](SeriesId id) {
    HeadSeries* series = engine_.head.table().Find(id);
    if (series == nullptr) return missing.push_back(id);
    series->Use(now);
    if (!series->stored.load(std::memory_order_acquire)) undefined_.push_back(series);
  };
  for (const AppendBatch::Row& row : batch_.rows) {
    for (std::size_t i = row.begin; i < row.end; ++i) need(batch_.series[i]);
  }
  for (const AppendBatch::HistogramSample& sample : batch_.histograms) need(sample.series);
  for (const BatchFacts::ExemplarSample& sample : batch_.facts.exemplars) need(sample.series);
  for (const BatchFacts::StartSample& sample : batch_.facts.starts) need(sample.series);
  return missing.empty();
}

void RocksAppender::Drop(const std::unordered_set<SeriesId>& unknown, AppendOutcome& outcome) {
  if (unknown.empty()) return;
  outcome.unknown +=
      std::erase_if(batch_.histograms, [&](const auto& sample) { return unknown.contains(sample.series); });
  outcome.unknown +=
      std::erase_if(batch_.facts.exemplars, [&](const auto& sample) { return unknown.contains(sample.series); });
  std::erase_if(batch_.facts.starts, [&](const auto& sample) { return unknown.contains(sample.series); });
  AppendBatch kept;
  kept.facts = std::move(batch_.facts);
  kept.histograms = std::move(batch_.histograms);
  for (const AppendBatch::Row& row : batch_.rows) {
    for (std::size_t i = row.begin; i < row.end; ++i) {
      if (unknown.contains(batch_.series[i])) {
        ++outcome.unknown;
      } else {
        kept.Add(batch_.series[i], row.time, batch_.values[i]);
      }
    }
  }
  batch_ = std::move(kept);
}

Status RocksAppender::Write(CommitPlan& plan, TimeMs earliest, AppendOutcome& outcome) {
  const ChangeLog::Change change(engine_.changes, earliest);
  rocksdb::WriteBatch batch;
  DefinitionRecord definitions = engine_.catalog.PutDefinitions(undefined_, batch);
  FactStore::Pending facts;
  if (!batch_.facts.empty()) {
    batch.SetSavePoint();
    auto put = engine_.facts.Put(batch_.facts, batch);
    if (put) {
      facts = *std::move(put);
    } else {  // a damaged row there is no reason to lose samples
      (void)batch.RollbackToSavePoint();
      LogWarn("storage", "exemplars or metadata not written", {{"error", put.error()}});
    }
  }
  const std::string record = EncodeCommit(plan.drafts(), plan.singles(), batch_.histograms);
  CommitOrder& order = engine_.head.order();
  const std::uint64_t commit = order.Begin();
  batch.Put(engine_.database->family(Family::kJournal), JournalKey(commit, 0), record);
  if (engine_.feeds.WantExemplars()) engine_.feeds.PutExemplars(commit, batch_.facts.exemplars, facts.fresh, batch);
  const Status written = engine_.database->Write(batch, engine_.options.wal_sync_interval.count() == 0);

  // Failed or not, the commit takes its turn: later ones wait for it.
  auto turn = order.AwaitTurn(commit);
  if (written) {
    engine_.head.Apply(plan, commit, outcome);
    if (!batch_.histograms.empty()) engine_.head.ApplyHistograms(batch_.histograms, commit, outcome);
  }
  order.Finish(commit, std::move(turn));
  if (!written) return written;
  engine_.catalog.NoteDefined(undefined_, std::move(definitions));
  if (!batch_.facts.empty()) engine_.facts.NoteWritten(std::move(facts));
  engine_.unsynced = true;
  engine_.sealer.NoteJournal(plan.samples() + HistogramWeight(batch_.histograms));
  Count(engine_.metrics.journal_bytes, record.size());
  return Ok();
}

void RocksAppender::CountOutcome(const AppendOutcome& outcome) {
  StorageMetrics& metrics = engine_.metrics;
  Count(metrics.commits, 1);
  Count(metrics.samples, outcome.stored);
  Count(metrics.duplicates, outcome.duplicates);
  Count(metrics.conflicts, outcome.conflicts);
  Count(metrics.refused_too_old, outcome.too_old);
  Count(metrics.refused_too_new, outcome.too_new);
  Count(metrics.refused_unknown, outcome.unknown);
  Count(metrics.refused_invalid, outcome.invalid);
}

}  // namespace

std::unique_ptr<Appender> NewRocksAppender(Engine& engine, const AppendOptions& append) {
  return std::make_unique<RocksAppender>(engine, append);
}

}  // namespace vedette::storage
