#include "collector/remote/remote_writer.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "collector/remote/feed_intake.h"
#include "collector/remote/send_limits.h"
#include "collector/remote/shard_sender.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

/// Reading a feed that fails: once so often.
constexpr std::chrono::seconds kReadAgain{5};
constexpr std::chrono::seconds kLookAtBacklog{5};
/// A position that moved without a reply, because nothing was to be sent, is written at most so often.
constexpr std::chrono::seconds kSaveIdle{1};
/// When the backlog is given up, so much of its limit stays.
constexpr double kBacklogKept = 0.9;
/// What was given up for the sake of the disk is free some time later.
constexpr std::chrono::seconds kLookAtDisk{30};
/// How long requests under way may take when the end goes.
constexpr Millis kStopGrace = std::chrono::seconds(5);
/// And when it does not answer while we stop.
constexpr Millis kLastReplies = std::chrono::seconds(2);
/// Commits between two looks at the mailbox.
constexpr int kCommitsPerTurn = 64;

std::uint64_t Mix(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;  // FNV-1a
  return (hash ^ 0xFF) * 1099511628211U;
}

}  // namespace

std::string RemoteName(const RemoteWriteEnd& end) {
  if (!end.name.empty()) return end.name;
  std::uint64_t hash = Mix(14695981039346656037U, end.url);
  for (const auto& [name, value] : end.headers) hash = Mix(Mix(hash, name), value);
  for (const RelabelConfig& rule : end.write_relabel_configs) {
    hash = Mix(Mix(Mix(hash, rule.regex.pattern()), rule.target_label), rule.replacement);
    for (const std::string& label : rule.source_labels) hash = Mix(hash, label);
  }
  return fmt::format("{:06x}", hash >> 40);
}

/// What runs on the thread.
class RemoteWriter::Loop {
 public:
  Loop(const SendEnvironment& environment, const RemoteWriteEnd& end, const Labels& external, const std::string& feed,
       HttpClient& client, std::shared_ptr<SendMailbox> mailbox)
      : environment_(environment),
        end_(end),
        external_(external),
        feed_(feed),
        mailbox_(std::move(mailbox)),
        metrics_(environment.metrics, RemoteName(end), end.url),
        plan_(end.queue),
        client_(client),
        sender_(end, client, environment.clock, metrics_, plan_, mailbox_) {
    metrics_.shards_max.Set(end.queue.max_shards);
    metrics_.shards_min.Set(end.queue.min_shards);
    metrics_.capacity.Set(end.queue.capacity);
    metrics_.shards.Set(static_cast<double>(sender_.shards()));
  }

  /// Finds the place in the feed, at the first time. Before Run(): a new end gets what is committed from then on.
  bool Open();
  void Run();

  // Set before the mailbox says stop.
  bool flush = false;
  std::chrono::nanoseconds stop_by{};  // of environment.clock

 private:
  using Time = std::chrono::nanoseconds;
  Time Now() const { return environment_.clock.Monotonic(); }

  enum class Feed : std::uint8_t { kMore, kBlocked, kCaughtUp };
  Feed Read();
  void Save(bool changed);
  void LookAtBacklog();
  void PlanShards();
  void SendMetadata();
  bool MayEnd(bool stopping, bool caught_up);
  void LookAtFlush();
  std::vector<SendMailbox::Reply> Wait(Time wake, bool& stopping);

