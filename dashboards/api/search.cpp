// /api/v1/search/metric_names, label_names, label_values: names that fit what somebody types, the best or the first.
// The answer is JSON lines: {"results":[...]} in batches, then {"status":"success","has_more":...}.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"
#include "dashboards/api/search_score.h"

namespace vedette::dashboards::api {

namespace {

constexpr std::size_t kUsualLimit = 100, kUsualBatch = 100, kMostBatch = 10'000;
constexpr std::size_t kMostTerms = 32;
/// How often a long list is asked whether the client is still there.
constexpr std::size_t kCheckEvery = 1024;

struct Search {
  TimeRange range;
  MatcherSets sets;
  std::vector<SearchTerm> terms;
  bool include_score = false, include_metadata = false;
  bool by_score = false, descending = false;
  std::size_t limit = kUsualLimit, batch = kUsualBatch;
};

struct FoundName {
  std::string name;
  double score = 1;
};

Result<std::optional<std::int64_t>> WholeNumber(const Parameters& parameters, std::string_view name, std::int64_t least,
                                                std::int64_t most, std::string_view rule) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return std::optional<std::int64_t>();
  const auto number = IntParameter(parameters, name, 0);
  if (!number || *number < least || *number > most) {
    return Fail(Code::kBadData, "invalid {} {}: must be {}", name, Quote(text), rule);
  }
  return std::optional(*number);
}

Result<bool> TruthValue(const Parameters& parameters, std::string_view name, bool missing) {
  auto value = BoolParameter(parameters, name, missing);
  if (value) return value;
  return Fail(Code::kBadData, "invalid {} {}: must be boolean", name, Quote(parameters.Get(name)));
}

Status ReadOrder(const Parameters& parameters, std::string_view endpoint, Search& search) {
  const std::string_view by = parameters.Get("sort_by"), direction = parameters.Get("sort_dir");
  if (!direction.empty() && by.empty()) return Fail(Code::kBadData, "sort_dir is only valid when sort_by is set");
  if (!direction.empty() && by == "score") return Fail(Code::kBadData, "sort_dir is not supported for sort_by=score");
  if (!direction.empty() && direction != "asc" && direction != "dsc") {
    return Fail(Code::kBadData, R"(invalid sort_dir {}: must be "asc" or "dsc")", Quote(direction));
  }
  if (!by.empty() && by != "alpha" && by != "score") {
    return Fail(Code::kBadData, R"(invalid sort_by {} for {}: must be "alpha" or "score")", Quote(by), endpoint);
  }
  search.by_score = by == "score";
  search.descending = direction == "dsc";
  if (search.by_score && search.terms.empty()) return Fail(Code::kBadData, "sort_by=score requires search[] to be set");
  return Ok();
}

Status ReadTerms(const Parameters& parameters, Search& search) {
  VEDETTE_TRY(const auto threshold, WholeNumber(parameters, "fuzz_threshold", 0, 100, "0-100"));
  FuzzyMatch match = FuzzyMatch::kSubsequence;
  if (const std::string_view name = parameters.Get("fuzz_alg"); name == "jarowinkler") {
    match = FuzzyMatch::kJaroWinkler;
  } else if (!name.empty() && name != "subsequence") {
    return Fail(Code::kBadData, "unsupported fuzz_alg {}: must be one of [subsequence jarowinkler]", Quote(name));
  }
  VEDETTE_TRY(const bool case_sensitive, TruthValue(parameters, "case_sensitive", true));
  const std::vector<std::string> terms = parameters.All("search[]");
  if (terms.size() > kMostTerms) {
    return Fail(Code::kBadData, "too many search[] parameters: {}, at most {} are allowed", terms.size(), kMostTerms);
  }
  constexpr double kPercent = 100;
  for (const std::string& term : terms) {
    search.terms.emplace_back(term, match, static_cast<double>(threshold.value_or(0)) / kPercent, case_sensitive);
  }
  return Ok();
}

Result<Search> ReadSearch(const ApiContext& context, const Parameters& parameters, std::string_view endpoint) {
  Search search;
  const TimeMs now = context.clock.Now();
  VEDETTE_TRY(const std::optional<TimeMs> start, TimeParameter(parameters, "start"));
  VEDETTE_TRY(const std::optional<TimeMs> end, TimeParameter(parameters, "end"));
  search.range = {start.value_or(now - std::chrono::hours(1)), end.value_or(now)};
  VEDETTE_TRY(search.sets, MatchParameters(parameters));
  VEDETTE_CHECK(ReadTerms(parameters, search));
  VEDETTE_TRY(search.include_score, TruthValue(parameters, "include_score", false));
  VEDETTE_TRY(search.include_metadata, TruthValue(parameters, "include_metadata", false));
  VEDETTE_CHECK(ReadOrder(parameters, endpoint, search));

  const std::size_t most = context.options.max_search_limit;
  VEDETTE_TRY(const auto limit, WholeNumber(parameters, "limit", 1, INT64_MAX, "a positive integer"));
  if (limit && most != 0 && static_cast<std::size_t>(*limit) > most) {
    return Fail(Code::kBadData, "limit {} exceeds the maximum of {}", *limit, most);
  }
  search.limit = limit ? static_cast<std::size_t>(*limit) : most == 0 ? kUsualLimit : std::min(kUsualLimit, most);
  VEDETTE_TRY(const auto batch, WholeNumber(parameters, "batch_size", 0, kMostBatch,
                                            fmt::format("a non-negative integer, at most {}", kMostBatch)));
  if (batch && *batch > 0) search.batch = static_cast<std::size_t>(*batch);
  return search;
}

/// The best score of any term.
std::optional<double> ScoreOf(const Search& search, std::string_view name) {
  if (search.terms.empty()) return 1;
  std::optional<double> best;
  for (const SearchTerm& term : search.terms) {
    const std::optional<double> score = term.Score(name);
    if (score && (!best || *score > *best)) best = score;
  }
  return best;
}

/// What matches, in the order asked for, cut to one more than the limit.
Result<std::vector<FoundName>> Find(const Search& search, const Request& request, const storage::Querier& querier,
                                    const std::optional<std::string>& label) {
  static const MatcherSets kAll(1);
  std::map<std::string, double> found;  // each name once
  if (search.range.max < search.range.min) return std::vector<FoundName>();
  for (const std::vector<Matcher>& matchers : search.sets.empty() ? kAll : search.sets) {
    auto names = label ? querier.LabelValues(*label, matchers) : querier.LabelNames(matchers);
    if (!names) return names.error();
    std::size_t looked_at = 0;
    for (std::string& name : *names) {
      if (++looked_at % kCheckEvery == 0 && request.stop.stop_requested()) {
        return Fail(Code::kCanceled, "the client went away");
      }
      if (found.contains(name)) continue;
      if (const std::optional<double> score = ScoreOf(search, name)) found.emplace(std::move(name), *score);
    }
  }
  std::vector<FoundName> out;
  out.reserve(found.size());
  for (const auto& [name, score] : found) out.push_back({name, score});
  if (search.descending) std::ranges::reverse(out);
  if (search.by_score) std::ranges::stable_sort(out, std::greater<>(), &FoundName::score);
  if (out.size() > search.limit) out.resize(search.limit + 1);
  return out;
}

void WriteFound(const ApiContext& context, const Search& search, const FoundName& found, JsonWriter& json) {
  json.BeginObject().Key("name").String(found.name);
  if (search.include_score) json.Key("score").Double(found.score);
  if (search.include_metadata) {
    const std::vector<collector::MetricMetadata> known = Ask(context.metadata, found.name);
    if (!known.empty()) {
      const auto member = [&](std::string_view key, const std::string& text) {
        if (!text.empty()) json.Key(key).String(text);
      };
      member("type", known.front().type);
      member("help", known.front().help);
      member("unit", known.front().unit);
    }
  }
  json.End();
}

Response Lines(const ApiContext& context, const Search& search, std::vector<FoundName> found) {
  const bool has_more = found.size() > search.limit;
  if (has_more) found.resize(search.limit);
  std::string body;
  std::size_t next = 0;
  do {
    JsonWriter json;
    json.BeginObject().Key("results").BeginArray();
    for (const std::size_t end = std::min(next + search.batch, found.size()); next < end; ++next) {
      WriteFound(context, search, found[next], json);
    }
    json.End().End();
    body += std::move(json).Take() + "\n";
  } while (next < found.size());
  JsonWriter trailer;
  trailer.BeginObject().Key("status").String("success").Key("has_more").Bool(has_more).End();
  body += std::move(trailer).Take() + "\n";
  Response response;
  response.headers.Set("Content-Type", "application/x-ndjson; charset=utf-8");
  response.body = std::move(body);
  return response;
}

/// `label`: of which the values are looked for; nothing: names of labels.
Response SearchNames(const ApiContext& context, const Request& request, std::string_view endpoint,
                     const std::function<Result<std::optional<std::string>>(const Parameters&)>& label_of) {
  return Answer([&]() -> Result<Response> {
    if (!context.options.search) return Fail(Code::kUnavailable, "search API disabled");
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const Search search, ReadSearch(context, parameters, endpoint));
    VEDETTE_TRY(const std::optional<std::string> label, label_of(parameters));
    const auto querier = context.storage.NewQuerier(search.range);
    querier->Limit({.stop = request.stop});
    VEDETTE_TRY(std::vector<FoundName> found, Find(search, request, *querier, label));
    return Lines(context, search, std::move(found));
  });
}

}  // namespace

Response SearchMetricNames(const ApiContext& context, const Request& request) {
  return SearchNames(context, request, "metric_names",
                     [](const Parameters&) { return std::optional(std::string(kMetricName)); });
}

Response SearchLabelNames(const ApiContext& context, const Request& request) {
  return SearchNames(context, request, "label_names", [](const Parameters&) { return std::optional<std::string>(); });
}

Response SearchLabelValues(const ApiContext& context, const Request& request) {
  return SearchNames(context, request, "label_values",
                     [](const Parameters& parameters) -> Result<std::optional<std::string>> {
                       std::string label(parameters.Get("label"));
                       if (label.empty()) return Fail(Code::kBadData, "missing required parameter \"label\"");
                       return std::optional(std::move(label));
                     });
}

}  // namespace vedette::dashboards::api
