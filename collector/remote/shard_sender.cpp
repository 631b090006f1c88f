#include "collector/remote/shard_sender.h"

#include <algorithm>
#include <charconv>

#include "core/log.h"
#include "core/retry_after.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

/// Of a reply: there is little to say.
constexpr std::size_t kMaxReplyBytes = 1 << 20;
constexpr std::size_t kShownReply = 256;
constexpr std::chrono::minutes kLogOncePer{1};

std::string FirstLine(std::string_view body) {
  std::string out(body.substr(0, std::min(body.find('\n'), kShownReply)));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < 0x20; }, ' ');
  return out;
}

/// What the end says it has written, of the second message type; nothing without such a header.
std::optional<std::size_t> Written(const HttpResponse& response, std::string_view what) {
  const std::string_view text = response.Header(fmt::format("X-Prometheus-Remote-Write-{}-Written", what));
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

HttpRequest RemoteWriteRequest(const RemoteWriteEnd& end) {
  const bool v2 = end.message == WriteMessage::kVersion2;
  HttpRequest request;
  request.method = "POST";
  request.url = end.url;
  for (const auto& header : end.headers) request.headers.push_back(header);
  request.headers.emplace_back("Content-Encoding", "snappy");
  request.headers.emplace_back(
      "Content-Type", v2 ? "application/x-protobuf;proto=io.prometheus.write.v2.Request" : "application/x-protobuf");
  request.headers.emplace_back("User-Agent", fmt::format("Vedette/{}", kVersion));
  request.headers.emplace_back("X-Prometheus-Remote-Write-Version", v2 ? "2.0.0" : "0.1.0");
  request.timeout = end.remote_timeout;
  request.max_body_bytes = kMaxReplyBytes;
  return request;
}

ShardSender::ShardSender(const RemoteWriteEnd& end, HttpClient& client, const Clock& clock, SendMetrics& metrics,
                         ShardPlan& plan, std::shared_ptr<SendMailbox> mailbox)
    : end_(end),
      client_(client),
      clock_(clock),
      metrics_(metrics),
      plan_(plan),
      mailbox_(std::move(mailbox)),
      shown_url_(Redacted(end.url)),
      encoder_(end.message),
      shards_(static_cast<std::size_t>(end.queue.min_shards)) {}

void ShardSender::Resize(std::size_t shards) {
  shards_.clear();
  shards_.resize(shards);
}

bool ShardSender::HasRoom() const {
  const auto capacity = static_cast<std::size_t>(end_.queue.capacity);
  return std::ranges::all_of(shards_, [&](const Shard& shard) { return shard.queue.size() < capacity; });
}

void ShardSender::Push(OutgoingSample sample) {
  Shard& shard = shards_[ShardOf(sample.series->hash, shards_.size())];
  if (shard.queue.size() == shard.sending) shard.oldest = clock_.Monotonic();
  shard.queue.push_back(std::move(sample));
  ++pending_;
}

/// Whether a request may start now; if not, `wake` is brought forward to when it may.
bool ShardSender::Due(const Shard& shard, Time now, bool flush, Time& wake) const {
  if (shard.in_flight || shard.queue.empty()) return false;
  Time at = now;
  if (shard.sending != 0) {
    at = shard.retry_at;
  } else if (shard.queue.size() < static_cast<std::size_t>(end_.queue.max_samples_per_send) && !flush) {
    at = shard.oldest + end_.queue.batch_send_deadline;
  }
  if (at <= now) return true;
  wake = std::min(wake, at);
  return false;
}

ShardSender::Time ShardSender::Start(const OutgoingSeriesTable& series, bool flush) {
  const Time now = clock_.Monotonic();
  Time wake = Time::max();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = shards_[i];
    // A batch whose samples have all become too old is done without a request.
    while (Due(shard, now, flush, wake)) {
      Prepare(shard, series.symbols(), now);
      if (shard.counts.all() > 0) {
        Send(i, now);
        break;
      }
      Finish(shard);
    }
  }
  return wake;
}

