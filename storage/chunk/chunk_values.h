// The values of a chunk: which codec holds them best, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/chunk/chunk.h"
#include "storage/chunk/decimals.h"

namespace vedette::storage {

/// What the chunk's header says about its values.
struct ValueLayout {
  ValueCodec codec = ValueCodec::kConstant;
  int exponent = 0;         // of the decimals
  bool exceptions = false;  // some values of the decimals are stored as they are
};

struct CodedValues {
  ValueLayout layout;
  std::string payload;
  std::optional<Decimals> decimals;  // when the layout says so: the summary is made from them
};

/// `forced` as in EncodeChunk.
CodedValues EncodeValues(std::span<const double> values, std::optional<ValueCodec> forced);

/// Reads the first `out.size()` of `count` values. False when the bytes are damaged.
bool DecodeValues(const ValueLayout& layout, std::string_view bytes, std::size_t count, std::span<double> out);

constexpr DecimalForm FormOf(ValueCodec codec) {
  return codec == ValueCodec::kProducts ? DecimalForm::kProduct : DecimalForm::kQuotient;
}
constexpr bool IsDecimalCodec(ValueCodec codec) {
  return codec == ValueCodec::kIntegers || codec == ValueCodec::kProducts;
}

}  // namespace vedette::storage
