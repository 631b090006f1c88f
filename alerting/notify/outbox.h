// The durable outbox: what still has to reach whom, in which order, and what became of it.
//
// One queue per target and incident, so that a resolve never overtakes its trigger; messages that have not left yet are
// merged (trigger and resolve become one that says both, never nothing). Who was told of trouble is told of its end.
// Retries back off with full jitter and never before the receiver's Retry-After. A target has one request in flight
// and a token bucket; the most urgent message goes first.
//
// Plain deterministic state under the alert router's lock: time comes in, jobs come out, verdicts come back. Rows are
// written in the same batch as the incidents they tell of.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "alerting/notify/notifiers.h"
#include "alerting/notify/options.h"
#include "alerting/notify/reply.h"
#include "alerting/route/group.h"
#include "core/result.h"
#include "storage/state.h"

namespace vedette::alerting {

/// A message that has not been delivered. What it says in detail is taken from the incident when it leaves.
struct OutboxMessage {
  std::uint64_t incident = 0;  // number of the episode
  DeliveryEvent event = DeliveryEvent::kTrigger;
  Priority priority = Priority::kP3;
  std::uint32_t episodes = 1;  // merged into this one
  TimeMs enqueued_at, not_before;
  std::uint32_t attempts = 0;
  bool maybe_received = false;  // an attempt may have arrived
  std::string last_error;
};

/// Everything between one target and one incident id.
struct Delivery {
  Target target;
  std::string incident_id;
  std::uint64_t told = 0;  // episode that the target believes to be open; 0: none
  std::uint64_t last = 0;  // the last episode it heard or should hear of
  std::deque<OutboxMessage> queue;
  std::optional<TimeMs> delivered_at;
  bool dead = false;  // the last message was given up
  std::string last_error;
};

enum class DeliveryState : std::uint8_t { kIdle, kQueued, kSending, kRetry, kDelivered, kDead };
std::string_view DeliveryStateName(DeliveryState state);

struct OutboxJob {
  Target target;
  std::string incident_id;
  OutboxMessage message;
};

/// What Report() made of a verdict, for metrics and logs.
struct OutboxReport {
  enum class Kind : std::uint8_t { kUnknown, kDelivered, kRetry, kPermanent, kExpired } kind = Kind::kUnknown;
  OutboxMessage message;
  Millis wait{0};     // until the next attempt
  bool news = false;  // worth a log line: the first of its kind in a row
};

struct OutboxDrop {
  std::string kind, reason;  // "queue_full", "expired", "receiver_removed"
  std::uint64_t count = 0;
};

inline constexpr std::string_view kOutboxTable = "outbox";

struct DeliveryCodec {
  static std::string Encode(const Delivery& delivery);
  static Result<Delivery> Decode(std::string_view bytes);
};

class Outbox {
 public:
  Outbox(const DeliveryOptions& options, std::uint64_t seed);

  /// Errors: of the store. Rows that cannot be read are counted and left.
  Status Load(const storage::StateStore& store, std::size_t& bad_rows);
  /// The targets that exist from now on; messages to others are dropped and counted.
  void Configure(const DeliveryOptions& options, std::span<const Target> targets);

  /// Puts a message into the queue, or merges it, or finds that there is nothing to say.
  void Enqueue(const Target& target, const std::string& incident_id, std::uint64_t incident, DeliveryEvent event,
               Priority priority, TimeMs now);
  /// The messages to send now. Each stays in its queue, marked as leaving, until Report().
  std::vector<OutboxJob> TakeDue(TimeMs now);
  OutboxReport Report(const Target& target, const std::string& incident_id, const Verdict& verdict, TimeMs now);
  /// Gives up messages that waited longer than their priority allows. Call it now and then.
  void Expire(TimeMs now);
  /// Nothing is kept of an incident that is forgotten, once its messages are through.
  void Forget(const std::string& incident_id, std::uint64_t incident);

  /// Null when nothing was ever to be told.
  const Delivery* Find(const Target& target, const std::string& incident_id) const;
  DeliveryState StateOf(const Target& target, const std::string& incident_id, std::uint64_t incident) const;
  /// Whether a message of this incident waits for any target of the receiver.
  bool HasWaiting(const std::string& receiver, const std::string& incident_id) const;
  std::size_t depth(const Target& target) const;
  std::map<std::string, std::size_t> DepthByKind() const;
  /// Since the last call.
  std::vector<OutboxDrop> TakeDrops();

  void AppendChanges(storage::StateBatch& batch) const;
  void ChangesWritten() { changed_.clear(); }

 private:
  struct Lane {
    bool known = false;  // configured
    double tokens = 0, burst = 1, per_second = 1;
    std::optional<TimeMs> refilled_at;
    TimeMs paused_until = TimeMs::Min();
    std::uint32_t failures = 0;            // in a row
    std::optional<std::string> in_flight;  // incident id
    std::size_t depth = 0;
    std::map<std::string, Delivery> deliveries;
  };

  void Changed(const Delivery& delivery);
  void Drop(const Target& target, std::string_view reason);
  void Push(Lane& lane, Delivery& delivery, OutboxMessage message);
  void Pop(Lane& lane, Delivery& delivery);
  bool IsLeaving(const Lane& lane, const Delivery& delivery, const OutboxMessage& message) const;
  void EnqueueResolve(Lane& lane, Delivery& delivery, OutboxMessage message);
  void EnqueueTrouble(Lane& lane, Delivery& delivery, OutboxMessage message);
  /// Makes room for `message`; false when nothing in the lane is less important.
  bool MakeRoom(Lane& lane, const OutboxMessage& message);
  void GiveUp(Lane& lane, Delivery& delivery, std::string reason);
  void CollapseFront(Lane& lane, Delivery& delivery);
  void Delivered(Lane& lane, Delivery& delivery, TimeMs now);
  bool HasToken(Lane& lane, TimeMs now) const;
  Millis Backoff(std::uint32_t failures, const Verdict& verdict);
  std::optional<Millis> Lifetime(const OutboxMessage& message) const;

  DeliveryOptions options_;
  std::minstd_rand random_;
  std::map<Target, Lane> lanes_;
  std::size_t in_flight_ = 0;
  std::set<std::pair<Target, std::string>> changed_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> drops_;  // kind, reason
};

}  // namespace vedette::alerting
