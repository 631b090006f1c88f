#include "alerting/router_core.h"

#include <algorithm>

#include "alerting/notify/text_limits.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

/// How long an alert that its rule no longer knows stays open: two rules may share a name, and the second one speaks a
/// moment after the first.
constexpr Millis kConfirmWithin = std::chrono::minutes(1);
/// How long an alert stays open that fired before a restart and is pending since: the grace period of rules is 10 min.
constexpr Millis kPendingPatience = std::chrono::minutes(15);
/// How long alerts that ended stay visible in an incident that goes on.
constexpr Millis kKeepEndedAlerts = std::chrono::hours(1);
constexpr Millis kHousekeepingEvery = std::chrono::minutes(1);
/// An alert larger than this is cut: nothing a person would read gets lost.
constexpr std::size_t kMaxLabelText = 4096, kMaxAnnotationText = 16 << 10, kMaxAnnotations = 64;
constexpr std::size_t kMaxUrlBytes = 8192;

/// Labels are identity: changed only when they are no UTF-8 or absurdly large.
Labels SoundLabels(const Labels& labels, std::size_t max_text, std::size_t max_count) {
  const bool sound = labels.size() <= max_count && std::all_of(labels.begin(), labels.end(), [&](LabelView label) {
                       return label.value.size() <= max_text && IsValidUtf8(label.value) && IsValidUtf8(label.name);
                     });
  if (sound) return labels;
  LabelsBuilder out;
  std::size_t count = 0;
  for (const LabelView label : labels) {
    if (++count > max_count) break;
    out.Set(CleanText(label.name), CleanAndCut(label.value, max_text));
  }
  return out.Build();
}

IncidentAlert FromActive(const ActiveAlert& active) {
  IncidentAlert alert;
  alert.labels = SoundLabels(active.labels, kMaxLabelText, SIZE_MAX);
  alert.annotations = SoundLabels(active.annotations, kMaxAnnotationText, kMaxAnnotations);
  if (active.generator_url.size() <= kMaxUrlBytes) alert.generator_url = active.generator_url;
  alert.value = active.value;
  alert.starts_at = active.fired_at;
  alert.kind = active.kind;
  alert.rule = active.rule;
  alert.evidence = active.evidence;
  return alert;
}

}  // namespace

RouterCore::RouterCore(storage::StateStore& store, const AlertingOptions& options, const TargetCensus* census,
                       std::uint64_t seed)
    : store_(store), book_(options.incidents, census), outbox_(options.delivery, seed) {
  Configure(options, TimeMs(0));
}

Status RouterCore::Load(TimeMs now) {
  std::size_t bad_rows = 0;
  VEDETTE_CHECK(book_.Load(store_, bad_rows));
  VEDETTE_CHECK(outbox_.Load(store_, bad_rows));
  VEDETTE_CHECK(store_.Scan(kGroupTable, {}, [&](std::string_view key, std::string_view value) {
    auto group = NotificationGroup::Decode(value);
    if (group && book_.Find(group->incident()) != nullptr) {
      const GroupId id(group->incident(), group->receiver());
      groups_.insert_or_assign(id, *std::move(group));
      return true;
    }
    ++bad_rows;
    LogError("alerting", "stored row cannot be read",
             {{"table", kGroupTable},
              {"key", key},
              {"error", group ? std::string("its incident is missing") : group.error().message}});
    return true;
  }));
  for (const auto& [number, incident] : book_.incidents()) {
    if (!incident.open() && !incident.settled) unsettled_.insert(number);
  }
  counts_.bad_rows += bad_rows;
  Configure(AlertingOptions(options_), now);
  return Ok();
}

