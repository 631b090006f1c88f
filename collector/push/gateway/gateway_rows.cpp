#include "collector/push/gateway/gateway_rows.h"

#include <cstdint>
#include <utility>

#include "storage/coding.h"

namespace vedette::collector {
namespace {

constexpr char kKeyEnd = '\xff';
constexpr std::uint8_t kGatewayRowVersion = 1;

}  // namespace

std::string GroupKey(const RawLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out.append(name) += kKeyEnd;
    out.append(value) += kKeyEnd;
  }
  return out;
}

std::optional<RawLabels> GroupLabelsOf(std::string_view key) {
  RawLabels out;
  while (!key.empty()) {
    std::string_view parts[2];
    for (std::string_view& part : parts) {
      const std::size_t end = key.find(kKeyEnd);
      if (end == std::string_view::npos) return std::nullopt;
      part = key.substr(0, end);
      key.remove_prefix(end + 1);
    }
    if (parts[0].empty()) return std::nullopt;
    out.emplace_back(parts[0], parts[1]);
  }
  return out;
}

std::string FamilyKey(std::string_view group_key, std::string_view name) {
  return std::string(group_key).append(1, kKeyEnd).append(name);
}

/// The name holds no 0xff, so the last one ends the group's key.
std::string_view GroupKeyOfFamilyKey(std::string_view key) {
  const std::size_t end = key.rfind(kKeyEnd);
  return end == std::string_view::npos ? std::string_view() : key.substr(0, end);
}

std::string GatewayGroupRow::Encode() const {
  std::string out(1, static_cast<char>(kGatewayRowVersion));
  storage::PutSigned(out, pushed.ms);
  storage::PutSigned(out, failed.ms);
  return out;
}

std::optional<GatewayGroupRow> GatewayGroupRow::Decode(std::string_view value) {
  storage::ByteReader in(value);
  if (in.Byte() != kGatewayRowVersion) return std::nullopt;
  const auto pushed = in.Signed(), failed = in.Signed();
  if (!pushed || !failed) return std::nullopt;
  return GatewayGroupRow{TimeMs(*pushed), TimeMs(*failed)};
}

std::string EncodeGatewayFamily(const GatewayStored& stored) {
  std::string out(1, static_cast<char>(kGatewayRowVersion));
  storage::PutSigned(out, stored.time.ms);
  const GatewayFamily& family = stored.family;
  AppendFamilyMessage(out, family.name, family.help, family.type, family.metrics);
  return out;
}

/// Read as a push is: what is wrong in it is found here, and not by the scrape of all groups.
Result<GatewayStored> DecodeGatewayFamily(std::string_view value, const RawLabels& group) {
  storage::ByteReader in(value);
  if (in.Byte() != kGatewayRowVersion) return Fail(Code::kCorruption, "row of another version");
  const auto time = in.Signed();
  if (!time) return Fail(Code::kCorruption, "row without a time");
  VEDETTE_TRY(GatewayBody body, ReadGatewayProtobuf(in.rest(), group, SIZE_MAX));
  VEDETTE_CHECK(std::move(body.problem));
  if (body.families.size() != 1) return Fail(Code::kCorruption, "row with {} families", body.families.size());
  return GatewayStored{std::move(body.families.front()), TimeMs(*time)};
}

}  // namespace vedette::collector
