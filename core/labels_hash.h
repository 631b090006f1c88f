// Labels::Hash() of labels that are not a Labels object: for tables that hold label sets in a form of their own.
#pragma once

#include <cstdint>
#include <span>

#include "core/labels.h"

namespace vedette {

/// What Labels::FromSorted(sorted).Hash() says. Does not allocate for sets of common size.
std::uint64_t HashLabels(std::span<const LabelView> sorted);

}  // namespace vedette
