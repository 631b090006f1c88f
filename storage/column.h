// One column of many samples.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace vedette::storage {

/// Leaves what resize() adds as it is: a decoder writes all of it, and to write zeros first takes it a sixth of its
/// time.
template <class T>
struct UnfilledAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = UnfilledAllocator<U>;
  };
  UnfilledAllocator() = default;
  template <class U>
  UnfilledAllocator(const UnfilledAllocator<U>& /*other*/) {}

  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

template <class T>
using Column = std::vector<T, UnfilledAllocator<T>>;

template <class T>
bool operator==(const Column<T>& a, const std::vector<T>& b) {
  return std::ranges::equal(a, b);
}

}  // namespace vedette::storage
