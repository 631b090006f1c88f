// Catch2, whichever of 3.x and 2.13 is installed. Use what both have in common: TEST_CASE, SECTION, GENERATE,
// CHECK_THAT(x, WithinRel(y, eps)), WithinAbs.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "core/result.h"

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

/// Fails the test with the error's text instead of aborting: `const auto x = MustHave(Parse(...));`
template <class T>
T MustHave(vedette::Result<T> result) {
  if (!result) FAIL(result.error().message);
  return *std::move(result);
}
inline void MustSucceed(const vedette::Status& status) {
  if (!status) FAIL(status.error().message);
}
