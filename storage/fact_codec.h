// Stored forms of exemplars and metadata (docs/storage_format.md, "facts").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/facts.h"

namespace vedette::storage {

/// Label sets on their own.
std::string EncodeLabels(const Labels& labels);
std::optional<Labels> DecodeLabels(std::string_view bytes);

/// Without the time, which is in the key.
std::string EncodeExemplar(const Exemplar& exemplar);
std::optional<Exemplar> DecodeExemplar(std::string_view bytes);

/// Cuts texts that are too long.
std::string EncodeInfo(const MetricInfo& info);
std::optional<MetricInfo> DecodeInfo(std::string_view bytes);

}  // namespace vedette::storage
