#include "alerting/incident/book.h"

#include <algorithm>
#include <charconv>

#include "alerting/incident/incident_codec.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

/// The last number given out, so that forgetting old incidents never gives a number twice.
constexpr std::string_view kMetaTable = "incident_meta", kLastNumberKey = "last_number";

/// Jobs named in one reason: more says nothing to people.
constexpr std::size_t kMaxJobs = 4;

std::string AffectedKey(const IncidentAlert& alert) {
  std::string key(alert.labels.Get("job"));
  key.push_back('\0');
  key += alert.Name();
  return key;
}

bool HasTarget(const IncidentAlert& alert) { return alert.labels.Has("job") && alert.labels.Has("instance"); }

void LogBadRow(std::string_view table, std::string_view key, const Error& error) {
  LogError("alerting", "stored row cannot be read", {{"table", table}, {"key", key}, {"error", error}});
}

}  // namespace

IncidentBook::IncidentBook(const IncidentOptions& options, const TargetCensus* census)
    : options_(options), classifier_(options), census_(census) {}

void IncidentBook::Configure(const IncidentOptions& options) {
  options_ = options;
  classifier_ = Classifier(options);
}

Status IncidentBook::Load(const storage::StateStore& store, std::size_t& bad_rows) {
  VEDETTE_CHECK(store.Scan(kIncidentTable, {}, [&](std::string_view key, std::string_view value) {
    auto incident = IncidentCodec::Decode(value);
    if (!incident) {
      ++bad_rows;
      LogBadRow(kIncidentTable, key, incident.error());
      return true;
    }
    const std::uint64_t number = incident->number;
    last_number_ = std::max(last_number_, number);
    if (!incident->settled) current_[incident->id] = number;
    if (incident->open()) ++open_count_;
    incidents_.insert_or_assign(number, *std::move(incident));
    return true;
  }));
  VEDETTE_CHECK(store.Scan(kIncidentAlertTable, {}, [&](std::string_view key, std::string_view value) {
    auto alert = IncidentAlertCodec::Decode(value);
    const auto number = NumberOfKey(key);
    const auto incident = number ? incidents_.find(*number) : incidents_.end();
    if (!alert || incident == incidents_.end()) {
      ++bad_rows;
      LogBadRow(kIncidentAlertTable, key, alert ? Error{Code::kCorruption, "its incident is missing"} : alert.error());
      return true;
    }
    const std::uint64_t fingerprint = alert->Fingerprint();
    if (alert->firing()) {
      ++incident->second.firing;
      holders_[fingerprint].push_back(*number);
      CountAffected(*alert, 1);
    }
    ++alert_count_;
    incident->second.alerts.insert_or_assign(fingerprint, *std::move(alert));
    return true;
  }));
  VEDETTE_TRY(const auto last, store.Get(kMetaTable, kLastNumberKey));
  std::uint64_t stored = 0;
  if (last) std::from_chars(last->data(), last->data() + last->size(), stored);
  last_number_ = std::max(last_number_, stored);
  return Ok();
}

