// The hash by which Prometheus chooses a fraction of the series (limit_ratio), so that both choose the same.
#pragma once

#include <cstdint>

#include "core/labels.h"

namespace vedette {

/// XXH64 of all names and values, each behind its length: one byte, or 255 and three more, low ones first.
std::uint64_t SamplingHash(const Labels& labels);

}  // namespace vedette
