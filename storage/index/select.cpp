#include "storage/index/select.h"

#include <algorithm>
#include <optional>

namespace vedette::storage {
namespace {

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

/// Series that have the label with an accepted value. For matchers that refuse the absent label.
Status Accepted(const PostingsSource& index, const Matcher& m, Postings& out) {
  if (IsEqualTo(m)) return index.WithLabel(m.name(), m.value(), out);
  if (m.op() == MatchOp::kRegex) return WithMatchingValues(index, m, out);
  return index.WithValues(
      m.name(), {}, [&](std::string_view value) { return m.Matches(value); }, out);
}

/// Series that have the label with a refused value. For matchers that accept the absent label.
Status Refused(const PostingsSource& index, const Matcher& m, Postings& out) {
  if (m.op() == MatchOp::kNotEqual) return index.WithLabel(m.name(), m.value(), out);
  if (m.op() == MatchOp::kNotRegex) return WithMatchingValues(index, m, out);
  return index.WithValues(
      m.name(), {}, [&](std::string_view value) { return !m.Matches(value); }, out);
}

/// Whether checking the labels of `ids` series costs less than collecting the postings of `m`.
bool CheaperOnLabels(const PostingsSource& index, const Matcher& m, std::size_t ids) {
  const bool few_lookups =
      m.regex() != nullptr ? m.regex()->literals().size() == 1 : m.op() == MatchOp::kNotEqual && !m.value().empty();
  return !few_lookups && ids <= index.ValueCount(m.name());
}

}  // namespace

bool Selection::Accepts(const Labels& labels) const {
  return std::ranges::all_of(left_over, [&](const Matcher* m) { return m->Matches(labels.Get(m->name())); });
}

Result<Selection> SelectSeries(const PostingsSource& index, std::span<const Matcher> matchers) {
  std::vector<const Matcher*> order;
  for (const Matcher& m : matchers) {
    if (!IsTrivial(m)) order.push_back(&m);
  }
  const auto cost = [](const Matcher* m) { return IsEqualTo(*m) ? 0 : !m->MatchesEmpty() ? 1 : 2; };
  std::ranges::stable_sort(order, {}, cost);

  Selection out;
  bool limited = false;
  for (const Matcher* m : order) {
    if (limited && out.ids.empty()) return out;
    if (limited && !IsEqualTo(*m) && CheaperOnLabels(index, *m, out.ids.size())) {
      out.left_over.push_back(m);
      continue;
    }
    Postings found;
    if (m->MatchesEmpty()) {
      if (!limited) VEDETTE_CHECK(index.All(out.ids));
      VEDETTE_CHECK(Refused(index, *m, found));
      Normalize(found);
      out.ids = Subtract(out.ids, found);
    } else {
      VEDETTE_CHECK(Accepted(index, *m, found));
      Normalize(found);
      out.ids = limited ? Intersect(out.ids, found) : std::move(found);
    }
    limited = true;
  }
  if (!limited) VEDETTE_CHECK(index.All(out.ids));
  return out;
}

}  // namespace vedette::storage
