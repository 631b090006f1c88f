#include "collector/discovery/kubernetes/intake.h"

#include <prometheus/counter.h>

#include "core/log.h"

namespace vedette::collector::kube {

/// An object of ours, or why not: counted.
Result<Object> Intake::Read(std::string_view text) {
  auto object = ReadObject(watched_.resource, text);
  if (object && !watched_.ns.empty() && object->ns != watched_.ns) {
    object = Fail(Code::kBadData, "an object of namespace {}", Quote(object->ns));
  }
  if (!object) {
    engine_.metrics.malformed->Increment();
    LogDebug("collector", "Kubernetes object not taken",
             {{"objects", InfoOf(watched_.resource).name}, {"error", object.error()}});
  }
  return object;
}

Status Intake::TakePage(std::string_view piece) {
  VEDETTE_CHECK(page_->Feed(piece, [this](std::string_view text, bool whole) { TakeItem(text, whole); }));
  if (keys_.size() > kMaxObjects) return Fail(Code::kLimit, "a list with more than {} objects", kMaxObjects);
  return Ok();
}

void Intake::TakeItem(std::string_view text, bool whole) {
  if (whole) {
    if (auto object = Read(text)) {
      keys_.insert(object->Key());
      engine_.Put(watched_.resource, *std::move(object));
      return;
    }
  } else {
    engine_.metrics.too_large->Increment();
  }
  if (const auto identity = ReadIdentity(text)) {
    keys_.insert(InfoOf(watched_.resource).namespaced ? identity->Key() : identity->name);
  } else {
    unknown_ = true;
  }
}

Result<ListHead> Intake::EndPage() {
  if (!page_->Complete()) return Fail(Code::kBadData, "a list that is cut off");
  VEDETTE_TRY(ListHead head, ReadListHead(page_->envelope()));
  const std::string wanted = fmt::format("{}List", InfoOf(watched_.resource).kind);
  if (head.kind != wanted) return Fail(Code::kBadData, "a {} instead of a {}", Quote(head.kind), wanted);
  return head;
}

void Intake::EndList() { engine_.Listed(watched_, unknown_ ? nullptr : &keys_); }

Status Intake::TakeEvents(std::string_view piece) {
  Status status = Ok();
  const Status split = events_.Feed(piece, [&](std::string_view text, bool whole) {
    if (!status) return;
    progress_ = true;
    if (whole) {
      status = TakeEvent(text);
    } else {
      engine_.metrics.too_large->Increment();
    }
  });
  return status ? split : status;
}

Status Intake::TakeEvent(std::string_view text) {
  const auto event = ReadEvent(text);
  if (!event) {
    engine_.metrics.unexpected->Increment();
    return event.error();
  }
  if (event->type == Event::Type::kError) {
    const auto said = ReadServerStatus(event->object);
    gone_ = said && (said->code == 410 || said->reason == "Expired" || said->reason == "Gone");
    error_ = Fail(Code::kUnavailable, "the watch ended with an error: {}", said ? said->message.substr(0, 300) : "");
    return Ok();
  }
  if (event->type == Event::Type::kBookmark) {
    const auto head = ReadListHead(event->object);
    if (head && !head->version.empty()) version_ = head->version;
    return Ok();
  }
  if (event->type != Event::Type::kDeleted) {
    TakeChange(event->object);
    return Ok();
  }
  auto identity = ReadIdentity(event->object);
  if (!identity) {
    engine_.metrics.malformed->Increment();
    return identity.error();
  }
  if (!InfoOf(watched_.resource).namespaced) identity->ns.clear();
  engine_.Erase(watched_.resource, identity->Key());
  if (!identity->version.empty()) version_ = identity->version;
  return Ok();
}

void Intake::TakeChange(std::string_view text) {
  auto object = Read(text);
  if (!object) return;
  if (!object->version.empty()) version_ = object->version;
  engine_.Put(watched_.resource, *std::move(object));
}

}  // namespace vedette::collector::kube
