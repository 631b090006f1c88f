#include "analytics/promql/query_registry.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "analytics/promql/engine.h"
#include "analytics/promql/eval_value.h"

namespace vedette::promql {
namespace {

/// Of a longer text the beginning is kept.
constexpr std::size_t kMaxText = 4096;

bool Slower(const std::shared_ptr<const FinishedQuery>& a, const std::shared_ptr<const FinishedQuery>& b) {
  return a->duration > b->duration;
}

std::vector<FinishedQuery> Copies(std::vector<std::shared_ptr<const FinishedQuery>> queries, std::size_t limit) {
  queries.resize(std::min(limit, queries.size()));
  std::vector<FinishedQuery> out;
  for (const auto& query : queries) out.push_back(*query);
  return out;
}

}  // namespace

std::string_view QueryPhaseName(QueryPhase phase) {
  switch (phase) {
    case QueryPhase::kWaiting:
      return "waiting";
    case QueryPhase::kPreparing:
      return "preparing";
    case QueryPhase::kEvaluating:
      break;
  }
  return "evaluating";
}

// Numbers go on from the time of the start, so that one of before a restart names nothing.
QueryRegistry::QueryRegistry(const Clock& clock)
    : clock_(clock), last_id_(static_cast<std::uint64_t>(clock.Now().ms) << 20) {}

QueryRegistry::Ticket::Ticket(QueryRegistry& registry, std::shared_ptr<Running> running, const std::stop_token& client)
    : registry_(registry), running_(std::move(running)), client_gone_(client, Cancel{running_->stop}) {}

QueryRegistry::Ticket::~Ticket() {
  const std::lock_guard lock(registry_.mutex_);
  registry_.running_.erase(running_->id);
}

QueryRegistry::Ticket QueryRegistry::Begin(QueryFacts facts, const std::stop_token& client) {
  auto running = std::make_shared<Running>();
  running->id = ++last_id_;
  facts.begun = clock_.Now();
  if (facts.text.size() > kMaxText) facts.text.resize(kMaxText);
  running->facts = std::move(facts);
  running->begun = clock_.Monotonic();
  {
    const std::lock_guard lock(mutex_);
    running_.emplace(running->id, running);
  }
  return {*this, std::move(running), client};
}

void QueryRegistry::Ticket::Watch(const SampleBudget* budget) {
  const std::lock_guard lock(running_->mutex);
  running_->budget = budget;
}

void QueryRegistry::Ticket::Finish(const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total) {
  auto query = std::make_shared<FinishedQuery>();
  query->id = running_->id;
  query->facts = running_->facts;
  query->duration = total;
  if (outcome) {
    query->queued = outcome->stats.queue_time;
    query->samples_read = outcome->stats.samples_read;
    query->peak_samples = outcome->stats.peak_samples;
    query->series = outcome->stats.series;
  } else {
    query->error = outcome.error().message;
  }
  registry_.Remember(std::move(query));
}

void QueryRegistry::Remember(std::shared_ptr<const FinishedQuery> query) {
  const TimeMs forgotten = query->facts.begun - kMemory;
  const std::lock_guard lock(mutex_);
  latest_.push_front(query);
  if (latest_.size() > kLatest) latest_.pop_back();
  // First: those that are forgotten keep no other one out.
  std::erase_if(slowest_, [&](const auto& old) { return old->facts.begun < forgotten; });
  if (slowest_.size() == kSlowest && !Slower(query, slowest_.back())) return;
  slowest_.insert(std::ranges::upper_bound(slowest_, query, Slower), std::move(query));
  if (slowest_.size() > kSlowest) slowest_.pop_back();
}

std::vector<ActiveQuery> QueryRegistry::Active() const {
  std::vector<std::shared_ptr<Running>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, running] : running_) all.push_back(running);
  }
  const std::chrono::nanoseconds now = clock_.Monotonic();
  std::vector<ActiveQuery> out;
  for (const auto& running : all) {
    ActiveQuery query{running->id, running->facts, running->phase, now - running->begun};
    const std::lock_guard lock(running->mutex);
    if (running->budget != nullptr) {
      query.samples = running->budget->used();
      query.peak_samples = running->budget->peak();
    }
    out.push_back(std::move(query));
  }
  return out;
}

bool QueryRegistry::Cancel(std::uint64_t id) {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return false;
    running = found->second;
  }
  running->stop.request_stop();
  return true;
}

std::vector<FinishedQuery> QueryRegistry::Latest(std::size_t limit) const {
  std::vector<std::shared_ptr<const FinishedQuery>> all;
  {
    const std::lock_guard lock(mutex_);
    all.assign(latest_.begin(), latest_.end());
  }
  return Copies(std::move(all), limit);
}

std::vector<FinishedQuery> QueryRegistry::Slowest(std::size_t limit) const {
  const TimeMs forgotten = clock_.Now() - kMemory;
  std::vector<std::shared_ptr<const FinishedQuery>> all;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(slowest_, std::back_inserter(all),
                         [&](const auto& query) { return query->facts.begun >= forgotten; });
  }
  return Copies(std::move(all), limit);
}

}  // namespace vedette::promql
