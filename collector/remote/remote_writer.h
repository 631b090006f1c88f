// One remote end that samples are sent to, on a thread of its own.
//
// It reads the feed of the journal, names the series as the end shall see them, and gives the samples to the shards.
// When these are full it stops reading: the journal waits on the disk. After each reply the position is written down,
// so that a process that is killed sends again only what was on its way at that moment.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "collector/remote/options.h"
#include "collector/remote/send_metrics.h"
#include "collector/scrape/manager.h"
#include "core/clock.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/feed.h"

namespace vedette::collector {

struct SendMailbox;

/// What ends share. All of it outlives them.
struct SendEnvironment {
  storage::FeedStore& feeds;
  const Clock& clock;
  std::function<Result<std::unique_ptr<HttpClient>>(const HttpConfig&, const RequestAuth&)> new_client;
  /// What is known about metrics now.
  std::function<std::vector<MetricMetadata>()> metadata;
  SendMetricFamilies& metrics;
  /// Series of one end are kept in the form they are sent up to so many bytes.
  std::size_t series_bytes = std::size_t{128} << 20;
  /// How often the feed is asked for more.
  Millis poll = Millis(100);
};

class RemoteWriter {
 public:
  /// Starts to send: where the feed of that name was, or, when there is none, with the next commit after this returns.
  /// Errors: of new_client.
  static Result<std::unique_ptr<RemoteWriter>> Start(const SendEnvironment& environment, const RemoteWriteEnd& end,
                                                     const Labels& external_labels, std::string feed);
  /// Waits for the requests under way, a moment at most.
  ~RemoteWriter();

  const RemoteWriteEnd& end() const { return end_; }
  const Labels& external_labels() const { return external_; }
  const std::string& feed() const { return feed_; }
  /// Sends what the store has by now, unless that fails or takes longer; then stops.
  void Flush(Millis limit);

 private:
  class Loop;
  RemoteWriter(const SendEnvironment& environment, const RemoteWriteEnd& end, const Labels& external_labels,
               std::string feed, std::unique_ptr<HttpClient> client);
  void Stop(Millis limit, bool flush);

  const SendEnvironment environment_;
  const RemoteWriteEnd end_;
  const Labels external_;
  const std::string feed_;
  const std::shared_ptr<SendMailbox> mailbox_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

/// The name of an end in metrics: its own, or one that follows from the rest of it, as Prometheus gives it.
std::string RemoteName(const RemoteWriteEnd& end);

}  // namespace vedette::collector