void RouterCore::Configure(const AlertingOptions& options, TimeMs now) {
  options_ = options;
  tree_ = std::make_unique<RouteTree>(options_.route);
  book_.Configure(options_.incidents);
  integrations_.clear();
  std::vector<Target> targets;
  for (const Receiver& receiver : options_.receivers) {
    auto& list = integrations_[receiver.name] = IntegrationsOf(receiver);
    for (const Integration& integration : list) targets.push_back(integration.target);
  }
  outbox_.Configure(options_.delivery, targets);
  DetachGroups();
  ReviveDead(now);
  for (const auto& [number, incident] : book_.incidents()) {
    if (incident.open()) Reclassify(number, now);
  }
}

/// Receivers that no route leads to any more are only told of the end.
void RouterCore::DetachGroups() {
  for (auto& [id, group] : groups_) {
    const Incident* incident = book_.Find(id.first);
    const bool wanted = std::any_of(group.members().begin(), group.members().end(), [&](std::uint64_t fingerprint) {
      const auto alert = incident->alerts.find(fingerprint);
      if (alert == incident->alerts.end() || !alert->second.firing()) return false;
      const auto routes = tree_->Match(alert->second.labels);
      return std::any_of(routes.begin(), routes.end(), [&](const RouteNode* r) { return r->receiver == id.second; });
    });
    if (wanted || group.closed()) continue;
    group.Detach();
    changed_groups_.insert(id);
  }
}

/// What was given up for good (a wrong key, say) is tried once more: the new configuration may be the cure.
void RouterCore::ReviveDead(TimeMs now) {
  for (const auto& [id, group] : groups_) {
    const Incident& incident = *book_.Find(id.first);
    const auto receiver = integrations_.find(id.second);
    if (group.told_firing().empty() || !incident.open() || receiver == integrations_.end()) continue;
    for (const Integration& integration : receiver->second) {
      if (outbox_.StateOf(integration.target, incident.id, incident.number) != DeliveryState::kDead) continue;
      outbox_.Enqueue(integration.target, incident.id, incident.number, DeliveryEvent::kTrigger, incident.priority,
                      now);
    }
  }
}

Status RouterCore::Write() {
  storage::StateBatch batch;
  book_.AppendChanges(batch);
  outbox_.AppendChanges(batch);
  for (const GroupId& id : changed_groups_) {
    const auto group = groups_.find(id);
    if (group == groups_.end()) {
      batch.Delete(kGroupTable, GroupKey(id.first, id.second));
    } else {
      batch.Put(kGroupTable, GroupKey(id.first, id.second), NotificationGroup::Encode(group->second));
    }
  }
  if (batch.empty()) return Ok();
  if (auto written = store_.Write(batch); !written) {
    ++counts_.failed_writes;  // the rows stay marked and go with the next batch
    return Annotate("alert state", std::move(written).error());
  }
  book_.ChangesWritten();
  outbox_.ChangesWritten();
  changed_groups_.clear();
  return Ok();
}

Result<std::uint64_t> RouterCore::IncidentFor(const std::string& id, const Labels& group_labels,
                                              const IncidentAlert& alert, const std::vector<std::string>& wanted,
                                              TimeMs now) {
  if (const auto number = book_.Current(id)) return *number;
  // The grouping may have been edited while the trouble lasts: then it goes on in the incident it is in, instead of
  // paging anew and leaving the old one open.
  for (const std::uint64_t holder : book_.HoldersOf(alert.Fingerprint())) {
    const std::string& held_id = book_.Find(holder)->id;
    if (std::find(wanted.begin(), wanted.end(), held_id) == wanted.end()) return holder;
  }
  return book_.Open(id, group_labels, now);
}

