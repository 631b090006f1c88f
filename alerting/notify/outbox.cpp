#include "alerting/notify/outbox.h"

#include <algorithm>
#include <cmath>

namespace vedette::alerting {
namespace {

/// How long an end is worth telling: somebody still sees the trouble as open.
constexpr Millis kResolveLifetime = std::chrono::hours(24 * 7);
/// Messages of one target and incident before episodes are merged.
constexpr std::size_t kMaxQueuedEpisodes = 4;
/// 2^16 first back-offs exceed every maximum; larger powers would overflow.
constexpr std::uint32_t kMaxDoublings = 16;

bool IsTrouble(DeliveryEvent event) {
  return event == DeliveryEvent::kTrigger || event == DeliveryEvent::kUpdate || event == DeliveryEvent::kRepeat;
}

bool KeepsOpen(const Target& target) {
  const NotifierSpec* spec = FindNotifier(target.kind);
  return spec != nullptr && spec->keeps_open;
}

}  // namespace

std::string_view DeliveryStateName(DeliveryState state) {
  constexpr std::array<std::string_view, 6> kNames = {"idle", "queued", "sending", "retry", "delivered", "dead"};
  return kNames[static_cast<std::size_t>(state)];
}

Outbox::Outbox(const DeliveryOptions& options, std::uint64_t seed)
    : options_(options), random_(static_cast<std::minstd_rand::result_type>(seed)) {}

void Outbox::Configure(const DeliveryOptions& options, std::span<const Target> targets) {
  options_ = options;
  for (auto& [target, lane] : lanes_) lane.known = false;
  for (const Target& target : targets) {
    Lane& lane = lanes_[target];
    const NotifierSpec& spec = *FindNotifier(target.kind);
    lane.known = true;
    lane.per_second = options.*spec.per_second;
    lane.burst = options.*spec.burst;
    if (!lane.refilled_at) lane.tokens = lane.burst;
    lane.paused_until = TimeMs::Min();  // a new configuration may be the cure
    lane.failures = 0;
  }
  for (auto& [target, lane] : lanes_) {
    if (lane.known) continue;
    for (auto& [id, delivery] : lane.deliveries) {
      while (!delivery.queue.empty() && !IsLeaving(lane, delivery, delivery.queue.back())) {
        delivery.queue.pop_back();
        --lane.depth;
        Drop(target, "receiver_removed");
        Changed(delivery);
      }
    }
  }
}

void Outbox::Changed(const Delivery& delivery) { changed_.emplace(delivery.target, delivery.incident_id); }

void Outbox::Drop(const Target& target, std::string_view reason) { ++drops_[{target.kind, std::string(reason)}]; }

void Outbox::Push(Lane& lane, Delivery& delivery, OutboxMessage message) {
  delivery.last = message.incident;
  delivery.dead = false;
  delivery.queue.push_back(std::move(message));
  ++lane.depth;
  Changed(delivery);
}

void Outbox::Pop(Lane& lane, Delivery& delivery) {
  delivery.queue.pop_front();
  --lane.depth;
  Changed(delivery);
}

bool Outbox::IsLeaving(const Lane& lane, const Delivery& delivery, const OutboxMessage& message) const {
  return lane.in_flight == delivery.incident_id && &message == &delivery.queue.front();
}

void Outbox::Enqueue(const Target& target, const std::string& incident_id, std::uint64_t incident, DeliveryEvent event,
                     Priority priority, TimeMs now) {
  Lane& lane = lanes_[target];
  Delivery& delivery = lane.deliveries[incident_id];
  delivery.target = target;
  delivery.incident_id = incident_id;
  OutboxMessage message;
  message.incident = incident;
  message.event = event;
  message.priority = priority;
  message.enqueued_at = message.not_before = now;
  if (IsTrouble(event)) {
    EnqueueTrouble(lane, delivery, std::move(message));
  } else {
    EnqueueResolve(lane, delivery, std::move(message));
  }
  if (delivery.queue.empty() && delivery.last == 0) lane.deliveries.erase(incident_id);
}

void Outbox::EnqueueTrouble(Lane& lane, Delivery& delivery, OutboxMessage message) {
  if (!delivery.queue.empty()) {
    OutboxMessage& last = delivery.queue.back();
    if (last.incident == message.incident && IsTrouble(last.event)) {
      if (message.event == DeliveryEvent::kRepeat) return;  // it is about to be said
      if (!IsLeaving(lane, delivery, last)) {
        // The message tells the state when it leaves: the waiting one covers this one too.
        last.priority = std::min(last.priority, message.priority);
        if (last.event == DeliveryEvent::kRepeat) last.event = message.event;
        Changed(delivery);
        return;
      }
    }
  }
  const bool leaving_now = !delivery.queue.empty() && delivery.queue.back().incident == message.incident;
  if (delivery.told != message.incident && !leaving_now) message.event = DeliveryEvent::kTrigger;
  if (MakeRoom(lane, message)) {
    Push(lane, delivery, std::move(message));
  } else {
    Drop(delivery.target, "queue_full");
  }
}

void Outbox::EnqueueResolve(Lane& lane, Delivery& delivery, OutboxMessage message) {
  message.event = DeliveryEvent::kResolve;
  if (delivery.queue.empty() || delivery.queue.back().incident != message.incident) {
    // Ends are small and must arrive: the bound on the queue does not apply to them.
    if (delivery.told == message.incident) Push(lane, delivery, std::move(message));
    return;
  }
  OutboxMessage& last = delivery.queue.back();
  if (!IsTrouble(last.event)) return;
  if (IsLeaving(lane, delivery, last)) {
    Push(lane, delivery, std::move(message));
    return;
  }
  const std::size_t before = delivery.queue.size() - 1;
  const bool heard =
      delivery.told == message.incident || (before > 0 && delivery.queue[before - 1].incident == message.incident);
  last.event = heard ? DeliveryEvent::kResolve : DeliveryEvent::kFiredAndResolved;
  if (delivery.queue.size() > kMaxQueuedEpisodes) {
    // A receiver that was away for many episodes hears of them in one message.
    const OutboxMessage& older = delivery.queue[before - 1];
    if (older.event == DeliveryEvent::kFiredAndResolved && last.event == DeliveryEvent::kFiredAndResolved &&
        !IsLeaving(lane, delivery, older)) {
      last.episodes += older.episodes;
      last.priority = std::min(last.priority, older.priority);
      last.enqueued_at = older.enqueued_at;
      delivery.queue.erase(delivery.queue.end() - 2);
      --lane.depth;
    }
  }
  Changed(delivery);
}

bool Outbox::MakeRoom(Lane& lane, const OutboxMessage& message) {
  if (lane.depth < options_.max_queue_per_receiver) return true;
  // Repeats and updates go before triggers, less urgent before urgent, newer before older.
  const auto worth = [](const OutboxMessage& m) {
    return std::make_tuple(m.event != DeliveryEvent::kTrigger, m.priority, m.enqueued_at);
  };
  Delivery* victim = nullptr;
  for (auto& [id, delivery] : lane.deliveries) {
    if (delivery.queue.empty() || !IsTrouble(delivery.queue.back().event)) continue;
    if (IsLeaving(lane, delivery, delivery.queue.back())) continue;
    if (victim == nullptr || worth(delivery.queue.back()) > worth(victim->queue.back())) victim = &delivery;
  }
  if (victim == nullptr || worth(victim->queue.back()) <= worth(message)) return false;
  victim->queue.pop_back();
  --lane.depth;
  victim->dead = victim->queue.empty();
  victim->last_error = "dropped: the queue of this receiver is full";
  Drop(victim->target, "queue_full");
  Changed(*victim);
  return true;
}

bool Outbox::HasToken(Lane& lane, TimeMs now) const {
  if (lane.refilled_at && now > *lane.refilled_at) {
    lane.tokens = std::min(lane.burst, lane.tokens + (now - *lane.refilled_at).count() / 1000.0 * lane.per_second);
  }
  if (!lane.refilled_at || now > *lane.refilled_at) lane.refilled_at = now;
  // A clock that was set back must not stop the lane.
  if (now < *lane.refilled_at) lane.refilled_at = now;
  return lane.tokens >= 1;
}

std::vector<OutboxJob> Outbox::TakeDue(TimeMs now) {
  std::vector<OutboxJob> jobs;
  for (auto& [target, lane] : lanes_) {
    if (in_flight_ >= options_.max_in_flight) break;
    if (!lane.known || lane.in_flight || lane.depth == 0 || lane.paused_until > now || !HasToken(lane, now)) continue;
    Delivery* best = nullptr;
    for (auto& [id, delivery] : lane.deliveries) {
      if (delivery.queue.empty() || delivery.queue.front().not_before > now) continue;
      const OutboxMessage& message = delivery.queue.front();
      if (best == nullptr || std::tie(message.priority, message.enqueued_at) <
                                 std::tie(best->queue.front().priority, best->queue.front().enqueued_at)) {
        best = &delivery;
      }
    }
    if (best == nullptr) continue;
    lane.in_flight = best->incident_id;
    lane.tokens -= 1;
    ++in_flight_;
    ++best->queue.front().attempts;
    jobs.push_back({target, best->incident_id, best->queue.front()});
  }
  return jobs;
}

Millis Outbox::Backoff(std::uint32_t failures, const Verdict& verdict) {
  const std::uint32_t doublings = std::min(failures > 0 ? failures - 1 : 0, kMaxDoublings);
  const Millis ceiling = std::min(options_.max_backoff, options_.first_backoff * (std::int64_t{1} << doublings));
  std::uniform_int_distribution<std::int64_t> jitter(0, ceiling.count());
  const Millis wait(jitter(random_));
  if (!verdict.retry_after) return wait;
  // The receiver's word is the lower bound; the jitter comes on top, so that lanes do not return all at once.
  return std::min(*verdict.retry_after, options_.max_retry_after) + std::min(wait, options_.first_backoff);
}

std::optional<Millis> Outbox::Lifetime(const OutboxMessage& message) const {
  if (!IsTrouble(message.event)) return kResolveLifetime;
  const Millis span = options_.give_up_after[static_cast<std::size_t>(message.priority)];
  if (span == Millis(0)) return std::nullopt;
  return span;
}

void Outbox::GiveUp(Lane& lane, Delivery& delivery, std::string reason) {
  const OutboxMessage message = delivery.queue.front();
  // It may know of the trouble after all: then it has to hear of the end.
  if (IsTrouble(message.event) && message.maybe_received) delivery.told = message.incident;
  if (!IsTrouble(message.event) && delivery.told == message.incident) delivery.told = 0;
  delivery.dead = true;
  delivery.last_error = std::move(reason);
  Pop(lane, delivery);
  // The end of what it never heard of would only confuse.
  const bool ends_unheard = IsTrouble(message.event) && delivery.told != message.incident && !delivery.queue.empty() &&
                            delivery.queue.front().incident == message.incident &&
                            delivery.queue.front().event == DeliveryEvent::kResolve;
  if (ends_unheard) Pop(lane, delivery);
}

void Outbox::CollapseFront(Lane& lane, Delivery& delivery) {
  if (delivery.queue.size() < 2) return;
  OutboxMessage& front = delivery.queue[0];
  const OutboxMessage& next = delivery.queue[1];
  if (!IsTrouble(front.event) || next.event != DeliveryEvent::kResolve || front.incident != next.incident) return;
  front.event = delivery.told == front.incident ? DeliveryEvent::kResolve : DeliveryEvent::kFiredAndResolved;
  delivery.queue.erase(delivery.queue.begin() + 1);
  --lane.depth;
}

void Outbox::Delivered(Lane& lane, Delivery& delivery, TimeMs now) {
  const OutboxMessage message = delivery.queue.front();
  Pop(lane, delivery);
  delivery.delivered_at = now;
  delivery.dead = false;
  delivery.last_error.clear();
  delivery.told = IsTrouble(message.event) ? message.incident : 0;
  if (message.event == DeliveryEvent::kFiredAndResolved && KeepsOpen(delivery.target)) {
    OutboxMessage resolve = message;
    resolve.event = DeliveryEvent::kResolve;
    resolve.attempts = 0;
    resolve.enqueued_at = resolve.not_before = now;
    delivery.told = message.incident;
    delivery.queue.push_front(std::move(resolve));  // before a newer episode
    ++lane.depth;
  }
}

OutboxReport Outbox::Report(const Target& target, const std::string& incident_id, const Verdict& verdict, TimeMs now) {
  OutboxReport report;
  const auto found = lanes_.find(target);
  if (found == lanes_.end() || found->second.in_flight != incident_id) return report;
  Lane& lane = found->second;
  Delivery& delivery = lane.deliveries.at(incident_id);
  OutboxMessage& message = delivery.queue.front();
  message.maybe_received = message.maybe_received || verdict.maybe_received;
  message.last_error = verdict.detail;
  report.message = message;
  if (verdict.outcome == Outcome::kDelivered) {
    report.kind = OutboxReport::Kind::kDelivered;
    report.news = lane.failures > 0;
    lane.failures = 0;
    Delivered(lane, delivery, now);
  } else if (verdict.outcome == Outcome::kPermanent) {
    report.kind = OutboxReport::Kind::kPermanent;
    report.news = true;
    GiveUp(lane, delivery, verdict.detail);
  } else {
    report.kind = OutboxReport::Kind::kRetry;
    report.news = ++lane.failures == 1;
    report.wait = Backoff(message.attempts, verdict);
    message.not_before = now + report.wait;
    lane.paused_until = now + std::max(Backoff(std::min(lane.failures, 5U), verdict), Millis(0));
    const auto lifetime = Lifetime(message);
    if (lifetime && now - message.enqueued_at > *lifetime) {
      report.kind = OutboxReport::Kind::kExpired;
      report.news = true;
      Drop(target, "expired");
      GiveUp(lane, delivery, "given up after " + FormatDuration(*lifetime) + ": " + verdict.detail);
    } else if (!lane.known) {
      Drop(target, "receiver_removed");
      GiveUp(lane, delivery, "the receiver was removed");
    } else {
      CollapseFront(lane, delivery);  // the end came while the trigger was on its way
      Changed(delivery);
    }
  }
  lane.in_flight.reset();
  --in_flight_;
  return report;
}

void Outbox::Expire(TimeMs now) {
  for (auto& [target, lane] : lanes_) {
    if (lane.depth == 0) continue;
    for (auto& [id, delivery] : lane.deliveries) {
      while (!delivery.queue.empty() && !IsLeaving(lane, delivery, delivery.queue.front())) {
        const auto lifetime = Lifetime(delivery.queue.front());
        if (!lifetime || now - delivery.queue.front().enqueued_at <= *lifetime) break;
        const std::string error = delivery.queue.front().last_error;
        Drop(target, "expired");
        GiveUp(lane, delivery, "given up after " + FormatDuration(*lifetime) + ": " + error);
      }
    }
  }
}

void Outbox::Forget(const std::string& incident_id, std::uint64_t incident) {
  for (auto& [target, lane] : lanes_) {
    const auto found = lane.deliveries.find(incident_id);
    if (found == lane.deliveries.end() || found->second.last > incident || !found->second.queue.empty()) continue;
    Changed(found->second);
    lane.deliveries.erase(found);
  }
}

const Delivery* Outbox::Find(const Target& target, const std::string& incident_id) const {
  const auto lane = lanes_.find(target);
  if (lane == lanes_.end()) return nullptr;
  const auto delivery = lane->second.deliveries.find(incident_id);
  return delivery == lane->second.deliveries.end() ? nullptr : &delivery->second;
}

DeliveryState Outbox::StateOf(const Target& target, const std::string& incident_id, std::uint64_t incident) const {
  const Delivery* delivery = Find(target, incident_id);
  if (delivery == nullptr) return DeliveryState::kIdle;
  for (const OutboxMessage& message : delivery->queue) {
    if (message.incident != incident) continue;
    if (IsLeaving(lanes_.at(target), *delivery, message)) return DeliveryState::kSending;
    return message.attempts > 0 ? DeliveryState::kRetry : DeliveryState::kQueued;
  }
  if (delivery->last < incident) return DeliveryState::kIdle;
  if (delivery->last == incident && delivery->dead) return DeliveryState::kDead;
  return DeliveryState::kDelivered;
}

bool Outbox::HasWaiting(const std::string& receiver, const std::string& incident_id) const {
  for (const auto& [target, lane] : lanes_) {
    if (target.receiver != receiver) continue;
    const auto delivery = lane.deliveries.find(incident_id);
    if (delivery != lane.deliveries.end() && !delivery->second.queue.empty()) return true;
  }
  return false;
}

std::size_t Outbox::depth(const Target& target) const {
  const auto lane = lanes_.find(target);
  return lane == lanes_.end() ? 0 : lane->second.depth;
}

std::map<std::string, std::size_t> Outbox::DepthByKind() const {
  std::map<std::string, std::size_t> out;
  for (const NotifierSpec& spec : Notifiers()) out[std::string(spec.kind)] = 0;
  for (const auto& [target, lane] : lanes_) out[target.kind] += lane.depth;
  return out;
}

std::vector<OutboxDrop> Outbox::TakeDrops() {
  std::vector<OutboxDrop> out;
  for (const auto& [key, count] : drops_) out.push_back({key.first, key.second, count});
  drops_.clear();
  return out;
}

}  // namespace vedette::alerting