  const SendEnvironment& environment_;
  const RemoteWriteEnd& end_;
  const Labels& external_;
  const std::string& feed_;
  const std::shared_ptr<SendMailbox> mailbox_;
  SendMetrics metrics_;
  ShardPlan plan_;
  HttpClient& client_;
  ShardSender sender_;
  std::unique_ptr<storage::FeedReader> reader_;
  std::unique_ptr<FeedIntake> intake_;
  Time read_after_{}, backlog_after_{}, plan_after_{}, idle_save_after_{}, metadata_after_{};
  std::uint64_t saved_ = 0;
  std::optional<FlushWatch> flush_watch_;
  std::size_t wanted_shards_ = 0;  // 0: as many as there are
  bool discarding_ = false;
  double backlog_kept_ = 0;  // bytes, while discarding
  Time disk_after_{};
  /// Metadata entries that requests under way have brought since they were counted.
  const std::shared_ptr<std::atomic<std::size_t>> metadata_taken_ = std::make_shared<std::atomic<std::size_t>>(0);
};

void RemoteWriter::Loop::Run() {
  plan_after_ = Now() + ShardPlan::kUpdateEvery;
  bool stopping = false;
  for (;;) {
    const Feed feed = Read();
    if (MayEnd(stopping, feed == Feed::kCaughtUp)) break;
    Time wake = Time::max();
    if (feed != Feed::kBlocked) wake = feed == Feed::kMore ? Now() : Now() + environment_.poll;
    if (intake_) {
      // Nothing new is begun by who goes without flushing, or after a failure.
      const bool sends = !stopping || (flush && !sender_.failing());
      if (sends) {
        wake = std::min(wake, sender_.Start(intake_->series(), stopping || wanted_shards_ != 0 || discarding_));
      }
      PlanShards();
      LookAtBacklog();
      SendMetadata();
    }
    metrics_.pending.Set(static_cast<double>(sender_.pending()));
    std::vector<SendMailbox::Reply> replies = Wait(wake, stopping);
    Save(sender_.Take(std::move(replies)));
  }
  Save(true);
}

bool RemoteWriter::Loop::MayEnd(bool stopping, bool caught_up) {
  if (!stopping) return false;
  if (Now() >= stop_by || !intake_) return true;
  if (flush) LookAtFlush();
  if (!flush || sender_.failing()) return sender_.in_flight() == 0;
  return caught_up && sender_.pending() == 0;
}

/// A stop is not held up for what it cannot bring to an end: that goes out after the next start.
void RemoteWriter::Loop::LookAtFlush() {
  ShardPlaces places;
  const std::uint64_t unread = reader_->BacklogCommits();
  const std::uint64_t left = unread + intake_->position() - sender_.Done(intake_->position(), places);
  if (!flush_watch_) flush_watch_.emplace(Now(), stop_by - Now(), left);
  if (flush_watch_->GoesOn(Now(), left, sender_.last_success())) return;
  LogWarn("collector", "a remote end is not waited for any longer, the rest is sent after the next start",
          {{"url", Redacted(end_.url)}, {"commits", left}});
  flush = false;
  stop_by = std::min(stop_by, Now() + Time(kLastReplies));
}

/// Sleeps until a reply comes, an order, or the time.
std::vector<SendMailbox::Reply> RemoteWriter::Loop::Wait(Time wake, bool& stopping) {
  const Time now = Now();
  constexpr Time kLongest = std::chrono::seconds(1);
  const Time span = std::clamp(wake == Time::max() ? kLongest : wake - now, Time(0), kLongest);
  std::vector<SendMailbox::Reply> replies;
  std::unique_lock lock(mailbox_->mutex);
  const bool was_stopping = stopping;
  if (span.count() > 0) {
    mailbox_->came.wait_for(lock, span,
                            [&] { return !mailbox_->replies.empty() || (mailbox_->stop && !was_stopping); });
  }
  replies.swap(mailbox_->replies);
  stopping = mailbox_->stop;
  return replies;
}

