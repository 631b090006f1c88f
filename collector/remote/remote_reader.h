// One remote end that queries read from: what it is asked, and how its answers are taken. Thread-safe.
#pragma once

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
  /// `metrics` must outlive it.
  RemoteReader(const RemoteReadEnd& end, const Labels& external, std::unique_ptr<HttpClient> client,
               ReadMetrics& metrics);

  const RemoteReadEnd& end() const { return end_; }
  HttpClient& client() const { return *client_; }
  ReadMetrics& metrics() const { return metrics_; }

  struct Question {
    HttpRequest request;
    std::vector<std::string> added;  // names of labels to take out of the answer
  };
  /// Nothing when the end is not to be asked: required matchers are missing, or the range lies after `local_start`,
  /// from when on the store here has everything (TimeMs::Max(): never; read_recent: the end is asked all the same).
  std::optional<Question> Ask(std::span<const Matcher> matchers, TimeRange range, TimeMs local_start) const;

  /// The bytes of one answer as they come. `budget` outlives it.
  class Answer {
   public:
    Answer(const RemoteReader& reader, std::vector<std::string> added, ReadBudget& budget);

    /// `streamed`: the answer is a stream of chunks, which is decoded on the way. Errors: kBadData, kLimit for more
    /// than an answer may have; of the budget.
    Status Read(std::string_view piece, bool streamed);
    /// The request has ended, without an error: all of it was read.
    Result<std::vector<RemoteSeries>> Finish(const HttpResponse& response);

   private:
    const RemoteReader& reader_;
    const std::vector<std::string> added_;
    ReadBudget& budget_;
    ReadStreamDecoder stream_;
    std::string block_;  // of an answer that is not streamed
    bool streamed_ = false;
  };

 private:
  const RemoteReadEnd end_;
  const Labels external_;
  const std::unique_ptr<HttpClient> client_;
  ReadMetrics& metrics_;
};

}  // namespace vedette::collector
