#include "storage/index/label_pairs.h"

#include <algorithm>
#include <random>
#include <utility>

#include <xxhash.h>

namespace vedette::storage {
namespace {

/// Seeded per process, so that nobody can prepare labels that collide.
std::uint32_t HashText(std::string_view text, std::uint64_t salt) {
  static const std::uint64_t seed = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return HashIndex::Fold(XXH3_64bits_withSeed(text.data(), text.size(), seed + salt * 0x9e3779b97f4a7c15ULL));
}

}  // namespace

bool LabelPairs::Fits(std::span<const LabelView> labels) const {
  std::size_t bytes = 0;
  for (const LabelView& label : labels) bytes += label.name.size() + label.value.size();
  return texts_.Fits(bytes, 2 * labels.size()) && pairs_.size() + labels.size() < HashIndex::kNothing;
}

std::uint32_t LabelPairs::FindName(std::string_view name) const {
  return by_name_.Find(HashText(name, 0), [&](std::uint32_t n) { return texts_.Get(names_[n].text) == name; });
}

std::uint32_t LabelPairs::HashOf(std::uint32_t name, std::string_view value) const { return HashText(value, name + 1); }

std::uint32_t LabelPairs::InternName(std::string_view name) {
  std::uint32_t n = FindName(name);
  if (n != HashIndex::kNothing) return n;
  if (free_names_.empty()) {
    n = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back();
  } else {
    n = free_names_.back();
    free_names_.pop_back();
  }
  names_[n].text = texts_.Add(name);
  by_name_.Insert(HashText(name, 0), n);
  return n;
}

PairId LabelPairs::Intern(LabelView label) {
  const std::uint32_t n = InternName(label.name);
  const std::uint32_t hash = HashOf(n, label.value);
  const std::uint32_t known = by_label_.Find(hash, [&](std::uint32_t p) {
    const Pair& pair = pairs_[p];
    return pair.name == n && texts_.Get(pair.value) == label.value;
  });
  if (known != HashIndex::kNothing) return PairId(known);
  PairId id;
  if (free_pairs_.empty()) {
    id = PairId(static_cast<std::uint32_t>(pairs_.size()));
    pairs_.emplace_back();
  } else {
    id = free_pairs_.back();
    free_pairs_.pop_back();
  }
  Pair& pair = At(id);
  pair.name = n;
  pair.value = texts_.Add(label.value);
  by_label_.Insert(hash, static_cast<std::uint32_t>(id));
  ++names_[n].pairs;
  names_[n].fresh.push_back(id);
  return id;
}

PairId LabelPairs::Find(std::string_view name, std::string_view value) const {
  const std::uint32_t n = FindName(name);
  if (n == HashIndex::kNothing) return PairId::kNone;
  return PairId(by_label_.Find(HashOf(n, value), [&](std::uint32_t p) {
    const Pair& pair = pairs_[p];
    return pair.name == n && texts_.Get(pair.value) == value;
  }));
}

void LabelPairs::Sweep(std::span<const PairId> touched) {
  std::vector<PairId> dead;
  for (const PairId pair : touched) {
    if (At(pair).ids.empty()) dead.push_back(pair);
  }
  if (dead.empty()) return;
  Unlist(dead);
  for (const PairId id : dead) {
    Pair& pair = At(id);
    const std::string_view value = texts_.Get(pair.value);
    by_label_.Erase(HashOf(pair.name, value), static_cast<std::uint32_t>(id));
    texts_.Discard(value.size());
    Name& name = names_[pair.name];
    if (--name.pairs == 0) {
      const std::string_view text = texts_.Get(name.text);
      by_name_.Erase(HashText(text, 0), pair.name);
      texts_.Discard(text.size());
      free_names_.push_back(pair.name);
      name = Name();
    }
    pair = Pair();
    free_pairs_.push_back(id);
  }
  if (texts_.MostlyDead()) Compact();
}

/// Takes the dead out of the lists of their names, before their numbers are given again.
void LabelPairs::Unlist(std::span<const PairId> dead) {
  std::vector<std::uint32_t> touched;
  for (const PairId pair : dead) touched.push_back(At(pair).name);
  std::ranges::sort(touched);
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  const auto is_dead = [&](PairId pair) { return At(pair).ids.empty(); };
  for (const std::uint32_t n : touched) {
    Name& name = names_[n];
    std::erase_if(name.fresh, is_dead);
    if (!name.sorted) continue;
    auto kept = std::make_shared<std::vector<PairId>>();
    for (const PairId pair : *name.sorted) {
      if (!is_dead(pair)) kept->push_back(pair);
    }
    name.sorted = std::move(kept);
  }
}

void LabelPairs::Compact() {
  ByteArena living;
  for (Name& name : names_) {
    if (name.pairs != 0) name.text = living.Add(texts_.Get(name.text));
  }
  for (Pair& pair : pairs_) {
    if (!pair.ids.empty()) pair.value = living.Add(texts_.Get(pair.value));
  }
  texts_ = std::move(living);
}

std::size_t LabelPairs::ValueCount(std::string_view name) const {
  const std::uint32_t n = FindName(name);
  return n == HashIndex::kNothing ? 0 : names_[n].pairs;
}

std::vector<std::string_view> LabelPairs::Names() const {
  std::vector<std::string_view> out;
  for (const Name& name : names_) {
    if (name.pairs != 0) out.push_back(texts_.Get(name.text));
  }
  std::ranges::sort(out);
  return out;
}

LabelPairs::Sorted LabelPairs::Values(std::string_view text) const {
  const std::uint32_t n = FindName(text);
  if (n == HashIndex::kNothing) return nullptr;
  const Name& name = names_[n];
  const std::lock_guard lock(sorting_);
  if (name.fresh.empty() && name.sorted) return name.sorted;
  const auto value = [&](PairId pair) { return texts_.Get(At(pair).value); };
  std::ranges::sort(name.fresh, {}, value);
  auto all = std::make_shared<std::vector<PairId>>();
  all->reserve(name.pairs);
  // A few new among many: each is searched for, and what lies between is copied.
  auto from = name.sorted ? std::span(*name.sorted) : std::span<const PairId>();
  for (const PairId pair : name.fresh) {
    const auto at = std::ranges::lower_bound(from, value(pair), {}, value);
    all->insert(all->end(), from.begin(), at);
    from = from.subspan(static_cast<std::size_t>(at - from.begin()));
    all->push_back(pair);
  }
  all->insert(all->end(), from.begin(), from.end());
  name.sorted = std::move(all);
  name.fresh = std::vector<PairId>();
  return name.sorted;
}

std::size_t LabelPairs::allocated_bytes() const {
  std::size_t bytes = texts_.allocated_bytes() + pairs_.size() * sizeof(Pair) + names_.size() * sizeof(Name) +
                      by_label_.allocated_bytes() + by_name_.allocated_bytes() +
                      free_pairs_.capacity() * sizeof(PairId);
  for (const Pair& pair : pairs_) bytes += pair.ids.allocated_bytes();
  const std::lock_guard lock(sorting_);
  for (const Name& name : names_) {
    bytes += (name.fresh.capacity() + (name.sorted ? name.sorted->capacity() : 0)) * sizeof(PairId);
  }
  return bytes;
}

}  // namespace vedette::storage
