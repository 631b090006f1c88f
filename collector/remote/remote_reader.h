// One remote end that queries read from.
//
// Thread-safe; a read waits for the reply, so it is nothing for the threads of the io_context.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/remote/options.h"
#include "collector/remote/read_message.h"
#include "core/http_client.h"
#include "core/labels.h"
#include "core/matcher.h"
#include "core/result.h"

namespace prometheus {
class Counter;
class Histogram;
class Registry;
}  // namespace prometheus

namespace vedette::collector {

struct ReadMetrics {
  explicit ReadMetrics(prometheus::Registry& registry);
  prometheus::Counter *ok, *failed, *samples;
  prometheus::Histogram* seconds;
};

class RemoteReader {
 public:
  /// `metrics` must outlive it. Errors: of HttpClient.
  RemoteReader(const RemoteReadEnd& end, const Labels& external, std::unique_ptr<HttpClient> client,
               ReadMetrics& metrics);

  const RemoteReadEnd& end() const { return end_; }

  /// A read that is under way.
  class Pending {
   public:
    /// Waits. Errors: "remote_read: ..." for whatever went wrong.
    Result<std::vector<RemoteSeries>> Finish();

   private:
    friend class RemoteReader;
    const RemoteReader* reader_ = nullptr;
    ReadRequest request_;
    std::vector<std::string> added_;  // names of labels to take out of the answer
    std::future<Result<HttpResponse>> reply_;
  };
  /// Nothing when the end is not to be asked: required matchers are missing, or the range lies after `local_start`,
  /// from when on the store here has everything (TimeMs::Max(): never; read_recent: the end is asked all the same).
  std::optional<Pending> Start(std::span<const Matcher> matchers, TimeRange range, TimeMs local_start) const;

 private:
  std::future<Result<HttpResponse>> Send(const ReadRequest& request) const;
  Result<std::vector<RemoteSeries>> Decode(const HttpResponse& response, bool& has_histograms) const;

  const RemoteReadEnd end_;
  const Labels external_;
  const std::unique_ptr<HttpClient> client_;
  ReadMetrics& metrics_;
};

}  // namespace vedette::collector
