// Fields and methods of values: what `.name` gives.
#pragma once

#include <span>
#include <string_view>

#include "alerting/template/value.h"
#include "core/result.h"

namespace vedette::alerting::tmpl {

/// `value.name` with the arguments of a method, if it is one. Errors: kBadData, "can't evaluate field x in type y".
Result<Value> Member(const Value& value, std::string_view name, std::span<const Value> args);

}  // namespace vedette::alerting::tmpl
