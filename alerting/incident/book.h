// All incidents, open and recently resolved: who belongs where, how urgent it is, and what has to be written.
//
// The book is plain state under the alert router's lock; nothing here waits. Each change marks its rows; the router
// writes them with AppendChanges() in one batch with the changes of the outbox before it acknowledges anything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alerting/incident/classify.h"
#include "alerting/incident/incident.h"
#include "core/result.h"
#include "storage/state.h"

namespace vedette::alerting {

/// Knows how many targets there are: for the blast radius. Called under the router's lock: must answer at once.
class TargetCensus {
 public:
  virtual ~TargetCensus() = default;
  /// Nothing: the job is not known here.
  virtual std::optional<std::size_t> TargetsOfJob(std::string_view job) const = 0;
};

class IncidentBook {
 public:
  /// `census` may be null.
  IncidentBook(const IncidentOptions& options, const TargetCensus* census);
  void Configure(const IncidentOptions& options);

  /// Reads all rows. A row that cannot be read is left out and counted: the others still have to reach somebody.
  /// Errors: of the store.
  Status Load(const storage::StateStore& store, std::size_t& bad_rows);

  /// The incident with that id that is not settled, open or about to be.
  std::optional<std::uint64_t> Current(const std::string& id) const;
  /// Incidents in which the alert fires. Usually one.
  std::vector<std::uint64_t> HoldersOf(std::uint64_t fingerprint) const;
  const Incident* Find(std::uint64_t number) const;
  const std::map<std::uint64_t, Incident>& incidents() const { return incidents_; }
  std::size_t open_count() const { return open_count_; }
  std::size_t alert_count() const { return alert_count_; }

  /// Errors: kLimit when there are too many open ones.
  Result<std::uint64_t> Open(const std::string& id, const Labels& group_labels, TimeMs now);
  /// Adds or renews a firing alert; opens the incident again if it was resolved. False when it fired there already.
  /// Errors: kLimit.
  Result<bool> Put(std::uint64_t number, const IncidentAlert& alert, TimeMs now);
  /// The alert has ended. False when it was not firing there.
  bool End(std::uint64_t number, std::uint64_t fingerprint, TimeMs ended_at, TimeMs now);
  /// Weighs the incident again, true when its priority changed.
  bool Reclassify(std::uint64_t number, TimeMs now);
  void Settle(std::uint64_t number);
  bool Acknowledge(std::uint64_t number, const std::string& who, TimeMs now);

  /// Firing alerts that `doubtful` picks count as ended at `at`, unless they are put again before.
  void EndUnlessConfirmed(const std::function<bool(const IncidentAlert&)>& doubtful, TimeMs at);
  /// Number and fingerprint of the alerts whose such time has come.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> Unconfirmed(TimeMs now) const;
  /// Drops alerts of an open incident that ended before `before` and that `needed` does not ask for: a trouble that
  /// lasts for weeks must not collect every instance that ever came and went.
  void DropEnded(std::uint64_t number, TimeMs before, const std::function<bool(std::uint64_t)>& needed);
  /// Settled incidents beyond what the options keep, oldest first.
  std::vector<std::uint64_t> Forgettable(TimeMs now) const;
  void Forget(std::uint64_t number);

  void AppendChanges(storage::StateBatch& batch) const;
  void ChangesWritten();

 private:
  void CountAffected(const IncidentAlert& alert, int by);
  std::vector<BlastRadius> RadiusOf(std::span<const IncidentAlert* const> firing) const;

  IncidentOptions options_;
  Classifier classifier_;
  const TargetCensus* census_;
  std::map<std::uint64_t, Incident> incidents_;
  std::unordered_map<std::string, std::uint64_t> current_;                 // id -> unsettled number
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> holders_;  // fingerprint -> numbers where it fires
  std::unordered_map<std::string, std::map<std::string, int>> affected_;   // job and alertname -> instances
  std::set<std::pair<std::uint64_t, std::uint64_t>> unconfirmed_;          // number, fingerprint
  std::uint64_t last_number_ = 0;
  std::size_t open_count_ = 0, alert_count_ = 0;
  std::set<std::uint64_t> changed_incidents_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> changed_alerts_;
};

}  // namespace vedette::alerting
