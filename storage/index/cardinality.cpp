#include "storage/index/cardinality.h"

#include <optional>

#include "storage/index/top_list.h"

namespace vedette::storage {
namespace {

/// Takes the pairs name by name.
class Counter {
 public:
  explicit Counter(const CardinalityQuery& query)
      : query_(query),
        by_metric_(query.top),
        by_label_(query.top),
        by_pair_(query.top),
        by_focus_(query.top),
        values_(query.top),
        bytes_(query.top) {}

  void Add(std::string_view name, std::string_view value, std::uint64_t series) {
    if (series == 0) return;
    if (name != name_) EndName(name);
    ++pairs_;
    ++name_values_;
    name_series_ += series;
    name_bytes_ += (name.size() + value.size()) * series;
    by_pair_.Offer(series, name, value);
    if (name == kMetricName) by_metric_.Offer(series, value);
    if (!query_.focus_label.empty() && name == query_.focus_label) by_focus_.Offer(series, value);
  }

  void Fill(StoreStats& out) {
    EndName({});
    out.label_pairs = pairs_;
    out.series_by_metric = by_metric_.Take();
    out.series_by_label = by_label_.Take();
    out.series_by_pair = by_pair_.Take();
    out.series_by_focus_value = by_focus_.Take();
    out.values_by_label = values_.Take();
    out.bytes_by_label = bytes_.Take();
  }

 private:
  void EndName(std::string_view next) {
    if (name_values_ != 0) {
      // A series has one value of a name: the sum counts series.
      by_label_.Offer(name_series_, name_);
      values_.Offer(name_values_, name_);
      bytes_.Offer(name_bytes_, name_);
    }
    name_ = next;
    name_values_ = name_series_ = name_bytes_ = 0;
  }

  const CardinalityQuery& query_;
  TopList by_metric_, by_label_, by_pair_, by_focus_, values_, bytes_;
  std::string name_;
  std::uint64_t pairs_ = 0, name_values_ = 0, name_series_ = 0, name_bytes_ = 0;
};

}  // namespace

Status CountCardinality(const PostingsSource& index, const CardinalityQuery& query, StoreStats& out) {
  std::optional<Postings> within;
  if (query.matchers.empty()) {
    Postings all;
    VEDETTE_CHECK(index.All(all));
    out.head_series = all.size();
  } else {
    VEDETTE_TRY(within, SelectExactly(index, query.matchers));
    out.head_series = within->size();
  }
  Counter counter(query);
  VEDETTE_CHECK(index.VisitPairs(
      within ? &*within : nullptr,
      [&](std::string_view name, std::string_view value, std::uint64_t series) { counter.Add(name, value, series); }));
  counter.Fill(out);
  return Ok();
}

}  // namespace vedette::storage