std::optional<std::uint64_t> IncidentBook::Current(const std::string& id) const {
  const auto found = current_.find(id);
  if (found == current_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::uint64_t> IncidentBook::HoldersOf(std::uint64_t fingerprint) const {
  const auto found = holders_.find(fingerprint);
  return found == holders_.end() ? std::vector<std::uint64_t>() : found->second;
}

const Incident* IncidentBook::Find(std::uint64_t number) const {
  const auto found = incidents_.find(number);
  return found == incidents_.end() ? nullptr : &found->second;
}

Result<std::uint64_t> IncidentBook::Open(const std::string& id, const Labels& group_labels, TimeMs now) {
  if (open_count_ >= options_.max_open) {
    return Fail(Code::kLimit, "{} incidents are open: incidents.max_open", open_count_);
  }
  Incident incident;
  incident.number = ++last_number_;
  incident.id = id;
  incident.group_labels = group_labels;
  incident.started_at = incident.updated_at = now;
  current_[id] = incident.number;
  ++open_count_;
  changed_incidents_.insert(incident.number);
  return incidents_.emplace(incident.number, std::move(incident)).first->first;
}

Result<bool> IncidentBook::Put(std::uint64_t number, const IncidentAlert& alert, TimeMs now) {
  Incident& incident = incidents_.at(number);
  const std::uint64_t fingerprint = alert.Fingerprint();
  const auto known = incident.alerts.find(fingerprint);
  if (known == incident.alerts.end() && alert_count_ >= options_.max_alerts) {
    return Fail(Code::kLimit, "{} alerts are held: incidents.max_alerts", alert_count_);
  }
  if (known != incident.alerts.end() && known->second.firing()) {
    // The value moves with every evaluation; only a new text is worth a row.
    const bool same = known->second.annotations == alert.annotations && known->second.rule == alert.rule;
    const TimeMs started = std::min(known->second.starts_at, alert.starts_at);
    known->second = alert;
    known->second.starts_at = started;
    if (!same) changed_alerts_.emplace(number, fingerprint);
    unconfirmed_.erase({number, fingerprint});
    return false;
  }
  if (known == incident.alerts.end()) ++alert_count_;
  incident.alerts.insert_or_assign(fingerprint, alert);
  ++incident.firing;
  holders_[fingerprint].push_back(number);
  CountAffected(alert, 1);
  changed_alerts_.emplace(number, fingerprint);
  changed_incidents_.insert(number);
  incident.updated_at = now;
  if (!incident.open()) {
    incident.resolved_at.reset();
    ++open_count_;
  }
  return true;
}

bool IncidentBook::End(std::uint64_t number, std::uint64_t fingerprint, TimeMs ended_at, TimeMs now) {
  const auto found = incidents_.find(number);
  if (found == incidents_.end()) return false;
  Incident& incident = found->second;
  const auto alert = incident.alerts.find(fingerprint);
  if (alert == incident.alerts.end() || !alert->second.firing()) return false;
  alert->second.ended_at = std::max(ended_at, alert->second.starts_at);
  CountAffected(alert->second, -1);
  auto& holders = holders_[fingerprint];
  holders.erase(std::remove(holders.begin(), holders.end(), number), holders.end());
  if (holders.empty()) holders_.erase(fingerprint);
  unconfirmed_.erase({number, fingerprint});
  changed_alerts_.emplace(number, fingerprint);
  changed_incidents_.insert(number);
  incident.updated_at = now;
  if (--incident.firing == 0) {
    incident.resolved_at = now;
    --open_count_;
  }
  return true;
}

bool IncidentBook::Reclassify(std::uint64_t number, TimeMs now) {
  Incident& incident = incidents_.at(number);
  if (incident.firing == 0) return false;
  std::vector<const IncidentAlert*> firing;
  for (const auto& [fingerprint, alert] : incident.alerts) {
    if (alert.firing()) firing.push_back(&alert);
  }
  Classification found = classifier_.Classify(firing, RadiusOf(firing));
  const bool first = incident.reasons.empty();
  if (!first && found.priority > incident.priority) {
    // Less urgent than it was: believed only after a while, and never to the bottom before somebody has looked.
    if (!incident.less_urgent_since) {
      incident.less_urgent_since = now;
      changed_incidents_.insert(number);
    }
    if (now - *incident.less_urgent_since < options_.deescalate_after) return false;
    if (!incident.acknowledged_at && found.priority == Priority::kP3) {
      found.priority = Priority::kP2;
      found.reasons.push_back({"bound", "not below P2 before somebody acknowledged it", 1});
    }
  }
  const bool held = incident.less_urgent_since.has_value();
  if (!first && found.priority == incident.priority && found.reasons == incident.reasons && !held) return false;
  const bool changed = first || found.priority != incident.priority;
  incident.less_urgent_since.reset();
  incident.priority = found.priority;
  incident.reasons = std::move(found.reasons);
  incident.updated_at = now;
  changed_incidents_.insert(number);
  return changed;
}

void IncidentBook::Settle(std::uint64_t number) {
  Incident& incident = incidents_.at(number);
  incident.settled = true;
  if (const auto current = current_.find(incident.id); current != current_.end() && current->second == number) {
    current_.erase(current);
  }
  changed_incidents_.insert(number);
}

bool IncidentBook::Acknowledge(std::uint64_t number, const std::string& who, TimeMs now) {
  const auto found = incidents_.find(number);
  if (found == incidents_.end() || found->second.acknowledged_at) return false;
  found->second.acknowledged_at = now;
  found->second.acknowledged_by = who;
  found->second.updated_at = now;
  changed_incidents_.insert(number);
  return true;
}

void IncidentBook::EndUnlessConfirmed(const std::function<bool(const IncidentAlert&)>& doubtful, TimeMs at) {
  for (auto& [number, incident] : incidents_) {
    if (incident.firing == 0) continue;
    for (auto& [fingerprint, alert] : incident.alerts) {
      if (!alert.firing() || !doubtful(alert)) continue;
      if (!alert.ends_unless_confirmed) alert.ends_unless_confirmed = at;
      unconfirmed_.emplace(number, fingerprint);
    }
  }
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> IncidentBook::Unconfirmed(TimeMs now) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
  for (const auto& [number, fingerprint] : unconfirmed_) {
    if (*incidents_.at(number).alerts.at(fingerprint).ends_unless_confirmed <= now)
      out.emplace_back(number, fingerprint);
  }
  return out;
}

void IncidentBook::DropEnded(std::uint64_t number, TimeMs before, const std::function<bool(std::uint64_t)>& needed) {
  Incident& incident = incidents_.at(number);
  if (incident.alerts.size() == incident.firing) return;
  for (auto it = incident.alerts.begin(); it != incident.alerts.end();) {
    if (it->second.firing() || *it->second.ended_at >= before || needed(it->first)) {
      ++it;
      continue;
    }
    changed_alerts_.emplace(number, it->first);
    it = incident.alerts.erase(it);
    --alert_count_;
  }
}

std::vector<std::uint64_t> IncidentBook::Forgettable(TimeMs now) const {
  std::vector<std::uint64_t> settled;
  for (const auto& [number, incident] : incidents_) {
    if (incident.settled) settled.push_back(number);
  }
  const std::size_t excess = settled.size() - std::min(settled.size(), options_.keep_resolved);
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < settled.size(); ++i) {
    const Incident& incident = incidents_.at(settled[i]);
    if (i < excess || now - incident.updated_at > options_.keep_resolved_for) out.push_back(settled[i]);
  }
  return out;
}

void IncidentBook::Forget(std::uint64_t number) {
  const auto found = incidents_.find(number);
  for (const auto& [fingerprint, alert] : found->second.alerts) changed_alerts_.emplace(number, fingerprint);
  alert_count_ -= found->second.alerts.size();
  changed_incidents_.insert(number);
  incidents_.erase(found);
}

void IncidentBook::CountAffected(const IncidentAlert& alert, int by) {
  if (!HasTarget(alert)) return;
  auto& instances = affected_[AffectedKey(alert)];
  const auto entry = instances.try_emplace(std::string(alert.labels.Get("instance")), 0).first;
  if ((entry->second += by) <= 0) instances.erase(entry);
  if (instances.empty()) affected_.erase(AffectedKey(alert));
}

std::vector<BlastRadius> IncidentBook::RadiusOf(std::span<const IncidentAlert* const> firing) const {
  std::map<std::string, std::size_t> by_job;
  for (const IncidentAlert* alert : firing) {
    if (!HasTarget(*alert)) continue;
    const auto found = affected_.find(AffectedKey(*alert));
    std::size_t& affected = by_job[std::string(alert->labels.Get("job"))];
    if (found != affected_.end()) affected = std::max(affected, found->second.size());
  }
  std::vector<BlastRadius> out;
  for (const auto& [job, affected] : by_job) {
    if (out.size() == kMaxJobs) break;
    std::optional<std::size_t> known = census_ != nullptr ? census_->TargetsOfJob(job) : std::nullopt;
    if (known) known = std::max(*known, affected);  // a target may have gone since
    out.push_back({job, affected, known});
  }
  return out;
}

void IncidentBook::AppendChanges(storage::StateBatch& batch) const {
  if (!changed_incidents_.empty()) batch.Put(kMetaTable, kLastNumberKey, std::to_string(last_number_));
  for (const std::uint64_t number : changed_incidents_) {
    if (const Incident* incident = Find(number)) {
      batch.Put(kIncidentTable, IncidentKey(number), IncidentCodec::Encode(*incident));
    } else {
      batch.Delete(kIncidentTable, IncidentKey(number));
    }
  }
  for (const auto& [number, fingerprint] : changed_alerts_) {
    const Incident* incident = Find(number);
    const std::string key = IncidentAlertKey(number, fingerprint);
    if (incident == nullptr || incident->alerts.count(fingerprint) == 0) {
      batch.Delete(kIncidentAlertTable, key);
    } else {
      batch.Put(kIncidentAlertTable, key, IncidentAlertCodec::Encode(incident->alerts.at(fingerprint)));
    }
  }
}

void IncidentBook::ChangesWritten() {
  changed_incidents_.clear();
  changed_alerts_.clear();
}

}  // namespace vedette::alerting
