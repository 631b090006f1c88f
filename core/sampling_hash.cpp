#include "core/sampling_hash.h"

#include <xxhash.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace vedette {

std::uint64_t SamplingHash(const Labels& labels) {
  constexpr std::size_t kLong = 255;
  std::string bytes;
  for (const LabelView label : labels) {
    for (const std::string_view part : {label.name, label.value}) {
      bytes += static_cast<char>(std::min(part.size(), kLong));
      for (int shift = 0; part.size() >= kLong && shift < 24; shift += 8) {
        bytes += static_cast<char>(part.size() >> shift);
      }
      bytes += part;
    }
  }
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace vedette
