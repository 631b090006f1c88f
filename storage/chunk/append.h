// Growing a column by values that are made part by part.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace vedette::storage {

/// Room for `n` more; as with push_back, much is moved only as often as the size doubles.
template <class T>
void MakeRoom(std::size_t n, std::vector<T>& out) {
  if (out.capacity() - out.size() < n) out.reserve(std::max(out.size() + n, 2 * out.capacity()));
}

/// Appends `n` elements. `fill` takes the number of the first and a part to be filled. The parts lie in the processor's
/// first cache: resize() would write the column twice, first with zeros, which for packed integers takes as long as
/// decoding them.
template <class T, class Fill>
void AppendInParts(std::size_t n, std::vector<T>& out, Fill fill) {
  std::array<T, 512> part;
  MakeRoom(n, out);
  for (std::size_t at = 0; at < n; at += part.size()) {
    const auto filled = std::span(part).first(std::min(part.size(), n - at));
    fill(at, filled);
    out.insert(out.end(), filled.begin(), filled.end());
  }
}

}  // namespace vedette::storage
