// The shards of one remote end: a queue and at most one request each, so that the samples of a series go out one behind
// the other whatever fails.
//
// A request that met no reply, 5xx, or 429 where the end says that it is to be retried, is sent again: for ever, after
// a pause that doubles from min_backoff to max_backoff, or after what Retry-After says. Anything else than 2xx is the
// end's last word: the samples are counted as failed and gone. One thread; replies come in through a mailbox.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collector/remote/options.h"
#include "collector/remote/send_metrics.h"
#include "collector/remote/send_progress.h"
#include "collector/remote/shard_plan.h"
#include "collector/remote/write_encoder.h"
#include "core/clock.h"
#include "core/http_client.h"

namespace vedette::collector {

/// Where replies and orders wait for the thread of an end. Shared with the callbacks of requests, which may outlive it.
struct SendMailbox {
  struct Reply {
    std::size_t shard = 0;
    Result<HttpResponse> result;
  };
  std::mutex mutex;
  std::condition_variable came;
  std::vector<Reply> replies;  // GUARDED_BY(mutex)
  bool stop = false;           // GUARDED_BY(mutex)
};

class ShardSender {
 public:
  using Time = std::chrono::nanoseconds;  // of Clock::Monotonic()

  ShardSender(const RemoteWriteEnd& end, HttpClient& client, const Clock& clock, SendMetrics& metrics, ShardPlan& plan,
              std::shared_ptr<SendMailbox> mailbox);

  std::size_t shards() const { return shards_.size(); }
  /// Only while nothing is pending.
  void Resize(std::size_t shards);

  /// Whether every shard takes more. One commit may then overfill them.
  bool HasRoom() const;
  void Push(OutgoingSample sample);

  /// Starts the requests that are due; `flush`: also those that would wait for more samples. Says when there will be
  /// something to do again, replies aside; Time::max(): never.
  Time Start(const OutgoingSeriesTable& series, bool flush);
  /// True: places have changed.
  bool Take(std::vector<SendMailbox::Reply> replies);
  /// Drops everything that waits, and what is under way unless it is taken: counted in `dropped`.
  void GiveUp(prometheus::Counter& dropped);

  std::size_t pending() const { return pending_; }
  std::size_t in_flight() const;
  bool failing() const;  // a shard waits for its next attempt
  Time last_success() const { return last_success_; }
  /// Newest time that was taken, ms; INT64_MIN: none.
  std::int64_t newest_sent() const { return newest_sent_; }
  WriteEncoder& encoder() { return encoder_; }

  /// What is done, when the feed was read up to `position`: everything up to the result, and beyond it `places`.
  std::uint64_t Done(std::uint64_t position, ShardPlaces& places) const;

 private:
  struct Shard {
    std::deque<OutgoingSample> queue;  // of a request: the first `sending`
    Time oldest{};                     // when the first that waits came
    std::size_t sending = 0;           // 0: no request
    bool in_flight = false;
    bool gives_up = false;
    int attempts = 0;
    Time started{}, sent{}, retry_at{};
    Millis backoff{0};
    std::string body;
    MessageCounts counts;
  };

  bool Due(const Shard& shard, Time now, bool flush, Time& wake) const;
  std::size_t BatchSize(const Shard& shard) const;
  void Prepare(Shard& shard, const TextTable& symbols, Time now);
  void Send(std::size_t index, Time now);
  void Judge(Shard& shard, const Result<HttpResponse>& result);
  void Retry(Shard& shard, std::optional<Millis> after, const std::string& why);
  /// `taken`: of its samples all the same.
  void Refused(Shard& shard, std::size_t taken, const std::string& why);
  void Finish(Shard& shard);
  void Drop(Shard& shard, prometheus::Counter& dropped);
  bool MayLog(Time& last) const;

  const RemoteWriteEnd& end_;
  HttpClient& client_;
  const Clock& clock_;
  SendMetrics& metrics_;
  ShardPlan& plan_;
  const std::shared_ptr<SendMailbox> mailbox_;
  const std::string shown_url_;
  WriteEncoder encoder_;
  std::vector<OutgoingSample> batch_;
  std::deque<Shard> shards_;  // do not move
  std::size_t pending_ = 0;
  Time last_success_{};
  std::int64_t newest_sent_ = INT64_MIN;
  Time logged_retry_ = Time::min(), logged_refusal_ = Time::min();
  std::size_t refused_since_log_ = 0;
  prometheus::Counter* give_up_to_ = nullptr;
};

/// The request of a message of that type, without its body.
HttpRequest RemoteWriteRequest(const RemoteWriteEnd& end);

}  // namespace vedette::collector
