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

bool IsStreamed(std::string_view content_type) { return content_type.starts_with("application/x-streamed-protobuf"); }

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

std::optional<RemoteReader::Pending> RemoteReader::Start(std::span<const Matcher> matchers, TimeRange range,
                                                         TimeMs local_start) const {
  if (!end_.read_recent) {
    if (range.min >= local_start) return std::nullopt;
    range.max = std::min(range.max, local_start);
  }
  for (const auto& [name, value] : end_.required_matchers) {
    if (std::ranges::find(matchers, Matcher::Equal(name, value)) == matchers.end()) return std::nullopt;
  }
  Pending out;
  out.reader_ = this;
  ReadQuery query{range, {matchers.begin(), matchers.end()}};
  if (end_.filter_external_labels) {
    for (const auto& [name, value] : external_) {
      if (std::ranges::find(matchers, name, &Matcher::name) != matchers.end()) continue;
      query.matchers.push_back(Matcher::Equal(std::string(name), std::string(value)));
      out.added_.emplace_back(name);
    }
  }
  out.request_ = {{std::move(query)}, {kStreamedChunksType, kSamplesType}};
  out.reply_ = Send(out.request_);
  return out;
}

std::future<Result<HttpResponse>> RemoteReader::Send(const ReadRequest& message) const {
  HttpRequest request;
  request.method = "POST";
  request.url = end_.url;
  for (const auto& header : end_.headers) request.headers.push_back(header);
  request.headers.emplace_back("Content-Encoding", "snappy");
  request.headers.emplace_back("Accept-Encoding", "snappy");
  request.headers.emplace_back("Content-Type", "application/x-protobuf");
  request.headers.emplace_back("User-Agent", fmt::format("Vedette/{}", kVersion));
  request.headers.emplace_back("X-Prometheus-Remote-Read-Version", "0.1.0");
  request.timeout = end_.remote_timeout;
  request.max_body_bytes = kMaxAnswerBytes;
  request.accept_gzip = false;
  const std::string plain = EncodeReadRequest(message);
  snappy::Compress(plain.data(), plain.size(), &request.body);
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto reply = promise->get_future();
  client_->Start(std::move(request), [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  return reply;
}

Result<std::vector<RemoteSeries>> RemoteReader::Decode(const HttpResponse& response, bool& has_histograms) const {
  if (response.status / 100 != 2) {
    std::string text(response.body.substr(0, std::min(response.body.find('\n'), kShownAnswer)));
    return Fail(Code::kUnavailable, "remote server {} returned http status {}: {}", Redacted(end_.url), response.status,
                Quote(text));
  }
  if (IsStreamed(response.Header("Content-Type"))) {
    return DecodeReadStream(response.body, end_.chunked_read_limit, has_histograms);
  }
  VEDETTE_TRY(const Decompressed plain, DecompressSnappy(response.body, kMaxAnswerBytes));
  return DecodeReadResponse(plain.view());
}

Result<std::vector<RemoteSeries>> RemoteReader::Pending::Finish() {
  const auto started = std::chrono::steady_clock::now();
  const auto run = [&]() -> Result<std::vector<RemoteSeries>> {
    VEDETTE_TRY(const HttpResponse response, reply_.get());
    bool has_histograms = false;
    VEDETTE_TRY(std::vector<RemoteSeries> series, reader_->Decode(response, has_histograms));
    if (!has_histograms) return series;
    // Chunks of native histograms are not read: as samples the end gives them too.
    request_.accepted = {kSamplesType};
    VEDETTE_TRY(const HttpResponse again, reader_->Send(request_).get());
    return reader_->Decode(again, has_histograms);
  };
  Result<std::vector<RemoteSeries>> result = Fail(Code::kCanceled, "the I/O threads ended before the request");
  try {
    result = run();
  } catch (const std::future_error&) {
  }
  const ReadMetrics& metrics = reader_->metrics_;
  metrics.seconds->Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  (result ? metrics.ok : metrics.failed)->Increment();
  if (!result) return Annotate("remote_read", std::move(result).error());
  std::size_t samples = 0;
  for (const RemoteSeries& series : *result) samples += series.floats.size() + series.histograms.size();
  metrics.samples->Increment(static_cast<double>(samples));
  Strip(*result, added_);
  return result;
}

}  // namespace vedette::collector
