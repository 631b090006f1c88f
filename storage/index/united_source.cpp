#include "storage/index/united_source.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

namespace vedette::storage {
namespace {

Status VisitSorted(const std::set<std::string, std::less<>>& texts, const PostingsSource::AcceptValue& visit) {
  (void)std::ranges::all_of(texts, [&](const std::string& text) { return visit(text); });
  return Ok();
}

}  // namespace

Status UnitedSource::All(Postings& out) const {
  Postings a, b;
  VEDETTE_CHECK(a_.All(a));
  VEDETTE_CHECK(b_.All(b));
  out = Unite(a, b);
  return Ok();
}

Status UnitedSource::WithLabel(std::string_view name, std::string_view value, Postings& out) const {
  Postings a, b;
  VEDETTE_CHECK(a_.WithLabel(name, value, a));
  VEDETTE_CHECK(b_.WithLabel(name, value, b));
  const Postings both = Unite(a, b);
  out.insert(out.end(), both.begin(), both.end());
  return Ok();
}

Status UnitedSource::WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                                Postings& out) const {
  VEDETTE_CHECK(a_.WithValues(name, prefix, accept, out));
  return b_.WithValues(name, prefix, accept, out);
}

std::size_t UnitedSource::ValueCount(std::string_view name) const {
  const std::size_t a = a_.ValueCount(name), b = b_.ValueCount(name);
  return a > SIZE_MAX - b ? SIZE_MAX : a + b;  // not known is the most
}

Status UnitedSource::VisitNames(const AcceptValue& visit) const {
  std::set<std::string, std::less<>> names;
  const auto collect = [&](std::string_view name) { return names.emplace(name), true; };
  VEDETTE_CHECK(a_.VisitNames(collect));
  VEDETTE_CHECK(b_.VisitNames(collect));
  return VisitSorted(names, visit);
}

Status UnitedSource::VisitValues(std::string_view name, const AcceptValue& visit) const {
  std::set<std::string, std::less<>> values;
  const auto collect = [&](std::string_view value) { return values.emplace(value), true; };
  VEDETTE_CHECK(a_.VisitValues(name, collect));
  VEDETTE_CHECK(b_.VisitValues(name, collect));
  return VisitSorted(values, visit);
}

}  // namespace vedette::storage
