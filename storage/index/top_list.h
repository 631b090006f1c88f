// The names with the largest counts among very many: a text is only made when it may stay.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "storage/storage.h"

namespace vedette::storage {

class TopList {
 public:
  /// Keeps `top` names, by count, then by name.
  explicit TopList(std::size_t top) : top_(top) {}

  void Offer(std::uint64_t count, std::string_view name) {
    if (Stays(count)) Add(count, std::string(name));
  }
  /// Of the pair "name=value".
  void Offer(std::uint64_t count, std::string_view name, std::string_view value) {
    if (Stays(count)) Add(count, std::string(name).append("=").append(value));
  }
  StoreStats::Top Take() {
    Cut();
    return std::move(list_);
  }

 private:
  bool Stays(std::uint64_t count) const { return count >= least_; }
  void Add(std::uint64_t count, std::string name) {
    list_.emplace_back(std::move(name), count);
    if (list_.size() >= 2 * top_ + 64) Cut();
  }
  void Cut() {
    std::ranges::sort(list_, [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (list_.size() <= top_) return;
    list_.resize(top_);
    if (top_ > 0) least_ = list_.back().second;
  }

  const std::size_t top_;
  std::uint64_t least_ = 0;
  StoreStats::Top list_;
};

}  // namespace vedette::storage
