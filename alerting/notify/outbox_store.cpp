// How the outbox is kept: one JSON row per target and incident id.
#include <nlohmann/json.hpp>

#include "alerting/incident/row_fields.h"
#include "alerting/notify/outbox.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

using nlohmann::json;

/// Far above what merging lets a queue grow to: a row with more was not written by us.
constexpr std::size_t kMaxQueue = 1000;

std::string RowKey(const Target& target, const std::string& incident_id) {
  return fmt::format("{}/{}/{}/{}", target.kind, target.index, target.receiver, incident_id);
}

json MessageToJson(const OutboxMessage& m) {
  return {{"incident", m.incident}, {"event", static_cast<int>(m.event)}, {"priority", static_cast<int>(m.priority)},
          {"episodes", m.episodes}, {"enqueued_at", m.enqueued_at.ms},    {"not_before", m.not_before.ms},
          {"attempts", m.attempts}, {"maybe_received", m.maybe_received}, {"last_error", m.last_error}};
}

OutboxMessage MessageFrom(RowFields& fields) {
  OutboxMessage m;
  m.incident = fields.Number("incident");
  m.event = static_cast<DeliveryEvent>(fields.Int("event", 1, 5));
  m.priority = static_cast<Priority>(fields.Int("priority", 0, 3));
  m.episodes = static_cast<std::uint32_t>(fields.Int("episodes", 1, UINT32_MAX));
  m.enqueued_at = fields.Time("enqueued_at");
  m.not_before = fields.Time("not_before");
  m.attempts = static_cast<std::uint32_t>(fields.Int("attempts", 0, UINT32_MAX));
  m.maybe_received = fields.Flag("maybe_received");
  m.last_error = fields.Text("last_error");
  return m;
}

}  // namespace

std::string DeliveryCodec::Encode(const Delivery& d) {
  json row = {{"receiver", d.target.receiver},
              {"kind", d.target.kind},
              {"index", d.target.index},
              {"incident_id", d.incident_id},
              {"told", d.told},
              {"last", d.last},
              {"dead", d.dead},
              {"last_error", d.last_error}};
  json& queue = row["queue"] = json::array();
  for (const OutboxMessage& message : d.queue) queue.push_back(MessageToJson(message));
  if (d.delivered_at) row["delivered_at"] = d.delivered_at->ms;
  return PrintRow(row);
}

Result<Delivery> DeliveryCodec::Decode(std::string_view bytes) {
  VEDETTE_TRY(const json row, ParseRow(bytes));
  RowFields fields(row);
  Delivery out;
  out.target.receiver = fields.Text("receiver");
  out.target.kind = fields.Text("kind");
  out.target.index = static_cast<std::size_t>(fields.Int("index", 0, 1'000'000));
  out.incident_id = fields.Text("incident_id");
  out.told = fields.Number("told");
  out.last = fields.Number("last");
  out.dead = fields.Flag("dead");
  out.last_error = fields.Text("last_error");
  fields.Each("queue", [&](RowFields& message) {
    if (out.queue.size() == kMaxQueue) return message.Fault("field queue is too long");
    out.queue.push_back(MessageFrom(message));
  });
  out.delivered_at = fields.OptionalTime("delivered_at");
  VEDETTE_CHECK(fields.status());
  if (FindNotifier(out.target.kind) == nullptr) {
    return Fail(Code::kCorruption, "receivers of kind {} are not known", Quote(out.target.kind));
  }
  return out;
}

Status Outbox::Load(const storage::StateStore& store, std::size_t& bad_rows) {
  return store.Scan(kOutboxTable, {}, [&](std::string_view key, std::string_view value) {
    auto delivery = DeliveryCodec::Decode(value);
    if (!delivery) {
      ++bad_rows;
      LogError("alerting", "stored row cannot be read",
               {{"table", kOutboxTable}, {"key", key}, {"error", delivery.error()}});
      return true;
    }
    Lane& lane = lanes_[delivery->target];
    lane.depth += delivery->queue.size();
    const std::string id = delivery->incident_id;
    lane.deliveries.insert_or_assign(id, *std::move(delivery));
    return true;
  });
}

void Outbox::AppendChanges(storage::StateBatch& batch) const {
  for (const auto& [target, id] : changed_) {
    if (const Delivery* delivery = Find(target, id)) {
      batch.Put(kOutboxTable, RowKey(target, id), DeliveryCodec::Encode(*delivery));
    } else {
      batch.Delete(kOutboxTable, RowKey(target, id));
    }
  }
}

}  // namespace vedette::alerting
