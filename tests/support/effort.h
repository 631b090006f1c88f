// How much a test with random input does.
#pragma once

namespace vedette::test {

/// A sanitizer takes several times as long and looks for something else than wrong answers: fewer repetitions will do.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

template <class T>
constexpr T Repetitions(T usually, T with_a_sanitizer) {
  return kSanitized ? with_a_sanitizer : usually;
}

}  // namespace vedette::test