Status RouterCore::AcceptFiring(const IncidentAlert& alert, TimeMs now, std::set<std::uint64_t>& touched) {
  struct Way {
    const RouteNode* route;
    Labels group_labels;
    std::string id;
  };
  std::vector<Way> ways;
  std::vector<std::string> wanted;
  for (const RouteNode* route : tree_->Match(alert.labels)) {
    Labels group_labels = route->GroupLabels(alert.labels);
    std::string id = IncidentId(group_labels);
    wanted.push_back(id);
    ways.push_back({route, std::move(group_labels), std::move(id)});
  }
  for (const Way& way : ways) {
    VEDETTE_TRY(const std::uint64_t number, IncidentFor(way.id, way.group_labels, alert, wanted, now));
    VEDETTE_TRY(const bool changed, book_.Put(number, alert, now));
    unsettled_.erase(number);
    if (changed) touched.insert(number);
    const GroupId id(number, way.route->receiver);
    const auto group = groups_.try_emplace(id, number, way.route->receiver).first;
    if (group->second.Join(alert.Fingerprint(), alert.starts_at, *way.route, now)) changed_groups_.insert(id);
  }
  return Ok();
}

void RouterCore::AcceptResolved(const ActiveAlert& active, TimeMs now, std::set<std::uint64_t>& touched) {
  const std::uint64_t fingerprint = SoundLabels(active.labels, kMaxLabelText, SIZE_MAX).Hash();
  for (const std::uint64_t number : book_.HoldersOf(fingerprint)) {
    // A resolved alert is repeated for a while: one that speaks of an earlier firing says nothing about this one.
    if (active.fired_at < book_.Find(number)->alerts.at(fingerprint).starts_at && active.resolved_at &&
        *active.resolved_at < book_.Find(number)->alerts.at(fingerprint).starts_at) {
      continue;
    }
    book_.End(number, fingerprint, active.resolved_at.value_or(now), now);
    touched.insert(number);
    if (!book_.Find(number)->open()) unsettled_.insert(number);
  }
}

Status RouterCore::Accept(std::span<const ActiveAlert> alerts, TimeMs now) {
  std::optional<Error> problem;
  std::set<std::uint64_t> touched;
  for (const ActiveAlert& active : alerts) {
    if (active.labels.empty()) {
      ++counts_.refused["no_labels"];
      continue;
    }
    if (active.state != AlertState::kFiring) {
      AcceptResolved(active, now, touched);
      ++counts_.accepted;
      continue;
    }
    if (auto accepted = AcceptFiring(FromActive(active), now, touched); !accepted) {
      ++counts_.refused["limit"];
      if (!problem) problem = std::move(accepted).error();
    } else {
      ++counts_.accepted;
    }
  }
  for (const std::uint64_t number : touched) Reclassify(number, now);
  VEDETTE_CHECK(Write());
  if (problem) return *std::move(problem);
  return Ok();
}

void RouterCore::Reclassify(std::uint64_t number, TimeMs now) {
  const Incident& incident = *book_.Find(number);
  const bool first = incident.reasons.empty();
  if (!book_.Reclassify(number, now)) return;
  if (first) {
    ++counts_.opened[std::string(PriorityName(incident.priority))];
    LogInfo("alerting", "incident opened",
            {{"number", number}, {"id", incident.id}, {"why", ReasonText(incident.priority, incident.reasons)}});
    return;
  }
  LogInfo("alerting", "incident changed priority",
          {{"number", number}, {"id", incident.id}, {"why", ReasonText(incident.priority, incident.reasons)}});
  for (auto group = groups_.lower_bound({number, {}}); group != groups_.end() && group->first.first == number;
       ++group) {
    if (group->second.Hurry(incident.priority, now)) changed_groups_.insert(group->first);
  }
}

Status RouterCore::Settle(const RuleRef& rule, std::span<const ActiveAlert> active, TimeMs now) {
  Settling& settling = settling_[RuleKey(rule.file, rule.group, rule.name)];
  for (const ActiveAlert& alert : active) {
    const std::uint64_t fingerprint = SoundLabels(alert.labels, kMaxLabelText, SIZE_MAX).Hash();
    (alert.state == AlertState::kFiring ? settling.firing : settling.pending).insert(fingerprint);
  }
  if (++settling.settled < settling.rules) return Ok();
  const auto held = [&](const IncidentAlert& alert) {
    return alert.rule == rule && settling.firing.count(alert.Fingerprint()) == 0;
  };
  const auto is_pending = [&](const IncidentAlert& alert) { return settling.pending.count(alert.Fingerprint()) > 0; };
  book_.EndUnlessConfirmed([&](const IncidentAlert& a) { return held(a) && !is_pending(a); }, now + kConfirmWithin);
  // Fired before the restart and waits for its `for` anew: neither an end nor a new beginning.
  book_.EndUnlessConfirmed([&](const IncidentAlert& a) { return held(a) && is_pending(a); }, now + kPendingPatience);
  settling.settled = 0;
  settling.firing.clear();
  settling.pending.clear();
  return Write();
}

