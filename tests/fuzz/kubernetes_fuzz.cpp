// What a Kubernetes API server sends: no crash, the same objects however the bytes are cut, and every refusal has a
// reason. The first byte chooses the kind of object and how large the pieces are.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "collector/discovery/kubernetes/groups.h"
#include "collector/discovery/kubernetes/splitter.h"

namespace {

using namespace vedette;
using collector::kube::ObjectSplitter;
using collector::kube::Resource;

std::vector<std::string> CutUp(ObjectSplitter::Shape shape, std::string_view text, std::size_t piece) {
  ObjectSplitter splitter(shape, 200);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto take = [&](std::string_view object, bool whole) {
      if (whole && object.size() > 200) std::abort();
      if (whole) out.emplace_back(object);
    };
    if (!splitter.Feed(text.substr(at, piece), take)) break;
  }
  return out;
}

void ReadOne(Resource resource, std::string_view text) {
  const auto object = collector::kube::ReadObject(resource, text);
  if (!object) {
    if (object.error().message.empty()) std::abort();
    return;
  }
  if (object->name.empty()) std::abort();
  const auto find = [&](Resource, const std::string&) { return &object->body; };
  const auto group =
      collector::kube::BuildGroup(resource, object->Key(), object->body, {true, true, true, true, true}, find);
  if (group.source.empty()) std::abort();
  for (const Labels& target : group.targets) {
    for (const auto [name, value] : target) {
      if (!IsLegacyLabelName(name)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto resource = static_cast<Resource>(data[0] % collector::kube::kResourceCount);
  const std::size_t piece = data[0] / collector::kube::kResourceCount + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReadOne(resource, text);
  for (const auto shape : {ObjectSplitter::Shape::kEvents, ObjectSplitter::Shape::kList}) {
    const auto objects = CutUp(shape, text, piece);
    if (objects != CutUp(shape, text, text.size() + 1)) std::abort();
    for (const std::string& object : objects) ReadOne(resource, object);
  }
  if (const auto event = collector::kube::ReadEvent(text)) ReadOne(resource, event->object);
  if (const auto head = collector::kube::ReadListHead(text); !head && head.error().message.empty()) std::abort();
  if (const auto name = collector::kube::ReadIdentity(text); name && name->name.empty()) std::abort();
  if (const auto said = collector::kube::ReadServerStatus(text); !said && said.error().message.empty()) std::abort();
  return 0;
}
