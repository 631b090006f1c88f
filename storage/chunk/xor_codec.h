// Doubles by XOR with the one before: Gorilla (Pelkonen et al., VLDB 2015), with 6 bits for the leading zeros.
//
// Two users: sealed chunks whose values are neither constant nor short decimals, and the open chunk of every active
// series.
#pragma once

#include <bit>
#include <cstdint>

#include "storage/chunk/bits.h"

namespace vedette::storage {

/// What the next value is coded against. 12 bytes.
struct XorState {
  std::uint64_t previous = 0;
  std::uint8_t leading = 0;
  std::uint8_t width = 0;  // bits of the window; 0: none yet
};

/// 0: same as before. 10 + window: the bits that changed lie in the last window. 11 + 6 bits leading zeros + 6 bits
/// (window width - 1) + window.
inline void PutXor(BitBuffer& out, XorState& state, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t change = bits ^ state.previous;
  state.previous = bits;
  if (change == 0) {
    out.Put(0, 1);
    return;
  }
  const auto leading = static_cast<unsigned>(std::countl_zero(change));
  const auto trailing = static_cast<unsigned>(std::countr_zero(change));
  const unsigned width = 64 - leading - trailing;
  const unsigned window_trailing = 64U - state.leading - state.width;
  const bool fits = state.width != 0 && leading >= state.leading && trailing >= window_trailing;
  // A window much wider than the change costs more than naming a new one.
  if (fits && state.width <= width + 12) {
    out.Put(0b01, 2);
    out.Put(change >> window_trailing, state.width);
    return;
  }
  out.Put(0b11, 2);
  out.Put(leading, 6);
  out.Put(width - 1, 6);
  out.Put(change >> trailing, width);
  state.leading = static_cast<std::uint8_t>(leading);
  state.width = static_cast<std::uint8_t>(width);
}

/// Reads one value. `valid` becomes false for a window that no writer makes; then stop.
inline double GetXor(BitReader& in, XorState& state, bool& valid) {
  if (in.Get(1) != 0) {
    if (in.Get(1) != 0) {
      state.leading = static_cast<std::uint8_t>(in.Get(6));
      state.width = static_cast<std::uint8_t>(in.Get(6) + 1);
    }
    if (state.width == 0 || state.leading + state.width > 64) {
      valid = false;
      return 0;
    }
    state.previous ^= in.Get(state.width) << (64U - state.leading - state.width);
  }
  return std::bit_cast<double>(state.previous);
}

}  // namespace vedette::storage
