#include "storage/index/id_set.h"

#include <algorithm>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// The decoder of bytes that this file wrote itself: no checks.
std::uint64_t TakeVarint(const char*& at) {
  std::uint64_t value = static_cast<std::uint8_t>(*at++);
  if (value < 0x80) return value;
  value &= 0x7F;
  for (int shift = 7;; shift += 7) {
    const std::uint64_t byte = static_cast<std::uint8_t>(*at++);
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

/// Out-of-order ids are kept apart until there are so many: an eighth of the set, so that coding it anew costs a few
/// steps per id.
bool TooManyEarly(std::size_t early, std::size_t size) { return early > 64 + size / 8; }

}  // namespace

IdSet::Coded& IdSet::MustHaveCoded() {
  if (!coded_) coded_ = std::make_unique<Coded>();
  return *coded_;
}

void IdSet::CloseRun() {
  if (run_ == 0) return;
  Coded& coded = MustHaveCoded();
  // A string would double: an eighth is enough for what grows for hours.
  if (coded.bytes.capacity() - coded.bytes.size() < 8) coded.bytes.reserve(coded.bytes.size() * 9 / 8 + 24);
  const std::uint64_t gap = end_ - run_ - coded.end;
  PutVarint(coded.bytes, (gap << 1) | (run_ > 1 ? 1 : 0));
  if (run_ > 1) PutVarint(coded.bytes, run_ - 2);
  coded.end = end_;
  run_ = 0;
}

void IdSet::Add(SeriesId id) {
  const std::uint64_t n = Raw(id);
  if (n < end_) {
    Coded& coded = MustHaveCoded();
    coded.early.push_back(id);
    ++size_;
    if (TooManyEarly(coded.early.size(), size_)) {
      Postings all;
      AppendTo(all);
      Rebuild(all);
    }
    return;
  }
  if (n != end_ || run_ == 0) CloseRun();
  end_ = n + 1;
  ++run_;
  ++size_;
}

void IdSet::AddRun(SeriesId first, std::uint32_t count) {
  const std::uint64_t n = Raw(first);
  if (n < end_) {
    for (std::uint32_t i = 0; i < count; ++i) Add(SeriesId(n + i));
    return;
  }
  if (n != end_ || run_ == 0) CloseRun();
  end_ = n + count;
  run_ += count;
  size_ += count;
}

void IdSet::Rebuild(const Postings& ids) {
  *this = IdSet();
  for (const SeriesId id : ids) Add(id);
}

void IdSet::Remove(std::span<const SeriesId> gone) {
  Postings all;
  AppendTo(all);
  Rebuild(Subtract(all, gone));
}

void IdSet::AppendTo(Postings& out) const {
  const std::size_t begin = out.size();
  out.resize(begin + size_);
  SeriesId* to = out.data() + begin;
  const auto run = [&](std::uint64_t start, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) *to++ = SeriesId(start + i);
  };
  std::size_t early = 0;
  if (coded_) {
    early = coded_->early.size();
    std::uint64_t end = 0;
    const char* at = coded_->bytes.data();
    const char* const stop = at + coded_->bytes.size();
    while (at != stop) {
      const std::uint64_t head = TakeVarint(at);
      const std::uint64_t count = (head & 1) != 0 ? TakeVarint(at) + 2 : 1;
      end += head >> 1;
      run(end, count);
      end += count;
    }
  }
  run(end_ - run_, run_);
  if (early == 0) return;
  const auto middle = out.end() - static_cast<std::ptrdiff_t>(early);
  std::ranges::copy(coded_->early, middle);
  std::sort(middle, out.end());
  std::inplace_merge(out.begin() + static_cast<std::ptrdiff_t>(begin), middle, out.end());
}

std::size_t IdSet::allocated_bytes() const {
  if (!coded_) return 0;
  return sizeof(Coded) + coded_->bytes.capacity() + coded_->early.capacity() * sizeof(SeriesId);
}

}  // namespace vedette::storage
