// The function table: parser, engine, documentation and completion read the same rows (functions.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "analytics/promql/ast.h"

namespace vedette::promql {

/// Each function of the language. The engine switches over it; names and signatures are in the table only.
enum class FunctionId : std::uint16_t;

struct FunctionSpec {
  std::string_view name;
  FunctionId id;
  /// Types of the arguments; the last repeats when `variadic` allows more.
  std::span<const ValueType> args;
  /// 0: exactly args.size(). n > 0: the last n arguments are optional. -1: the last repeats any number of times, or not.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
  std::string_view help;
};

/// Null when there is none of that name.
const FunctionSpec* FindFunction(std::string_view name);
/// Sorted by name.
std::span<const FunctionSpec> AllFunctions();

}  // namespace vedette::promql