/// Makes the body, unless it is there from the attempt before.
void ShardSender::Prepare(Shard& shard, const TextTable& symbols, Time now) {
  const bool ages = end_.queue.sample_age_limit.count() > 0;
  if (shard.sending == 0) {
    shard.sending = BatchSize(shard);
    shard.attempts = 0;
    shard.backoff = end_.queue.min_backoff;
    shard.started = now;
  } else if (!ages) {
    return;
  }
  const std::int64_t oldest = ages ? (clock_.Now() - end_.queue.sample_age_limit).ms : INT64_MIN;
  const MessageCounts before = shard.attempts == 0 ? MessageCounts() : shard.counts;
  batch_.clear();
  for (std::size_t i = 0; i < shard.sending; ++i) batch_.push_back(std::move(shard.queue[i]));
  shard.counts = {};
  shard.body = encoder_.Encode(batch_, oldest, symbols, shard.counts);
  for (std::size_t i = 0; i < shard.sending; ++i) shard.queue[i] = std::move(batch_[i]);
  batch_.clear();
  metrics_.dropped_too_old.Increment(static_cast<double>(shard.counts.old - std::min(shard.counts.old, before.old)));
  metrics_.dropped_unsupported.Increment(
      static_cast<double>(shard.counts.lonely - std::min(shard.counts.lonely, before.lonely)));
}

/// A batch does not end between a sample and its exemplars, which stand behind it, if it can end before.
std::size_t ShardSender::BatchSize(const Shard& shard) const {
  const std::size_t most = std::min(shard.queue.size(), static_cast<std::size_t>(end_.queue.max_samples_per_send));
  std::size_t size = most;
  while (size > 0 && size < shard.queue.size() && shard.queue[size].is_exemplar()) --size;
  return size > 0 ? size : most;
}

void ShardSender::Send(std::size_t index, Time now) {
  Shard& shard = shards_[index];
  HttpRequest request = RemoteWriteRequest(end_);
  if (shard.attempts > 0) request.headers.emplace_back("Retry-Attempt", std::to_string(shard.attempts));
  request.body = shard.body;
  shard.in_flight = true;
  shard.sent = now;
  ++shard.attempts;
  client_.Start(std::move(request), [mailbox = mailbox_, index](Result<HttpResponse> result) {
    const std::lock_guard lock(mailbox->mutex);
    mailbox->replies.push_back({index, std::move(result)});
    mailbox->came.notify_all();
  });
}

bool ShardSender::Take(std::vector<SendMailbox::Reply> replies) {
  bool changed = false;
  for (const SendMailbox::Reply& reply : replies) {
    Shard& shard = shards_[reply.shard];
    shard.in_flight = false;
    metrics_.seconds.Observe(std::chrono::duration<double>(clock_.Monotonic() - shard.sent).count());
    Judge(shard, reply.result);
    if (shard.gives_up) Drop(shard, *give_up_to_);
    changed = changed || shard.sending == 0;
  }
  return changed;
}

void ShardSender::Judge(Shard& shard, const Result<HttpResponse>& result) {
  if (!result) return Retry(shard, std::nullopt, result.error().message);
  const HttpResponse& response = *result;
  const int status = response.status;
  if (status >= 500 || (status == 429 && end_.queue.retry_on_http_429)) {
    return Retry(shard, ParseRetryAfter(response.Header("Retry-After"), clock_.Now()),
                 fmt::format("HTTP {}: {}", status, FirstLine(response.body)));
  }
  const bool good = status >= 200 && status <= 299;
  MessageCounts taken = good ? shard.counts : MessageCounts();
  if (end_.message == WriteMessage::kVersion2) {
    // An end that knows only the first message may answer 2xx to what it did not understand; 400 may mean that a part
    // of the request was bad, and the rest was written.
    taken.samples = std::min(shard.counts.samples, Written(response, "Samples").value_or(0));
    taken.histograms = std::min(shard.counts.histograms, Written(response, "Histograms").value_or(0));
    taken.exemplars = std::min(shard.counts.exemplars, Written(response, "Exemplars").value_or(0));
    if (good && taken.all() < shard.counts.all()) {
      metrics_.failed.Increment(static_cast<double>(shard.counts.all() - taken.all()));
      refused_since_log_ += shard.counts.all() - taken.all();
      if (MayLog(logged_refusal_)) {
        LogError("collector", "the remote end says that it has not written all of a request",
                 {{"url", shown_url_}, {"samples", std::exchange(refused_since_log_, 0)}});
      }
    }
  }
  metrics_.samples.Increment(static_cast<double>(taken.samples));
  metrics_.histograms.Increment(static_cast<double>(taken.histograms));
  metrics_.exemplars.Increment(static_cast<double>(taken.exemplars));
  if (!good) return Refused(shard, taken.all(), fmt::format("HTTP {}: {}", status, FirstLine(response.body)));
  metrics_.requests_ok.Increment();
  metrics_.bytes.Increment(static_cast<double>(shard.body.size()));
  if (newest_sent_ < shard.counts.newest) {
    newest_sent_ = shard.counts.newest;
    metrics_.highest_sent.Set(TimeMs(newest_sent_).Seconds());
  }
  last_success_ = clock_.Monotonic();
  plan_.NoteOut(shard.counts.all(), std::chrono::duration<double>(last_success_ - shard.started).count());
  Finish(shard);
}

