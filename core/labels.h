// A label set: what names a series. Sorted by name, no empty values, immutable and cheap to copy.
//
// Names and values are UTF-8. `__name__` holds the metric name. The empty value means "label absent", so a builder
// drops it. Two sets are equal exactly when they print the same.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vedette {

inline constexpr std::string_view kMetricName = "__name__";

struct LabelView {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const LabelView&) const = default;
};

class Labels {
 public:
  Labels() = default;
  Labels(const Labels& other) noexcept : rep_(other.rep_) {
    if (rep_ != nullptr) rep_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Labels(Labels&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Labels& operator=(Labels other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Labels() {
    if (rep_ != nullptr && rep_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) Free(rep_);
  }
  /// Any order; of a name given twice the last wins. Empty values are dropped.
  Labels(std::initializer_list<LabelView> labels);
  /// `sorted`: strictly ascending names, no empty value. What it views is copied.
  static Labels FromSorted(std::span<const LabelView> sorted);

  std::size_t size() const { return rep_ != nullptr ? rep_->size : 0; }
  bool empty() const { return size() == 0; }
  LabelView operator[](std::size_t i) const { return rep_->View(i); }

  class Iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = LabelView;
    using difference_type = std::ptrdiff_t;
    using reference = LabelView;
    using pointer = void;
    Iterator() = default;
    Iterator(const Labels* labels, std::size_t i) : labels_(labels), i_(i) {}
    LabelView operator*() const { return (*labels_)[i_]; }
    Iterator& operator++() { return ++i_, *this; }
    Iterator operator++(int) { return {labels_, i_++}; }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    const Labels* labels_ = nullptr;
    std::size_t i_ = 0;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  /// The value of `name`, empty when absent. Valid as long as any copy of this set lives. O(log n).
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  std::string_view MetricName() const { return Get(kMetricName); }

  /// XXH3 of the canonical text; stable across processes and machines. Computed once.
  std::uint64_t Hash() const { return rep_ != nullptr ? rep_->hash : kEmptyHash; }

  bool operator==(const Labels& other) const;
  /// Copies of one set have the same; equal sets may differ. Good while one of the copies lives.
  const void* identity() const { return rep_; }
  /// Prometheus' order: label by label, names before values, then the shorter set first.
  std::strong_ordering operator<=>(const Labels& other) const;

  /// `name{a="b", c="d"}` as Prometheus prints a metric; `{}` when empty.
  std::string ToString() const;

 private:
  struct Entry {
    std::uint32_t name_at, name_size, value_size;  // the value follows its name
  };
  /// One block of memory per set: this, the entries, the text. Queries make and drop these by the hundred thousand.
  struct Rep {
    mutable std::atomic<std::uint32_t> references{1};
    std::uint32_t size = 0;
    std::uint64_t hash = 0;

    Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
    const Entry* entries() const { return reinterpret_cast<const Entry*>(this + 1); }
    char* text() { return reinterpret_cast<char*>(entries() + size); }
    const char* text() const { return reinterpret_cast<const char*>(entries() + size); }
    LabelView View(std::size_t i) const {
      const Entry& e = entries()[i];
      const char* const name = text() + e.name_at;
      return {{name, e.name_size}, {name + e.name_size, e.value_size}};
    }
  };
  static void Free(const Rep* rep);
  static constexpr std::uint64_t kEmptyHash = 0x2d06800538d394c2;  // XXH3 of nothing

  const Rep* rep_ = nullptr;
};

/// Changes a label set step by step.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base);
  /// Sets or replaces; an empty value deletes.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name);
  /// Keeps only the named labels.
  LabelsBuilder& Keep(std::span<const std::string> names);
  std::string_view Get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }  // sorted by name
  Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyMetricName(std::string_view name);
/// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
bool IsValidUtf8(std::string_view text);
/// `text` with `"`, `\` and control characters escaped as Go's %q writes them, quotes included.
std::string Quote(std::string_view text);

}  // namespace vedette

template <>
struct std::hash<vedette::Labels> {
  std::size_t operator()(const vedette::Labels& labels) const noexcept { return labels.Hash(); }
};
