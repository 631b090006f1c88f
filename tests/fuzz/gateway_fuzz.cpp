// Any bytes as the path and the body of a push: what is taken has to be readable again, as the rows of the store are.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/push/gateway/gateway_rows.h"
#include "collector/push/gateway/group_path.h"

using namespace vedette::collector;

namespace {

void Check(const vedette::Result<GatewayBody>& body, const RawLabels& group) {
  if (!body || !body->problem) return;
  for (const GatewayFamily& family : body->families) {
    const auto again = DecodeGatewayFamily(EncodeGatewayFamily({family, vedette::TimeMs(1)}), group);
    if (!again || again->family.metrics != family.metrics || again->family.series != family.series) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view path = input.substr(0, input.find('\n'));
  const std::string_view body = input.substr(path.size());
  auto group = ParseGroupPath(path);
  if (group) {
    if (GroupLabelsOf(GroupKey(*group)) != *group) std::abort();
  } else {
    group = RawLabels{{"job", "j"}};
  }
  Check(ReadGatewayText(body, *group, 1 << 20), *group);
  Check(ReadGatewayProtobuf(body.substr(body.empty() ? 0 : 1), *group, 1 << 20), *group);
  static_cast<void>(GroupLabelsOf(input));
  static_cast<void>(GatewayGroupRow::Decode(input));
  static_cast<void>(DecodeGatewayFamily(input, *group));
  return 0;
}
