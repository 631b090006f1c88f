#include "collector/remote/read_server.h"

#include <snappy.h>

#include <algorithm>

#include "collector/push/write_request.h"

namespace vedette::collector {
namespace {

/// Between two looks at the stop token while others are served.
constexpr std::chrono::milliseconds kGatePause{100};

/// Whoever asks for an external label means the series here that do not have one of that name: the answer gives it to
/// them.
std::vector<Matcher> WithoutExternal(std::span<const Matcher> matchers, const Labels& external) {
  std::vector<Matcher> out;
  for (const Matcher& matcher : matchers) {
    const std::string_view value = external.Get(matcher.name());
    const bool met = matcher.op() == MatchOp::kEqual && !value.empty() && value == matcher.value();
    out.push_back(met ? Matcher::Equal(matcher.name(), "") : matcher);
  }
  return out;
}

/// Labels of the series win.
Labels WithExternal(const Labels& labels, const Labels& external) {
  if (external.empty()) return labels;
  LabelsBuilder builder(external);
  for (const auto& [name, value] : labels) builder.Set(name, value);
  return builder.Build();
}

using SeriesReader =
    std::function<Status(const Labels& labels, const storage::Columns&, const storage::HistogramColumns&)>;

/// Calls `take` for every series of the query that has samples.
Status EachSeries(const storage::Storage& store, const ReadQuery& query, const Labels& external,
                  const std::stop_token& stop, const SeriesReader& take) {
  const auto querier = store.NewQuerier(query.range);
  const std::vector<Matcher> matchers = WithoutExternal(query.matchers, external);
  VEDETTE_TRY(const std::vector<storage::SeriesEntry> entries, querier->Select(matchers));
  storage::Columns floats;
  storage::HistogramColumns histograms;
  for (const storage::SeriesEntry& entry : entries) {
    if (stop.stop_requested()) return Fail(Code::kCanceled, "the client went away");
    floats.clear();
    histograms.clear();
    VEDETTE_CHECK(querier->ReadMixed(entry.id, query.range, floats, histograms));
    if (floats.size() + histograms.size() == 0) continue;
    VEDETTE_CHECK(take(WithExternal(entry.labels, external), floats, histograms));
  }
  return Ok();
}

}  // namespace

ReadServer::ReadServer(const storage::Storage& storage, std::function<Labels()> external_labels,
                       const ReadServerOptions& options)
    : storage_(storage),
      external_labels_(std::move(external_labels)),
      options_(options),
      gate_(static_cast<std::ptrdiff_t>(std::max<std::size_t>(options.max_concurrency, 1))) {}

Result<ReadServer::Answer> ReadServer::Read(std::string_view compressed, const std::stop_token& stop) {
  VEDETTE_TRY(const Decompressed plain, DecompressSnappy(compressed, options_.max_request_bytes));
  VEDETTE_TRY(const ReadRequest request, DecodeReadRequest(plain.view()));
  while (!gate_.try_acquire_for(kGatePause)) {
    if (stop.stop_requested()) return Fail(Code::kCanceled, "the client went away");
  }
  struct Release {
    std::counting_semaphore<>& gate;
    ~Release() { gate.release(); }
  } const release{gate_};
  const Labels external = external_labels_();
  for (const std::uint64_t type : request.accepted) {
    if (type == kSamplesType) break;
    if (type == kStreamedChunksType) return Stream(request, external, stop);
  }
  const bool none =
      !request.accepted.empty() && std::ranges::find(request.accepted, kSamplesType) == request.accepted.end();
  if (none) {
    return Fail(Code::kBadData, "server does not support any of the requested response types: {}",
                fmt::join(request.accepted, " "));
  }
  return Samples(request, external, stop);
}

Result<ReadServer::Answer> ReadServer::Samples(const ReadRequest& request, const Labels& external,
                                               const std::stop_token& stop) const {
  std::vector<std::string> results;
  std::size_t samples = 0;
  for (const ReadQuery& query : request.queries) {
    std::string& result = results.emplace_back();
    VEDETTE_CHECK(EachSeries(storage_, query, external, stop,
                             [&](const Labels& labels, const storage::Columns& floats,
                                 const storage::HistogramColumns& histograms) -> Status {
                               samples += floats.size() + histograms.size();
                               if (options_.max_samples != 0 && samples > options_.max_samples) {
                                 return Fail(Code::kLimit, "exceeded sample limit ({})", options_.max_samples);
                               }
                               PutReadSeries(labels, floats, histograms, result);
                               if (result.size() <= options_.max_answer_bytes) return Ok();
                               return Fail(Code::kLimit, "the answer is larger than {} bytes",
                                           options_.max_answer_bytes);
                             }));
  }
  const std::string plain = EncodeReadResponse(results);
  Answer out{"application/x-protobuf", "snappy", {}};
  snappy::Compress(plain.data(), plain.size(), &out.body);
  return out;
}

Result<ReadServer::Answer> ReadServer::Stream(const ReadRequest& request, const Labels& external,
                                              const std::stop_token& stop) const {
  Answer out{std::string(kStreamedType), {}, {}};
  for (std::size_t i = 0; i < request.queries.size(); ++i) {
    VEDETTE_CHECK(EachSeries(storage_, request.queries[i], external, stop,
                             [&](const Labels& labels, const storage::Columns& floats,
                                 const storage::HistogramColumns& histograms) -> Status {
                               PutReadFrames(labels, floats, histograms, i, options_.max_frame_bytes, out.body);
                               if (out.body.size() <= options_.max_answer_bytes) return Ok();
                               return Fail(Code::kLimit, "the answer is larger than {} bytes",
                                           options_.max_answer_bytes);
                             }));
  }
  return out;
}

}  // namespace vedette::collector
