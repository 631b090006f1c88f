#include "storage/index/select.h"

#include <algorithm>
#include <optional>

#include "storage/index/postings_codec.h"

namespace vedette::storage {
namespace {

/// Below this many series a look at their labels is cheaper than anything that walks values.
constexpr std::size_t kFewSeries = 256;

bool IsEqualTo(const Matcher& m) { return m.op() == MatchOp::kEqual && !m.value().empty(); }

/// Accepts everything, so that looking at the values would be a waste.
bool IsTrivial(const Matcher& m) { return m.op() == MatchOp::kRegex && m.value() == ".*"; }

/// The values that the expression of =~ or !~ matches: by name when it is an alternation, else by visiting those with
/// its prefix.
Status WithMatchingValues(const PostingsSource& index, const Matcher& m, Postings& out) {
  const Regex& regex = *m.regex();
  if (regex.literals().empty()) {
    return index.WithValues(
        m.name(), regex.prefix(), [&](std::string_view value) { return regex.Matches(value); }, out);
  }
  for (const std::string& literal : regex.literals()) {
    if (!literal.empty()) VEDETTE_CHECK(index.WithLabel(m.name(), literal, out));
  }
  return Ok();
}

/// For matchers that refuse the absent label: series that have it with an accepted value. For the others, whose set
/// would be nearly everything: series that have it with a refused value.
Status Collect(const PostingsSource& index, const Matcher& m, Postings& out) {
  const bool refused = m.MatchesEmpty();
  if (IsEqualTo(m) || (refused && m.op() == MatchOp::kNotEqual)) return index.WithLabel(m.name(), m.value(), out);
  if (m.op() == (refused ? MatchOp::kNotRegex : MatchOp::kRegex)) return WithMatchingValues(index, m, out);
  return index.WithValues(
      m.name(), {}, [&](std::string_view value) { return m.Matches(value) != refused; }, out);
}

bool IsOneLookUp(const Matcher& m) {
  if (m.regex() != nullptr) return m.regex()->literals().size() == 1;
  return !m.value().empty();
}

/// Whether finding the set is worth being remembered: it takes more than a look-up.
bool IsKept(const Matcher& m) { return !IsOneLookUp(m); }

/// Whether checking the labels of `ids` series costs less than collecting the postings of `m`.
bool CheaperOnLabels(const PostingsSource& index, const Matcher& m, std::size_t ids) {
  if (IsOneLookUp(m)) return false;
  if (ids <= kFewSeries) return true;
  if (m.regex() != nullptr && !m.regex()->literals().empty()) return false;
  return ids <= index.ValueCount(m.name());
}

class Selector {
 public:
  Selector(const PostingsSource& index, const KeptSets* kept, bool exactly)
      : index_(index), kept_(kept), exactly_(exactly) {}

  Status Apply(const Matcher& m) {
    if (limited_ && out_.ids.empty()) return Ok();
    if (limited_ && IsEqualTo(m)) return index_.KeepWithLabel(m.name(), m.value(), out_.ids);
    const bool keeps = kept_ != nullptr && IsKept(m);
    std::shared_ptr<const std::string> kept;
    if (keeps) kept = kept_->Recall(m);
    if (!kept && limited_ && !exactly_ && CheaperOnLabels(index_, m, out_.ids.size())) {
      out_.left_over.push_back(&m);
      return Ok();
    }
    const bool subtract = m.MatchesEmpty();
    if (subtract && !limited_) VEDETTE_CHECK(index_.All(out_.ids));
    Postings found;
    if (!kept) {
      VEDETTE_CHECK(Collect(index_, m, found));
      Normalize(found);
      if (keeps) Keep(m, found);
    } else if (limited_ || subtract) {
      VEDETTE_CHECK(DecodePostingsWithin(*kept, out_.ids, found));
    } else {
      VEDETTE_CHECK(DecodePostings(*kept, found));
    }
    if (subtract) {
      out_.ids = Subtract(out_.ids, found);
    } else {
      out_.ids = limited_ ? Intersect(out_.ids, found) : std::move(found);
    }
    limited_ = true;
    return Ok();
  }

