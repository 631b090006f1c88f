// /federate: the newest value of each selected series, for another Prometheus to scrape.
#include <algorithm>
#include <unordered_set>

#include "collector/exposition/page_writer.h"
#include "core/numbers.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

using collector::PageWriter;

/// A page beyond this is refused: it would be the whole store, not a federation.
constexpr std::size_t kMaxPageBytes = std::size_t{256} << 20;

struct FederatedSeries {
  storage::SeriesId id;
  Labels labels;
};

/// Each series once, by name; series of one name in the order of the store.
Result<std::vector<FederatedSeries>> SelectFederated(const storage::Querier& querier, const MatcherSets& sets) {
  std::vector<FederatedSeries> out;
  std::unordered_set<std::uint64_t> seen;
  for (const std::vector<Matcher>& matchers : sets) {
    VEDETTE_TRY(const std::vector<storage::SeriesEntry> entries, querier.Select(matchers));
    for (const storage::SeriesEntry& entry : entries) {
      if (entry.labels.MetricName().empty() || !seen.insert(storage::Raw(entry.id)).second) continue;
      out.push_back({entry.id, entry.labels});
    }
  }
  std::ranges::sort(out, {}, &FederatedSeries::labels);
  std::ranges::stable_sort(out, {}, [](const FederatedSeries& one) { return one.labels.MetricName(); });
  return out;
}

/// The labels of the series without its name, and behind them those of `external` that it does not have.
void FederatedLabels(const Labels& labels, std::span<const std::pair<std::string, std::string>> external,
                     std::vector<LabelView>& out) {
  out.clear();
  for (const LabelView label : labels) {
    if (label.name != kMetricName) out.push_back(label);
  }
  for (const auto& [name, value] : external) {
    if (!labels.Has(name)) out.push_back({name, value});
  }
}

/// Sorted by name. Without an instance of their own there is an empty one, so that the scraper adds none.
std::vector<std::pair<std::string, std::string>> ExternalLabels(const ApiContext& context) {
  std::vector<std::pair<std::string, std::string>> out;
  const Labels external = Ask(context.external_labels);
  for (const LabelView label : external) out.emplace_back(label.name, label.value);
  if (!external.Has("instance")) out.emplace_back("instance", "");
  std::ranges::sort(out);
  return out;
}

/// Writes series by series, a family whenever name or kind change.
class Page {
 public:
  Page(const collector::FormatChoice& choice, std::vector<std::pair<std::string, std::string>> external,
       std::string& body)
      : writer_(choice, body), external_(std::move(external)) {}

  void Add(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms) {
    const bool is_histogram =
        histograms.size() > 0 && (floats.size() == 0 || histograms.times.back() > floats.times.back());
    if (!is_histogram) {
      if (floats.size() == 0 || IsStaleNan(floats.values.back())) return;
      Open(labels.MetricName(), PageWriter::Kind::kUntyped);
      FederatedLabels(labels, external_, labels_);
      return writer_.Add(labels_, floats.values.back(), TimeMs(floats.times.back()));
    }
    const Histogram& histogram = histograms.histograms.back();
    if (IsStaleHistogram(histogram) || !writer_.Takes(histogram)) return;
    const bool gauge = histogram.reset == CounterReset::kGauge;
    Open(labels.MetricName(), gauge ? PageWriter::Kind::kGaugeHistogram : PageWriter::Kind::kHistogram);
    FederatedLabels(labels, external_, labels_);
    writer_.Add(labels_, histogram, TimeMs(histograms.times.back()));
  }
  void Finish() { writer_.Finish(); }

 private:
  void Open(std::string_view name, PageWriter::Kind kind) {
    if (name == name_ && kind == kind_) return;
    writer_.Begin(name, kind);
    name_ = name;
    kind_ = kind;
  }

  PageWriter writer_;
  const std::vector<std::pair<std::string, std::string>> external_;
  std::vector<LabelView> labels_;
  std::string name_;
  PageWriter::Kind kind_ = PageWriter::Kind::kUntyped;
};

Result<Response> WritePage(const ApiContext& context, const Request& request, const MatcherSets& sets) {
  const collector::FormatChoice choice = collector::ChooseFormat(request.headers.Get("Accept"));
  const TimeMs now = context.clock.Now();
  const TimeRange range{now - context.engine.options().lookback, now};
  const storage::Storage& store = context.local_storage != nullptr ? *context.local_storage : context.storage;
  const auto querier = store.NewQuerier(range);
  querier->Limit({.stop = request.stop});
  VEDETTE_TRY(const std::vector<FederatedSeries> all, SelectFederated(*querier, sets));
  Response response;
  response.headers.Set("Content-Type", collector::ContentTypeOf(choice));
  Page page(choice, ExternalLabels(context), response.body);
  storage::Columns floats;
  storage::HistogramColumns histograms;
  for (const FederatedSeries& one : all) {
    if (request.stop.stop_requested()) return Fail(Code::kCanceled, "the client went away");
    floats.clear();
    histograms.clear();
    VEDETTE_CHECK(querier->ReadMixed(one.id, range, floats, histograms));
    page.Add(one.labels, floats, histograms);
    if (response.body.size() > kMaxPageBytes) {
      return Fail(Code::kLimit, "the page would be larger than {} bytes: select fewer series", kMaxPageBytes);
    }
  }
  page.Finish();
  return response;
}

}  // namespace

Response Federate(const ApiContext& context, const Request& request) {
  MatcherSets sets;
  for (const std::string& text : request.query.All("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    if (!matchers) return TextResponse(400, matchers.error().message + "\n");
    sets.push_back(*std::move(matchers));
  }
  Result<Response> response = WritePage(context, request, sets);
  return response ? *std::move(response) : TextResponse(500, response.error().message + "\n");
}

}  // namespace vedette::dashboards::api
