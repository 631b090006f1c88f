#include <prometheus/counter.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/dns_client.h"
#include "collector/discovery/dns_targets.h"
#include "collector/discovery/resolv_conf.h"
#include "collector/scrape/async.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxResolvConf = 64 << 10;

/// One of the names, for as long as the discovery runs.
struct DnsName {
  std::string name;
  std::optional<TargetGroup> group;  // the last good one
  bool failing = false;

  // Of the lookup under way:
  std::vector<std::string> candidates;  // in the order in which they are asked for
  std::size_t next = 0;
  bool all_absent = true;  // no candidate exists so far, and servers said so
  Result<DnsReply> outcome = DnsReply{};
};

Result<ResolvConf> ReadResolvConf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Fail(Code::kIo, "could not load resolv.conf: {} cannot be read", path);
  std::string text(kMaxResolvConf, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return ParseResolvConf(text);
}

class DnsTask final : public PolledTask {
 public:
  DnsTask(const DiscoveryEnvironment& environment, const DnsSdConfig& config, DnsPlace place)
      : PolledTask(environment, {.what = "DNS discovery",
                                 .place = config.names.empty() ? std::string() : config.names.front(),
                                 .interval = config.refresh_interval}),
        config_(config),
        place_(std::move(place)),
        metrics_(environment.metrics) {
    names_.resize(config_.names.size());
    for (std::size_t i = 0; i < names_.size(); ++i) names_[i].name = config_.names[i];
  }

 private:
  boost::asio::awaitable<Answer> Ask() override;
  void Abort() override {
    if (client_) client_->Close();
  }
  void AskAll(std::function<void()> done);
  void AskNext(DnsName& name);
  void TakeReply(DnsName& name, Result<DnsReply> reply);
  void TakeIn(DnsName& name);

  const DnsSdConfig config_;
  const DnsPlace place_;
  const DiscoveryMetrics metrics_;  // a copy: its counters are the registry's, which outlives the scrape manager
  std::vector<DnsName> names_;
  // On the strand, while a round is under way:
  std::size_t open_ = 0;
  std::function<void()> done_;
  std::shared_ptr<DnsClient> client_;
};

boost::asio::awaitable<PolledTask::Answer> DnsTask::Ask() {
  // Read each time: the network may have changed, as it has on a laptop that was opened elsewhere.
  Result<std::shared_ptr<DnsClient>> client = Fail(Code::kInternal, "not made");
  auto prepare = [&] {
    const auto conf = ReadResolvConf(place_.resolv_conf);
    client = conf ? DnsClient::Create(strand(), conf->servers, place_.port) : conf.error();
    for (DnsName& name : names_) {
      name.candidates = conf ? conf->NamesToAsk(name.name) : std::vector<std::string>();
      name.next = 0;
      name.all_absent = true;
      if (!client) name.outcome = client.error();
    }
  };
  co_await RunOn(workers(), prepare);
  if (client && !stopped()) {
    client_ = *std::move(client);
    auto ask = [&](auto resume) { AskAll(std::move(resume)); };
    co_await WaitFor(ask);
    client_->Close();
    client_.reset();
  }
  if (stopped()) co_return Fail(Code::kCanceled, "stopped");

  TargetGroups groups;
  auto take = [&] {
    for (DnsName& name : names_) {
      TakeIn(name);
      if (name.group) groups.push_back(*name.group);
    }
  };
  co_await RunOn(workers(), take);
  co_return std::optional(std::move(groups));
}

void DnsTask::AskAll(std::function<void()> done) {
  done_ = std::move(done);
  open_ = names_.size() + 1;
  for (DnsName& name : names_) AskNext(name);
  if (--open_ == 0) std::exchange(done_, nullptr)();
}

void DnsTask::AskNext(DnsName& name) {
  client_->Ask(name.candidates[name.next++], config_.type,
               [this, &name](Result<DnsReply> reply) { TakeReply(name, std::move(reply)); });
}

/// A name exists when one of its candidates does, and is known not to when servers say so of all of them.
void DnsTask::TakeReply(DnsName& name, Result<DnsReply> reply) {
  const bool exists = reply && reply->exists;
  name.all_absent = name.all_absent && reply;
  if (!exists && name.next < name.candidates.size()) return AskNext(name);
  if (exists || !reply || name.all_absent) {
    name.outcome = std::move(reply);
  } else {
    name.outcome =
        Fail(Code::kUnavailable, "could not resolve {}: servers gave no answer for a search domain", Quote(name.name));
  }
  if (--open_ == 0) std::exchange(done_, nullptr)();
}

/// On a worker.
void DnsTask::TakeIn(DnsName& name) {
  metrics_.dns_lookups->Increment();
  const Result<DnsReply> outcome = std::exchange(name.outcome, DnsReply{});
  Result<TargetGroup> group = TargetGroup{name.name, {}, {}};
  if (!outcome) {
    group = outcome.error();
  } else if (outcome->exists) {
    group = ParseDnsTargets(outcome->message, name.name, config_);
  }
  if (group) {
    name.group = *std::move(group);
    name.failing = false;
    return;
  }
  metrics_.dns_lookup_failures->Increment();
  if (std::exchange(name.failing, true)) return;
  LogError("collector", "DNS lookup failed, keeping its targets", {{"name", name.name}, {"error", group.error()}});
}

}  // namespace

std::unique_ptr<Discovery> NewDnsDiscovery(const DiscoveryEnvironment& environment, const DnsSdConfig& config,
                                           const DnsPlace& place) {
  return RunTask(std::make_shared<DnsTask>(environment, config, place));
}

}  // namespace vedette::collector
