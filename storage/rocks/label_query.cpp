// Names and values of labels: the part of SeriesSelector that answers pickers and completion.
//
// Without matchers the lists of the index are the answer. With matchers the series are selected, as ids, and then
// either the labels of a few series are walked or the values of many are found by intersecting: no more labels are read
// than the shorter way needs.
#include <algorithm>
#include <optional>
#include <set>
#include <shared_mutex>

#include "storage/rocks/label_reader.h"
#include "storage/rocks/series_selector.h"

namespace vedette::storage {
namespace {

/// Up to this many selected series their labels are walked.
constexpr std::size_t kWalkedSeries = 1000;
/// Series of one label that are asked whether they have samples in the range; a label with more is taken to have some.
constexpr std::size_t kProbedSeries = 64;

}  // namespace

/// Ascending texts, each once; no more than the first `limit` of them are kept (0: all).
class SeriesSelector::NameSet {
 public:
  explicit NameSet(std::size_t limit) : limit_(limit) {}

  /// False: this text, and whatever follows it in order, is behind the limit. Cheap when texts come in order.
  bool Add(std::string_view text) {
    if (texts_.empty() || *texts_.rbegin() < text) {
      if (limit_ != 0 && texts_.size() >= limit_) return false;
      texts_.emplace_hint(texts_.end(), text);
      return true;
    }
    MoveTo(text);
    if (*at_ == text) return true;
    at_ = texts_.emplace_hint(at_, text);
    if (limit_ != 0 && texts_.size() > limit_) texts_.erase(std::prev(texts_.end()));  // not at_, which has one behind
    return true;
  }
  std::vector<std::string> Take() && {
    std::vector<std::string> out;
    out.reserve(texts_.size());
    while (!texts_.empty()) out.push_back(std::move(texts_.extract(texts_.begin()).value()));
    return out;
  }

 private:
  using Texts = std::set<std::string, std::less<>>;

  /// Puts at_ to the first text that is not below `text`; there is one.
  void MoveTo(std::string_view text) {
    constexpr int kSteps = 8;
    bool found = at_ != texts_.end() && *at_ <= text;
    for (int i = 0; found && *at_ < text; ++i, ++at_) found = i < kSteps;
    if (!found) at_ = texts_.lower_bound(text);
  }

  const std::size_t limit_;
  Texts texts_;
  Texts::iterator at_ = texts_.end();
};

/// Names, or the values of one name.
struct SeriesSelector::LabelQuestion {
  std::optional<std::string_view> name;

  /// All of a source.
  Status Visit(const PostingsSource& index, const PostingsSource::AcceptValue& visit) const {
    return name ? index.VisitValues(*name, visit) : index.VisitNames(visit);
  }

  /// `labels`: a label set or the views of one.
  template <class Set>
  void AddFrom(const Set& labels, NameSet& out) const {
    for (const LabelView label : labels) {
      if (!name) {
        out.Add(label.name);
      } else if (label.name == *name) {
        out.Add(label.value);
      }
    }
  }