  Result<Selection> Finish() && {
    if (!limited_) VEDETTE_CHECK(index_.All(out_.ids));
    return std::move(out_);
  }

 private:
  void Keep(const Matcher& m, const Postings& ids) const {
    std::string postings;
    EncodePostings(ids, postings);
    kept_->Remember(m, std::move(postings));
  }

  const PostingsSource& index_;
  const KeptSets* const kept_;
  const bool exactly_;
  Selection out_;
  bool limited_ = false;
};

Result<Selection> Run(const PostingsSource& index, const KeptSets* kept, std::span<const Matcher> matchers,
                      bool exactly) {
  struct Step {
    const Matcher* matcher;
    int kind;
    std::size_t series;
  };
  std::vector<Step> steps;
  for (const Matcher& m : matchers) {
    if (IsTrivial(m)) continue;
    Step step{&m, m.MatchesEmpty() ? 3 : 2, 0};
    if (IsEqualTo(m)) {
      step.kind = 0;
      VEDETTE_TRY(step.series, index.SeriesCount(m.name(), m.value()));
      if (step.series == 0) return Selection();
    } else if (step.kind == 2 && m.regex() != nullptr) {
      // An alternation or a prefix narrows; "any other value" and "the label is there" do little.
      if (!m.regex()->literals().empty() || !m.regex()->prefix().empty()) step.kind = 1;
    }
    steps.push_back(step);
  }
  std::ranges::stable_sort(
      steps, [](const Step& a, const Step& b) { return a.kind != b.kind ? a.kind < b.kind : a.series < b.series; });
  Selector selector(index, kept, exactly);
  for (const Step& step : steps) VEDETTE_CHECK(selector.Apply(*step.matcher));
  return std::move(selector).Finish();
}

}  // namespace

Result<std::size_t> PostingsSource::SeriesCount(std::string_view, std::string_view) const { return SIZE_MAX; }

Status PostingsSource::KeepWithLabel(std::string_view name, std::string_view value, Postings& ids) const {
  Postings with;
  VEDETTE_CHECK(WithLabel(name, value, with));
  ids = Intersect(ids, with);
  return Ok();
}

Status PostingsSource::VisitValuesOf(std::string_view name, std::span<const SeriesId> ids,
                                     const AcceptValue& visit) const {
  Postings with;
  Status failed = Ok();
  VEDETTE_CHECK(VisitValues(name, [&](std::string_view value) {
    with.clear();
    failed = WithLabel(name, value, with);
    return failed && (!Intersects(ids, with) || visit(value));
  }));
  return failed;
}

Status PostingsSource::VisitPairs(const Postings* within, const VisitPair& visit) const {
  std::vector<std::string> names;
  VEDETTE_CHECK(VisitNames([&](std::string_view name) {
    names.emplace_back(name);
    return true;
  }));
  Postings with;
  for (const std::string& name : names) {
    Status failed = Ok();
    VEDETTE_CHECK(VisitValues(name, [&](std::string_view value) {
      with.clear();
      failed = WithLabel(name, value, with);
      if (failed) visit(name, value, within == nullptr ? with.size() : Intersect(*within, with).size());
      return failed.has_value();
    }));
    VEDETTE_CHECK(failed);
  }
  return Ok();
}

Result<Selection> SelectSeries(const PostingsSource& index, std::span<const Matcher> matchers, const KeptSets* kept) {
  return Run(index, kept, matchers, false);
}

Result<Postings> SelectExactly(const PostingsSource& index, std::span<const Matcher> matchers, const KeptSets* kept) {
  VEDETTE_TRY(Selection selection, Run(index, kept, matchers, true));
  return std::move(selection.ids);
}

}  // namespace vedette::storage