bool RemoteWriter::Loop::Open() {
  if (intake_) return true;
  if (Now() < read_after_) return false;
  auto reader = environment_.feeds.OpenFeed(feed_, end_.send_exemplars);
  if (!reader) {
    LogError("collector", "samples cannot be read for a remote end, it is tried again",
             {{"url", Redacted(end_.url)}, {"reason", reader.error()}});
    read_after_ = Now() + kReadAgain;
    return false;
  }
  reader_ = *std::move(reader);
  auto progress = SendProgress::Parse(reader_->saved());
  if (!progress) {
    LogError("collector", "samples of the last requests may be sent twice",
             {{"url", Redacted(end_.url)}, {"reason", progress.error()}});
  }
  saved_ = reader_->position();
  intake_ =
      std::make_unique<FeedIntake>(end_, external_, environment_.clock, *reader_, progress ? *progress : SendProgress(),
                                   environment_.series_bytes, sender_, metrics_, plan_);
  return true;
}

/// Fills the queues.
RemoteWriter::Loop::Feed RemoteWriter::Loop::Read() {
  if (!Open()) return Feed::kCaughtUp;
  if (wanted_shards_ != 0 && sender_.pending() == 0) {
    sender_.Resize(wanted_shards_);
    metrics_.shards.Set(static_cast<double>(wanted_shards_));
    wanted_shards_ = 0;
  }
  for (int i = 0; i < kCommitsPerTurn; ++i) {
    const bool waits = (wanted_shards_ != 0 || discarding_) && sender_.pending() > 0;
    if (waits || (!discarding_ && !sender_.HasRoom())) {
      reader_->Rest();
      return Feed::kBlocked;
    }
    if (Now() < read_after_) return Feed::kCaughtUp;
    const auto more = intake_->Next(discarding_);
    if (!more) {
      LogError("collector", "samples cannot be read for a remote end, it is tried again",
               {{"url", Redacted(end_.url)}, {"reason", more.error()}});
      read_after_ = Now() + kReadAgain;
      return Feed::kCaughtUp;
    }
    if (!*more) {
      discarding_ = false;
      return Feed::kCaughtUp;
    }
  }
  return Feed::kMore;
}

void RemoteWriter::Loop::Save(bool changed) {
  if (!intake_) return;
  if (!changed) {
    if (Now() < idle_save_after_ || sender_.pending() > 0 || intake_->position() == saved_) return;
  }
  idle_save_after_ = Now() + kSaveIdle;
  ShardPlaces places;
  const std::uint64_t through = sender_.Done(intake_->position(), places);
  intake_->Pass(through);
  const Status saved = reader_->Save(through, intake_->progress().Format(places, through));
  if (saved) saved_ = through;
  // Otherwise the store says so itself, and the next reply brings the next try.
}

/// The journal is not kept for an end for ever.
void RemoteWriter::Loop::LookAtBacklog() {
  if (!discarding_ && Now() < backlog_after_) return;
  backlog_after_ = Now() + kLookAtBacklog;
  const std::uint64_t bytes = reader_->BacklogBytes();
  metrics_.backlog_bytes.Set(static_cast<double>(bytes));
  if (discarding_) {
    discarding_ = static_cast<double>(bytes) > backlog_kept_;
    return;
  }
  const std::int64_t room = Now() < disk_after_ ? INT64_MAX : reader_->RoomBytes();
  const std::uint64_t most = BacklogMost(bytes, room, end_.queue.max_backlog_bytes);
  if (bytes <= most) return;
  const bool for_disk = most != end_.queue.max_backlog_bytes;
  LogError("collector", "too much waits for a remote end: the oldest samples are given up",
           {{"url", Redacted(end_.url)},
            {"bytes", bytes},
            {"limit", most},
            {"reason", for_disk ? "the disk is nearly full" : "backlog_limit"}});
  if (for_disk) disk_after_ = Now() + kLookAtDisk;
  backlog_kept_ = kBacklogKept * static_cast<double>(most);
  discarding_ = true;
  sender_.GiveUp(metrics_.dropped_backlog);
  Save(true);
}

