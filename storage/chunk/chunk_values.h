// The values of a chunk: which codec holds them best, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/chunk/chunk.h"
#include "storage/chunk/decimals.h"
#include "storage/chunk/flat_ints.h"

namespace vedette::storage {

/// What the chunk's header says about its values.
struct ValueLayout {
  ValueCodec codec = ValueCodec::kConstant;
  int exponent = 0;         // of the decimals
  bool exceptions = false;  // some values of the decimals are stored as they are
  bool relative = false;    // mantissas are stored less those of another series, its base
};

struct CodedValues {
  ValueLayout layout;
  std::string payload;
  std::optional<Decimals> decimals;  // when the layout says so: the summary is made from them
};

/// `forced` and `effort` as in EncodeChunk.
CodedValues EncodeValues(std::span<const double> values, std::optional<ValueCodec> forced,
                         IntEffort effort = IntEffort::kSmallest);

/// About how many bits some stretches of the decimals take, alone or beside a base of as many values: says which base
/// is worth a trial. Cost: a microsecond.
std::uint64_t RoughBits(const Decimals& decimals, std::span<const double> base = {});
/// `plain`, which are decimals, beside a base of as many values. The base's mantissas are its values at the exponent of
/// `plain`, whatever it is stored as itself. Cost: that of EncodeValues.
CodedValues EncodeBeside(std::span<const double> values, const CodedValues& plain, std::span<const double> base);

/// Reads the first `out.size()` of `count` values. False when the bytes are damaged. `base`: when the layout is
/// relative, at least as many values as `out`.
bool DecodeValues(const ValueLayout& layout, std::string_view bytes, std::size_t count, std::span<double> out,
                  std::span<const double> base = {});

constexpr DecimalForm FormOf(ValueCodec codec) {
  return codec == ValueCodec::kProducts ? DecimalForm::kProduct : DecimalForm::kQuotient;
}
constexpr bool IsDecimalCodec(ValueCodec codec) {
  return codec == ValueCodec::kIntegers || codec == ValueCodec::kProducts;
}

}  // namespace vedette::storage
