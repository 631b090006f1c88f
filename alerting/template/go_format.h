// How Go writes numbers, times and durations, and its Sprintf.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "alerting/template/value.h"
#include "core/time.h"

namespace vedette::alerting::tmpl {

/// %v of a float64: shortest digits, exponent form below 1e-4 and from 1e6 on; "NaN", "+Inf".
std::string GoGeneral(double value);
/// %.<digits>g
std::string GoGeneral(double value, int digits);

/// "2022-01-25 12:36:43 +0000 UTC"
std::string GoTimeText(TimeMs time);
/// A time in a layout of Go's reference time, "2006-01-02 15:04:05". UTC.
std::string GoTimeFormat(TimeMs time, std::string_view layout);
/// "2h10m15s", "1.5s", "0s"
std::string GoDurationText(std::chrono::nanoseconds span);

/// Verbs v s q d b o x X c U e E f F g G t T and %, flags + - # space 0, width and precision (also *). What does not
/// fit is written as Go does: %!d(string=hi), %!s(MISSING), %!(EXTRA int=1). Widths and precisions are cut to 1000.
std::string Sprintf(std::string_view format, std::span<const Value> args);

}  // namespace vedette::alerting::tmpl
