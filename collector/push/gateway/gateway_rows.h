// How the groups of a PushGateway lie in the state tables.
//
//   push_groups    key: the labels, name 0xff value 0xff ..., which no UTF-8 text holds    value: version, two times
//   push_families  key: that of the group, 0xff, the family's name                         value: version, time,
//   message
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/exposition/series_labels.h"
#include "collector/push/gateway/gateway.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

inline constexpr std::string_view kGatewayGroupTable = "push_groups", kGatewayFamilyTable = "push_families";

/// `labels`: sorted.
std::string GroupKey(const RawLabels& labels);
std::optional<RawLabels> GroupLabelsOf(std::string_view key);
std::string FamilyKey(std::string_view group_key, std::string_view name);
/// Empty for what is no key of a family.
std::string_view GroupKeyOfFamilyKey(std::string_view key);

struct GatewayGroupRow {
  TimeMs pushed, failed;
  std::string Encode() const;
  static std::optional<GatewayGroupRow> Decode(std::string_view value);
};

std::string EncodeGatewayFamily(const GatewayStored& stored);
/// Errors: kCorruption, kBadData.
Result<GatewayStored> DecodeGatewayFamily(std::string_view value, const RawLabels& group);

}  // namespace vedette::collector
