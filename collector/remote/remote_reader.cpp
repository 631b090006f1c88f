#include "collector/remote/remote_reader.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <snappy.h>

#include <algorithm>

#include "collector/push/write_request.h"
#include "core/log.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

/// Of an answer, as it comes and decompressed.
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;
constexpr std::size_t kShownAnswer = 512;

/// Takes the labels out that were only added to the question.
void Strip(std::vector<RemoteSeries>& all, std::span<const std::string> names) {
  if (names.empty()) return;
  for (RemoteSeries& series : all) {
    LabelsBuilder builder(series.labels);
    for (const std::string& name : names) builder.Delete(name);
    series.labels = builder.Build();
  }
  std::ranges::stable_sort(all, {}, &RemoteSeries::labels);
}

}  // namespace

ReadMetrics::ReadMetrics(prometheus::Registry& registry) {
  auto& requests = prometheus::BuildCounter()
                       .Name("vedette_collector_remote_read_requests_total")
                       .Help("Reads from remote ends by result.")
                       .Register(registry);
  ok = &requests.Add({{"result", "ok"}});
  failed = &requests.Add({{"result", "failed"}});
  samples = &prometheus::BuildCounter()
                 .Name("vedette_collector_remote_read_samples_total")
                 .Help("Samples that were read from remote ends.")
                 .Register(registry)
                 .Add({});
  seconds = &prometheus::BuildHistogram()
                 .Name("vedette_collector_remote_read_duration_seconds")
                 .Help("Time that a query waited for a remote end.")
                 .Register(registry)
                 .Add({}, prometheus::Histogram::BucketBoundaries{0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 120});
}

RemoteReader::RemoteReader(const RemoteReadEnd& end, const Labels& external, std::unique_ptr<HttpClient> client,
                           ReadMetrics& metrics)
    : end_(end), external_(external), client_(std::move(client)), metrics_(metrics) {}

std::optional<RemoteReader::Question> RemoteReader::Ask(std::span<const Matcher> matchers, TimeRange range,
                                                        TimeMs local_start) const {
  if (!end_.read_recent) {
    if (range.min >= local_start) return std::nullopt;
    range.max = std::min(range.max, local_start);
  }
  for (const auto& [name, value] : end_.required_matchers) {
    if (std::ranges::find(matchers, Matcher::Equal(name, value)) == matchers.end()) return std::nullopt;
  }
  Question out;
  ReadQuery query{range, {matchers.begin(), matchers.end()}};
  if (end_.filter_external_labels) {
    for (const auto& [name, value] : external_) {
      if (std::ranges::find(matchers, name, &Matcher::name) != matchers.end()) continue;
      query.matchers.push_back(Matcher::Equal(std::string(name), std::string(value)));
      out.added.emplace_back(name);
    }
  }
  const std::string plain = EncodeReadRequest({{std::move(query)}, {kStreamedChunksType, kSamplesType}});
  HttpRequest& request = out.request;
  snappy::Compress(plain.data(), plain.size(), &request.body);
  request.method = "POST";
  request.url = end_.url;
  for (const auto& header : end_.headers) request.headers.push_back(header);
  request.headers.emplace_back("Content-Encoding", "snappy");
  request.headers.emplace_back("Accept-Encoding", "snappy");
  request.headers.emplace_back("Content-Type", "application/x-protobuf");
  request.headers.emplace_back("User-Agent", fmt::format("Vedette/{}", kVersion));
  request.headers.emplace_back("X-Prometheus-Remote-Read-Version", "0.1.0");
  request.timeout = end_.remote_timeout;
  request.accept_gzip = false;
  return out;
}

RemoteReader::Answer::Answer(const RemoteReader& reader, std::vector<std::string> added, ReadBudget& budget)
    : reader_(reader), added_(std::move(added)), budget_(budget), stream_(reader.end_.chunked_read_limit, budget) {}

Status RemoteReader::Answer::Read(std::string_view piece, bool streamed) {
  streamed_ = streamed;
  if (streamed) return stream_.Read(piece);
  if (block_.size() + piece.size() > kMaxAnswerBytes) {
    return Fail(Code::kLimit, "the answer is larger than {} bytes", kMaxAnswerBytes);
  }
  block_ += piece;
  return Ok();
}

Result<std::vector<RemoteSeries>> RemoteReader::Answer::Finish(const HttpResponse& response) {
  if (response.status / 100 != 2) {
    std::string text(response.body.substr(0, std::min(response.body.find('\n'), kShownAnswer)));
    return Fail(Code::kUnavailable, "remote server {} returned http status {}: {}", Redacted(reader_.end_.url),
                response.status, Quote(text));
  }
  const auto decode = [&]() -> Result<std::vector<RemoteSeries>> {
    if (streamed_) return std::move(stream_).Finish();
    VEDETTE_TRY(const Decompressed plain, DecompressSnappy(block_, kMaxAnswerBytes));
    return DecodeReadResponse(plain.view(), budget_);
  };
  VEDETTE_TRY(std::vector<RemoteSeries> out, decode());
  Strip(out, added_);
  return out;
}

}  // namespace vedette::collector
