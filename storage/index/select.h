// Matchers as set operations over an inverted index, wherever the index lies (memory or one day on disk).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/matcher.h"
#include "storage/index/postings.h"

namespace vedette::storage {

/// An inverted index: label name, value -> series. Errors of all calls are those of the medium (kIo, kCorruption).
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;

  using AcceptValue = std::function<bool(std::string_view value)>;

  virtual Status All(Postings& out) const = 0;
  /// Appends the series with exactly this label; a set when `out` was empty.
  virtual Status WithLabel(std::string_view name, std::string_view value, Postings& out) const = 0;
  /// Appends, in any order, the series whose value of `name` starts with `prefix` and is accepted.
  virtual Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                            Postings& out) const = 0;
  /// About how many values `name` has: what WithValues() without a prefix would visit.
  virtual std::size_t ValueCount(std::string_view name) const = 0;

  /// Ascending, until `visit` returns false.
  virtual Status VisitNames(const AcceptValue& visit) const = 0;
  virtual Status VisitValues(std::string_view name, const AcceptValue& visit) const = 0;

  // What a source may know to do better than by the calls above.
  /// How many series have the label, when that is known without collecting them; else SIZE_MAX.
  virtual Result<std::size_t> SeriesCount(std::string_view name, std::string_view value) const;
  /// Takes what does not have the label out of `ids`.
  virtual Status KeepWithLabel(std::string_view name, std::string_view value, Postings& ids) const;
  /// Ascending, the values of `name` that one of `ids` at least has, until `visit` returns false.
  virtual Status VisitValuesOf(std::string_view name, std::span<const SeriesId> ids, const AcceptValue& visit) const;

  /// Name by name, all labels of the index with the number of series (of those in `within`, unless it is null).
  using VisitPair = std::function<void(std::string_view name, std::string_view value, std::uint64_t series)>;
  virtual Status VisitPairs(const Postings* within, const VisitPair& visit) const;
};

/// Sets that a matcher took work to find, from one query to the next: what the matcher accepts, or, when it accepts the
/// absent label, what it refuses. As stored postings.
class KeptSets {
 public:
  virtual ~KeptSets() = default;
  /// Null: not there.
  virtual std::shared_ptr<const std::string> Recall(const Matcher& m) const = 0;
  virtual void Remember(const Matcher& m, std::string postings) const = 0;
};

struct Selection {
  Postings ids;
  /// Matchers that are cheaper to check on the labels of `ids` than on all values of the index; the caller does so.
  std::vector<const Matcher*> left_over;

  bool Accepts(const Labels& labels) const {
    return AcceptsValues([&](std::string_view name) { return labels.Get(name); });
  }
  /// The same with `value_of(name)`, empty for an absent label.
  template <class ValueOf>
  bool AcceptsValues(ValueOf value_of) const {
    for (const Matcher* m : left_over) {
      if (!m->Matches(value_of(m->name()))) return false;
    }
    return true;
  }
};

/// The series all `matchers` accept, up to Selection::left_over. Equal matchers come first, the one with the fewest
/// series before the others, then what else refuses the absent label, last what is to be subtracted; an empty set ends
/// the work. The result points into `matchers`.
/// `kept` may be null.
Result<Selection> SelectSeries(const PostingsSource& index, std::span<const Matcher> matchers,
                               const KeptSets* kept = nullptr);

/// The same without left-over matchers, whatever it costs: for who has no use for labels.
Result<Postings> SelectExactly(const PostingsSource& index, std::span<const Matcher> matchers,
                               const KeptSets* kept = nullptr);

}  // namespace vedette::storage
