#include "collector/alertmanagers/alert_queue.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/log.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxReplyOfAlertmanager = 1 << 20;
constexpr std::size_t kShownOfReply = 256;

}  // namespace

AlertQueue::AlertQueue(std::string url, Millis timeout, std::shared_ptr<HttpClient> client,
                       const AlertQueueOptions& options, std::shared_ptr<const AlertQueueMetrics> metrics,
                       std::function<void()> idle)
    : url_(std::move(url)),
      timeout_(timeout),
      client_(std::move(client)),
      options_(options),
      metrics_(std::move(metrics)),
      idle_(std::move(idle)) {}

void AlertQueue::Add(std::span<const AlertText> alerts) {
  std::size_t dropped = 0;
  bool became_full = false, send = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (alerts.size() > options_.capacity) {
      dropped = alerts.size() - options_.capacity;
      alerts = alerts.subspan(dropped);
    }
    for (; waiting_.size() + alerts.size() > options_.capacity; ++dropped) waiting_.pop_front();
    waiting_.insert(waiting_.end(), alerts.begin(), alerts.end());
    metrics_->length->Set(static_cast<double>(waiting_.size()));
    metrics_->dropped->Increment(static_cast<double>(dropped));
    became_full = dropped > 0 && !std::exchange(full_, true);
    send = !waiting_.empty() && !std::exchange(sending_, true);
  }
  if (became_full) {
    LogWarn("collector", "queue of alerts full, the oldest are dropped",
            {{"alertmanager", Redacted(url_)}, {"count", dropped}});
  }
  if (send) SendNext();
}

bool AlertQueue::IsIdle() const {
  const std::lock_guard lock(mutex_);
  return !sending_;
}

void AlertQueue::Close() {
  stop_.request_stop();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  metrics_->dropped->Increment(static_cast<double>(waiting_.size()));
  waiting_.clear();
  metrics_->length->Set(0);
}

/// Called by whoever has set sending_.
void AlertQueue::SendNext() {
  HttpRequest request;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = std::min(options_.max_batch, waiting_.size());
    if (count > 0) {
      request.body = "[";
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) request.body += ',';
        request.body += *waiting_[i];
      }
      request.body += "]\n";
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
      if (waiting_.empty()) full_ = false;
      metrics_->length->Set(static_cast<double>(waiting_.size()));
    } else {
      sending_ = false;
    }
  }
  if (count == 0) return idle_();
  request.method = "POST";
  request.url = url_;
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", fmt::format("Vedette/{}", kVersion)}};
  request.timeout = timeout_;
  request.stop = stop_.get_token();
  request.max_body_bytes = kMaxReplyOfAlertmanager;
  client_->Start(std::move(request),
                 [self = shared_from_this(), count, started = steady_clock::now()](const Result<HttpResponse>& result) {
                   self->Answered(count, started, result);
                 });
}

Status AlertQueue::StatusOf(const Result<HttpResponse>& result) const {
  if (!result) return result.error();
  if (result->status / 100 == 2) return Ok();
  std::string text(result->body.substr(0, std::min(result->body.find('\n'), kShownOfReply)));
  return Fail(Code::kUnavailable, "bad response status {}: {}", result->status, Quote(text));
}

void AlertQueue::Answered(std::size_t count, steady_clock::time_point started, const Result<HttpResponse>& result) {
  const Status status = StatusOf(result);
  const auto alerts = static_cast<double>(count);
  if (status) {
    metrics_->seconds->Observe(std::chrono::duration<double>(steady_clock::now() - started).count());
    metrics_->sent->Increment(alerts);
  } else {
    metrics_->errors->Increment(alerts);
    metrics_->dropped->Increment(alerts);
  }
  bool failed_before = false;
  {
    const std::lock_guard lock(mutex_);
    failed_before = std::exchange(failing_, !status);
  }
  const bool canceled = !result && result.error().code == Code::kCanceled;
  if (!status && !failed_before && !canceled) {
    LogError("collector", "alerts not taken by an Alertmanager",
             {{"alertmanager", Redacted(url_)}, {"count", count}, {"error", status.error()}});
  } else if (status && failed_before) {
    LogInfo("collector", "an Alertmanager takes alerts again", {{"alertmanager", Redacted(url_)}});
  }
  SendNext();
}

}  // namespace vedette::collector
