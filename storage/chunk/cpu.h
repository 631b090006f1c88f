// Which instructions this processor has: the build stays at the baseline of the architecture, hot loops choose at run
// time.
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define VEDETTE_X86 1
#endif

namespace vedette::storage {

/// AVX2 and BMI2: any x86 server since 2013 (Intel) or 2017 (AMD).
inline bool CpuHasAvx2() {
#ifdef VEDETTE_X86
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
#else
  return false;
#endif
}

}  // namespace vedette::storage