void RemoteWriter::Loop::PlanShards() {
  if (Now() < plan_after_) return;
  plan_after_ = Now() + ShardPlan::kUpdateEvery;
  // While the feed is not read to its end the newest sample there is about now.
  std::int64_t newest = intake_->newest();
  if (!sender_.HasRoom()) newest = std::max(newest, environment_.clock.Now().ms);
  const std::int64_t sent = sender_.newest_sent();
  const double behind = sent == INT64_MIN || newest == INT64_MIN ? 0 : (TimeMs(newest) - TimeMs(sent)).count() / 1000.0;
  const int wanted = plan_.Update(static_cast<int>(sender_.shards()), behind);
  metrics_.shards_desired.Set(plan_.desired());
  // An end that takes nothing now would not be reached by more shards either, and could not be waited for.
  const bool reached = Now() - sender_.last_success() <= 2 * ShardPlan::kUpdateEvery && !sender_.failing();
  if (reached && static_cast<std::size_t>(wanted) != sender_.shards()) {
    wanted_shards_ = static_cast<std::size_t>(wanted);
  }
}

/// The first message type tells metadata in requests of its own, which are not repeated: the next ones come soon.
void RemoteWriter::Loop::SendMetadata() {
  if (Now() < metadata_after_ || !environment_.metadata) return;
  metadata_after_ = Now() + end_.metadata.send_interval;
  metrics_.metadata.Increment(static_cast<double>(metadata_taken_->exchange(0)));
  std::vector<MetricMetadata> metadata = environment_.metadata();
  if (end_.message == WriteMessage::kVersion2) {
    sender_.encoder().SetMetadata(std::move(metadata));
    return;
  }
  if (!end_.metadata.send || metadata.empty() || sender_.failing()) return;
  const auto most = static_cast<std::size_t>(end_.metadata.max_samples_per_send);
  for (std::size_t at = 0; at < metadata.size(); at += most) {
    const std::size_t n = std::min(most, metadata.size() - at);
    HttpRequest request = RemoteWriteRequest(end_);
    request.body = WriteEncoder::EncodeMetadata(std::span(metadata).subspan(at, n));
    client_.Start(std::move(request), [taken = metadata_taken_, n](const Result<HttpResponse>& result) {
      if (result && result->status / 100 == 2) *taken += n;
    });
  }
}

Result<std::unique_ptr<RemoteWriter>> RemoteWriter::Start(const SendEnvironment& environment, const RemoteWriteEnd& end,
                                                          const Labels& external_labels, std::string feed) {
  VEDETTE_TRY(std::unique_ptr<HttpClient> client, environment.new_client(end.http, end.auth));
  return std::unique_ptr<RemoteWriter>(
      new RemoteWriter(environment, end, external_labels, std::move(feed), std::move(client)));
}

RemoteWriter::RemoteWriter(const SendEnvironment& environment, const RemoteWriteEnd& end, const Labels& external_labels,
                           std::string feed, std::unique_ptr<HttpClient> client)
    : environment_(environment),
      end_(end),
      external_(external_labels),
      feed_(std::move(feed)),
      mailbox_(std::make_shared<SendMailbox>()),
      client_(std::move(client)),
      loop_(std::make_unique<Loop>(environment_, end_, external_, feed_, *client_, mailbox_)) {
  const std::vector<std::string> known = environment_.feeds.Feeds();
  if (std::ranges::find(known, feed_) == known.end()) (void)loop_->Open();  // fails: it is tried again
  thread_ = std::thread([this] { loop_->Run(); });
}

RemoteWriter::~RemoteWriter() { Stop(kStopGrace, false); }

void RemoteWriter::Flush(Millis limit) { Stop(limit, true); }

void RemoteWriter::Stop(Millis limit, bool flush) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mailbox_->mutex);
    loop_->flush = flush;
    loop_->stop_by = environment_.clock.Monotonic() + limit;
    mailbox_->stop = true;
  }
  mailbox_->came.notify_all();
  thread_.join();
  client_.reset();  // ends what is still under way
}

}  // namespace vedette::collector
