#include "alerting/rules/manager.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include "alerting/rules/group.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

namespace net = boost::asio;

/// Timers count elapsed time, slots are wall-clock time: a sleeping timer looks at the clock this often, to notice when
/// it was set.
constexpr Millis kLongestNap = std::chrono::seconds(5);

/// Keeps the slots of one group. Timer handlers run on the strand, evaluations on a worker; one of the two is pending
/// at any time, so they need no lock among themselves.
class GroupRunner final : public std::enable_shared_from_this<GroupRunner> {
 public:
  GroupRunner(std::shared_ptr<RuleGroup> group, const Clock& clock, RuleMetrics& metrics, net::io_context& io,
              net::thread_pool& workers)
      : group_(std::move(group)),
        clock_(clock),
        metrics_(metrics),
        strand_(net::make_strand(io)),
        timer_(strand_),
        workers_(workers) {}

  RuleGroup& group() { return *group_; }
  std::shared_ptr<const RuleGroup> shared_group() const { return group_; }

  void Start() {
    slot_ = group_->schedule().SlotAfter(clock_.Now());
    net::post(strand_, [self = shared_from_this()] { self->Nap(); });
  }

  /// No evaluation begins any more. `cancel` also ends the one that runs, at the next chance.
  void RequestStop(bool cancel) {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    if (cancel) stop_.request_stop();
    net::post(strand_, [self = shared_from_this()] { self->timer_.cancel(); });
  }
  void WaitUntilIdle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return !evaluating_; });
  }

 private:
  bool Stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

  void Nap() {
    if (Stopped()) return;
    const TimeMs now = clock_.Now();
    if (now >= slot_) {
      net::post(workers_, [self = shared_from_this()] { self->Evaluate(); });
      return;
    }
    if (slot_ - now > group_->schedule().interval())
      slot_ = group_->schedule().SlotAfter(now);  // the clock was set back
    timer_.expires_after(std::min<Millis>(slot_ - now, kLongestNap));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->Nap();
    });
  }

  void Evaluate() {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      evaluating_ = true;
    }
    // Late by whole slots (the workers were busy, the machine slept): only the last one counts.
    const TimeMs due = group_->schedule().SlotAt(clock_.Now());
    if (due > slot_) {
      metrics_.SlotsMissed(static_cast<std::size_t>((due - slot_).count() / group_->schedule().interval().count()));
      slot_ = due;
    }
    try {
      group_->EvaluateAt(slot_, stop_.get_token());
    } catch (const std::exception& error) {
      LogError("alerting", "evaluation of a rule group threw",
               {{"group", group_->settings().name}, {"error", error.what()}});
    }
    const GroupSchedule::Next next = group_->schedule().After(slot_, clock_.Now());
    if (next.missed > 0) metrics_.SlotsMissed(next.missed);
    slot_ = next.slot;
    bool again = false;
    {
      const std::lock_guard lock(mutex_);
      evaluating_ = false;
      again = !stopped_;
      idle_.notify_all();
    }
    if (again) net::post(strand_, [self = shared_from_this()] { self->Nap(); });
  }

  std::shared_ptr<RuleGroup> group_;
  const Clock& clock_;
  RuleMetrics& metrics_;
  net::strand<net::io_context::executor_type> strand_;
  net::steady_timer timer_;
  net::thread_pool& workers_;
  TimeMs slot_;
  std::stop_source stop_;

  std::mutex mutex_;
  std::condition_variable idle_;
  bool stopped_ = false, evaluating_ = false;
};

std::string GroupKey(const GroupSettings& settings) { return settings.file + '\0' + settings.name; }

}  // namespace

struct RuleManager::Impl {
  Impl(const RuleServices& services, net::io_context& io_context, net::thread_pool& worker_pool)
      : metrics(services.registry),
        queries(NewEngineQueries(services.engine)),
        context{services.storage, *queries, services.sink, services.clock, metrics},
        io(io_context),
        workers(worker_pool) {}

  using Runners = std::vector<std::shared_ptr<GroupRunner>>;