Status RouterCore::RetainRules(std::span<const RuleRef> rules, TimeMs now) {
  std::map<RuleKey, Settling> known;
  for (const RuleRef& rule : rules) {
    const auto [entry, added] = known.try_emplace(RuleKey(rule.file, rule.group, rule.name));
    if (!added) ++entry->second.rules;
  }
  for (auto& [key, settling] : known) {
    const auto before = settling_.find(key);
    if (before == settling_.end() || before->second.rules != settling.rules) continue;
    settling = std::move(before->second);  // half settled
  }
  settling_ = std::move(known);
  book_.EndUnlessConfirmed(
      [&](const IncidentAlert& alert) {
        const RuleRef& rule = alert.rule;
        return !rule.name.empty() && settling_.count(RuleKey(rule.file, rule.group, rule.name)) == 0;
      },
      now + kConfirmWithin);
  return Write();
}

Status RouterCore::Acknowledge(std::uint64_t number, const std::string& who, TimeMs now) {
  if (book_.Find(number) == nullptr) return Fail(Code::kNotFound, "there is no incident {}", number);
  book_.Acknowledge(number, CleanAndCut(who, 200), now);
  return Write();
}

void RouterCore::EndUnconfirmed(TimeMs now) {
  for (const auto& [number, fingerprint] : book_.Unconfirmed(now)) {
    book_.End(number, fingerprint, now, now);
    Reclassify(number, now);
    if (!book_.Find(number)->open()) unsettled_.insert(number);
  }
}

std::optional<Inhibitor> RouterCore::MakeInhibitor() const {
  if (options_.inhibit_rules.empty()) return std::nullopt;
  std::vector<Labels> firing;
  for (const auto& [number, incident] : book_.incidents()) {
    if (incident.firing == 0) continue;
    for (const auto& [fingerprint, alert] : incident.alerts) {
      if (alert.firing()) firing.push_back(alert.labels);
    }
  }
  return Inhibitor(options_.inhibit_rules, firing);
}

void RouterCore::FlushGroups(TimeMs now) {
  std::optional<Inhibitor> inhibitor;
  bool made = false;
  for (auto& [id, group] : groups_) {
    if (!group.due() || *group.due() > now) continue;
    if (!made) inhibitor = MakeInhibitor();
    made = true;
    Flush(group, inhibitor ? &*inhibitor : nullptr, now);
    changed_groups_.insert(id);
  }
}

void RouterCore::Flush(NotificationGroup& group, const Inhibitor* inhibitor, TimeMs now) {
  const Incident& incident = *book_.Find(group.incident());
  GroupAlerts alerts;
  for (const std::uint64_t fingerprint : group.members()) {
    const auto found = incident.alerts.find(fingerprint);
    if (found == incident.alerts.end() || !found->second.firing()) {
      alerts.resolved.insert(fingerprint);
    } else if (group.told_firing().count(fingerprint) == 0 && inhibitor != nullptr &&
               inhibitor->Mutes(found->second.labels)) {
      alerts.muted = true;
    } else {
      alerts.firing.insert(fingerprint);
    }
  }
  const bool waiting = outbox_.HasWaiting(group.receiver(), incident.id);
  const auto news = group.Flush(alerts, incident.priority, incident.acknowledged_at.has_value(), waiting, now);
  if (news) Tell(group, incident, *news, now);
}