void ShardSender::Retry(Shard& shard, std::optional<Millis> after, const std::string& why) {
  metrics_.requests_failed.Increment();
  metrics_.retried.Increment(static_cast<double>(shard.counts.all()));
  const Millis pause = after && after->count() > 0 ? *after : shard.backoff;
  shard.backoff = std::min(shard.backoff * 2, end_.queue.max_backoff);
  shard.retry_at = clock_.Monotonic() + pause;
  if (!MayLog(logged_retry_)) return;
  LogWarn("collector", "samples not sent, they are tried again",
          {{"url", shown_url_}, {"reason", why}, {"attempt", shard.attempts}, {"pending", pending_}});
}

void ShardSender::Refused(Shard& shard, std::size_t taken, const std::string& why) {
  const std::size_t refused = shard.counts.all() - taken;
  metrics_.requests_refused.Increment();
  metrics_.failed.Increment(static_cast<double>(refused));
  refused_since_log_ += refused;
  if (MayLog(logged_refusal_)) {
    LogError("collector", "the remote end refused samples, they are not tried again",
             {{"url", shown_url_}, {"reason", why}, {"samples", std::exchange(refused_since_log_, 0)}});
  }
  Finish(shard);
}

/// The first `sending` are done.
void ShardSender::Finish(Shard& shard) {
  shard.queue.erase(shard.queue.begin(), shard.queue.begin() + static_cast<std::ptrdiff_t>(shard.sending));
  pending_ -= shard.sending;
  shard.sending = 0;
  shard.body.clear();
  shard.oldest = clock_.Monotonic();
}

void ShardSender::Drop(Shard& shard, prometheus::Counter& dropped) {
  dropped.Increment(static_cast<double>(shard.queue.size()));
  shard.sending = shard.queue.size();
  Finish(shard);
  shard.gives_up = false;
}

void ShardSender::GiveUp(prometheus::Counter& dropped) {
  give_up_to_ = &dropped;
  for (Shard& shard : shards_) {
    shard.gives_up = shard.in_flight;
    if (!shard.in_flight) Drop(shard, dropped);
  }
}

std::size_t ShardSender::in_flight() const {
  return static_cast<std::size_t>(std::ranges::count_if(shards_, &Shard::in_flight));
}

bool ShardSender::failing() const {
  return std::ranges::any_of(shards_, [](const Shard& shard) { return shard.sending != 0 && !shard.in_flight; });
}

std::uint64_t ShardSender::Done(std::uint64_t position, ShardPlaces& places) const {
  std::uint64_t through = position;
  places.places.clear();
  for (const Shard& shard : shards_) {
    FeedPlace place{position + 1, 0};
    if (!shard.queue.empty()) place = {shard.queue.front().commit, shard.queue.front().index};
    through = std::min(through, place.commit - 1);
    places.places.push_back(place);
  }
  return through;
}

bool ShardSender::MayLog(Time& last) const {
  const Time now = clock_.Monotonic();
  if (last != Time::min() && now - last < kLogOncePer) return false;
  last = now;
  return true;
}

}  // namespace vedette::collector