  /// Those of `ids`, found through the rows.
  Status VisitOf(const PostingsSource& index, std::span<const SeriesId> ids, NameSet& out) const {
    const auto add = [&](std::string_view text) { return out.Add(text); };
    if (name) return index.VisitValuesOf(*name, ids, add);
    std::vector<std::string> names;
    VEDETTE_CHECK(index.VisitNames([&](std::string_view each) {
      names.emplace_back(each);
      return true;
    }));
    for (const std::string& each : names) {
      VEDETTE_CHECK(index.VisitValuesOf(each, ids, [&](std::string_view) {
        out.Add(each);
        return false;  // one value is enough
      }));
    }
    return Ok();
  }
};

bool SeriesSelector::HeadHas(std::string_view name, std::string_view value) const {
  if (range_.min == TimeRange().min && range_.max == TimeRange().max) return true;
  const SeriesTable& table = engine_.head.table();
  const bool sealed_too = HeadIsComplete() && SealedInRange();
  const LabelPairs& pairs = table.index().pairs();
  const PairId pair = pairs.Find(name, value);
  if (pair == PairId::kNone) return false;
  if (pairs.ids(pair).size() > kProbedSeries) return true;
  Postings ids;
  pairs.ids(pair).AppendTo(ids);
  // The newest series come last and are the likeliest to be alive.
  return std::any_of(ids.rbegin(), ids.rend(),
                     [&](SeriesId id) { return engine_.head.MayHave(*table.Find(id), range_, sealed_too); });
}

/// True when the head is complete.
Result<bool> SeriesSelector::AskHead(const LabelQuestion& question, std::span<const Matcher> matchers, NameSet& out,
                                     Postings& seen) const {
  const SeriesTable& table = engine_.head.table();
  const LabelIndex& index = table.index();
  const std::shared_lock lock(table.mutex());
  const bool complete = HeadIsComplete();
  if (matchers.empty()) {
    VEDETTE_CHECK(question.Visit(index, [&](std::string_view text) {
      if (question.name) return !HeadHas(*question.name, text) || out.Add(text);
      bool any = false;
      const Status walked = index.VisitValues(text, [&](std::string_view value) {
        any = HeadHas(text, value);
        return !any;
      });
      return walked.has_value() && (!any || out.Add(text));
    }));
    return complete;
  }
  Result<std::vector<const HeadSeries*>> result = std::vector<const HeadSeries*>();
  (void)FindInHead(matchers, result);
  VEDETTE_TRY(const std::vector<const HeadSeries*> found, std::move(result));
  for (const HeadSeries* series : found) seen.push_back(series->id);
  if (seen.size() > kWalkedSeries) {
    VEDETTE_CHECK(question.VisitOf(index, seen, out));
    return complete;
  }
  std::vector<LabelView> labels;
  for (const HeadSeries* series : found) {
    table.ViewLabels(*series, labels);
    question.AddFrom(labels, out);
  }
  return complete;
}

Status SeriesSelector::AskDay(const LabelQuestion& question, std::int32_t day, std::span<const Matcher> matchers,
                              NameSet& out, Postings& seen) const {
  const DiskIndex index = IndexOf(day);
  if (matchers.empty()) return question.Visit(index, [&](std::string_view text) { return out.Add(text); });
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers, &index));
  Postings fresh = Subtract(selection.ids, seen);
  if (fresh.empty()) return Ok();
  seen = Unite(seen, fresh);
  const bool walk = fresh.size() <= kWalkedSeries;
  if (walk || !selection.left_over.empty()) {
    VEDETTE_TRY(const std::vector<Labels> labels, LabelsOn(day, fresh));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (!selection.Accepts(labels[i])) continue;
      if (walk) question.AddFrom(labels[i], out);
      fresh[kept++] = fresh[i];
    }
    fresh.resize(kept);
    if (walk) return Ok();
  }
  return question.VisitOf(index, fresh, out);
}

Result<std::vector<std::string>> SeriesSelector::Ask(const LabelQuestion& question, std::span<const Matcher> matchers,
                                                     std::size_t limit) const {
  NameSet names(limit);
  Postings seen;
  VEDETTE_TRY(const bool complete, AskHead(question, matchers, names, seen));
  if (!complete) {
    for (const std::int32_t day : Days()) VEDETTE_CHECK(AskDay(question, day, matchers, names, seen));
  }
  return std::move(names).Take();
}

Result<std::vector<std::string>> SeriesSelector::LabelNames(std::span<const Matcher> matchers,
                                                            std::size_t limit) const {
  return Ask(LabelQuestion(), matchers, limit);
}

Result<std::vector<std::string>> SeriesSelector::LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                                             std::size_t limit) const {
  return Ask(LabelQuestion{name}, matchers, limit);
}

}  // namespace vedette::storage