  Runners Build(std::vector<RuleFile> files, const RuleOptions& options) {
    const auto shared = std::make_shared<const RuleOptions>(options);
    std::stable_sort(files.begin(), files.end(), [](const RuleFile& a, const RuleFile& b) { return a.path < b.path; });
    Runners built;
    for (RuleFile& file : files) {
      for (RuleGroupSpec& spec : file.groups) {
        auto group = std::make_shared<RuleGroup>(file.path, std::move(spec), shared, context, !started);
        built.push_back(std::make_shared<GroupRunner>(std::move(group), context.clock, metrics, io, workers));
      }
    }
    return built;
  }

  /// States go over to the new groups; the rest of the old ones is ended.
  void Replace(const Runners& old, const Runners& built) {
    std::map<std::string, GroupRunner*> by_key;
    for (const auto& runner : old) by_key.emplace(GroupKey(runner->group().settings()), runner.get());
    for (const auto& runner : built) {
      const auto found = by_key.find(GroupKey(runner->group().settings()));
      if (found != by_key.end()) runner->group().TakeOver(found->second->group());
    }
    std::vector<ActiveAlert> resolves;
    for (const auto& runner : old) {
      for (ActiveAlert& alert : runner->group().Retire(context.clock.Now())) resolves.push_back(std::move(alert));
    }
    if (resolves.empty()) return;
    const Status accepted = context.sink.Accept(resolves);
    if (accepted) return metrics.AlertsSent(0, resolves.size());
    LogWarn("alerting", "resolves of removed rules wait", {{"alerts", resolves.size()}, {"error", accepted.error()}});
    if (!built.empty()) built.front()->group().AddResolves(std::move(resolves));
  }

  RuleMetrics metrics;
  std::unique_ptr<RuleQueries> queries;
  const RuleContext context;
  net::io_context& io;
  net::thread_pool& workers;

  std::mutex control;  // one Load, Start or Stop at a time
  bool started = false, stopped = false;

  mutable std::mutex mutex;
  Runners runners;
};

RuleManager::RuleManager(const RuleServices& services, net::io_context& io, net::thread_pool& workers)
    : impl_(std::make_unique<Impl>(services, io, workers)) {}

RuleManager::~RuleManager() { Stop(); }

Status RuleManager::Load(std::vector<RuleFile> files, const RuleOptions& options) {
  VEDETTE_CHECK(options.Validate());
  const std::lock_guard control(impl_->control);
  if (impl_->stopped) return Fail(Code::kUnavailable, "rules are stopped");
  Impl::Runners built = impl_->Build(std::move(files), options);
  const Impl::Runners old = impl_->runners;  // only changed here, under `control`
  for (const auto& runner : old) runner->RequestStop(false);
  for (const auto& runner : old) runner->WaitUntilIdle();
  impl_->Replace(old, built);
  std::size_t recording = 0, alerting = 0;
  for (const auto& runner : built) {
    recording += runner->group().CountRules(false);
    alerting += runner->group().CountRules(true);
  }
  impl_->metrics.SetLoaded(built.size(), recording, alerting);
  LogInfo("alerting", "rules loaded", {{"groups", built.size()}, {"recording", recording}, {"alerting", alerting}});
  if (impl_->started) {
    for (const auto& runner : built) runner->Start();
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->runners = std::move(built);
  return Ok();
}

void RuleManager::Start() {
  const std::lock_guard control(impl_->control);
  if (impl_->started || impl_->stopped) return;
  impl_->started = true;
  for (const auto& runner : impl_->runners) runner->Start();
}

void RuleManager::Stop() {
  const std::lock_guard control(impl_->control);
  if (std::exchange(impl_->stopped, true)) return;
  for (const auto& runner : impl_->runners) runner->RequestStop(true);
  for (const auto& runner : impl_->runners) runner->WaitUntilIdle();
}

std::vector<RuleGroupView> RuleManager::Groups() const {
  Impl::Runners runners;
  {
    const std::lock_guard lock(impl_->mutex);
    runners = impl_->runners;
  }
  std::vector<RuleGroupView> views;
  views.reserve(runners.size());
  for (const auto& runner : runners) views.push_back(runner->group().View());
  return views;
}

std::vector<AlertView> RuleManager::Alerts() const {
  std::vector<AlertView> alerts;
  for (RuleGroupView& group : Groups()) {
    for (RuleView& rule : group.rules) {
      alerts.insert(alerts.end(), std::make_move_iterator(rule.alerts.begin()),
                    std::make_move_iterator(rule.alerts.end()));
    }
  }
  return alerts;
}

}  // namespace vedette::alerting