void RouterCore::Tell(const NotificationGroup& group, const Incident& incident, const GroupNews& news, TimeMs now) {
  const auto receiver = integrations_.find(group.receiver());
  if (receiver == integrations_.end()) return;  // removed by a reload: there is nobody to tell
  for (const Integration& integration : receiver->second) {
    const bool about_end = news.only_resolved || news.event == DeliveryEvent::kResolve;
    if (about_end && !integration.send_resolved()) continue;
    outbox_.Enqueue(integration.target, incident.id, incident.number, news.event, incident.priority, now);
  }
}

/// An incident is over for good when every group has said so: the next alert opens a new episode.
void RouterCore::SettleIncidents() {
  for (auto it = unsettled_.begin(); it != unsettled_.end();) {
    const std::uint64_t number = *it;
    bool closed = true;
    for (auto group = groups_.lower_bound({number, {}}); group != groups_.end() && group->first.first == number;
         ++group) {
      closed = closed && group->second.closed();
    }
    if (!closed) {
      ++it;
      continue;
    }
    book_.Settle(number);
    ++counts_.resolved;
    LogInfo("alerting", "incident resolved", {{"number", number}, {"id", book_.Find(number)->id}});
    it = unsettled_.erase(it);
  }
}

void RouterCore::KeepHouse(TimeMs now) {
  if (housekeeping_at_ && now < *housekeeping_at_ && *housekeeping_at_ - now <= kHousekeepingEvery) return;
  housekeeping_at_ = now + kHousekeepingEvery;
  outbox_.Expire(now);
  for (const auto& [number, incident] : book_.incidents()) {
    if (!incident.open()) continue;
    Reclassify(number, now);  // lowering takes time, not events
    DropEndedAlerts(incident, now);
  }
  for (const std::uint64_t number : book_.Forgettable(now)) {
    const std::string id = book_.Find(number)->id;
    for (auto group = groups_.lower_bound({number, {}}); group != groups_.end() && group->first.first == number;) {
      changed_groups_.insert(group->first);
      group = groups_.erase(group);
    }
    outbox_.Forget(id, number);
    book_.Forget(number);
  }
}

void RouterCore::DropEndedAlerts(const Incident& incident, TimeMs now) {
  book_.DropEnded(incident.number, now - kKeepEndedAlerts, [&](std::uint64_t fingerprint) {
    auto group = groups_.lower_bound({incident.number, {}});
    for (; group != groups_.end() && group->first.first == incident.number; ++group) {
      if (group->second.members().count(fingerprint) > 0) return true;  // its end has not been told
    }
    return false;
  });
}

Status RouterCore::Tick(TimeMs now) {
  EndUnconfirmed(now);
  FlushGroups(now);
  SettleIncidents();
  KeepHouse(now);
  return Write();
}

std::vector<SendJob> RouterCore::TakeDue(TimeMs now) {
  std::vector<SendJob> out;
  for (OutboxJob& job : outbox_.TakeDue(now)) {
    Notification notification = MakeNotification(job, now);
    out.push_back({std::move(job), std::move(notification)});
  }
  return out;
}

OutboxReport RouterCore::Report(const OutboxJob& job, const Verdict& verdict, TimeMs now) {
  OutboxReport report = outbox_.Report(job.target, job.incident_id, verdict, now);
  // Should the write fail, the worst that a crash does is to send the message twice, with the same key.
  if (auto written = Write(); !written) {
    LogError("alerting", "result of a delivery could not be stored", {{"error", written.error()}});
  }
  return report;
}

const Integration* RouterCore::FindIntegration(const Target& target) const {
  const auto receiver = integrations_.find(target.receiver);
  if (receiver == integrations_.end()) return nullptr;
  for (const Integration& integration : receiver->second) {
    if (integration.target == target) return &integration;
  }
  return nullptr;
}

}  // namespace vedette::alerting
