// The values of a chunk: which codec holds them best, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/chunk/chunk.h"
#include "storage/chunk/decimals.h"

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

/// `forced` as in EncodeChunk.
CodedValues EncodeValues(std::span<const double> values, std::optional<ValueCodec> forced);

/// `plain`, which are decimals, beside a base of as many values; nothing unless that is smaller by 3 %. The base's
/// mantissas are its values at the exponent of `plain`, whatever it is stored as itself. Cost: a subtraction for
/// each value and a glance at some hundred of them, then, if it looks promising, that of EncodeValues.
std::optional<CodedValues> EncodeRelative(std::span<const double> values, const CodedValues& plain,
                                          std::span<const double> base);

/// Appends the first `n` of `count` values. False when the bytes are damaged: `out` is longer then, by anything.
/// `base`: when the layout is relative, at least `n` values.
bool AppendValues(const ValueLayout& layout, std::string_view bytes, std::size_t count, std::size_t n,
                  std::span<const double> base, std::vector<double>& out);
/// All values of a column, without a base. False when the bytes are damaged.
bool DecodeValues(const ValueLayout& layout, std::string_view bytes, std::span<double> out);

constexpr DecimalForm FormOf(ValueCodec codec) {
  return codec == ValueCodec::kProducts ? DecimalForm::kProduct : DecimalForm::kQuotient;
}
constexpr bool IsDecimalCodec(ValueCodec codec) {
  return codec == ValueCodec::kIntegers || codec == ValueCodec::kProducts;
}

}  // namespace vedette::storage
