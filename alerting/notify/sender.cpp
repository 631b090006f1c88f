#include "alerting/notify/sender.h"

#include "alerting/notify/notification_template.h"

namespace vedette::alerting {
namespace {

/// Answers are a word or a small object; nobody needs more.
constexpr std::size_t kMaxReplyBytes = 1 << 20;

}  // namespace

Result<HttpRequest> MakeRequest(const Integration& integration, const Notification& notification,
                                const std::string& definitions, std::vector<std::string>& template_problems) {
  const NotifierSpec* spec = FindNotifier(integration.target.kind);
  VEDETTE_TRY(const Secret secret, integration.ReadSecret());
  Texts texts(NotificationRenderer(notification, definitions, spec->disarm));
  VEDETTE_TRY(HttpRequest request, spec->build({notification, integration.config, secret, texts}));
  template_problems = texts.problems();
  // A URL from a file was not checked before; it is a secret, so the message does not show it.
  if (!IsWebUrl(request.url)) {
    return Fail(Code::kBadData, "the URL of {} is not an http or https URL", integration.target.ToString());
  }
  request.timeout = integration.timeout();
  request.max_body_bytes = kMaxReplyBytes;
  return request;
}

void HttpSender::Close() {
  std::map<Target, std::shared_ptr<HttpClient>> clients;  // destroyed outside of the lock
  std::vector<std::shared_ptr<HttpClient>> retired;
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  clients.swap(clients_);
  retired.swap(retired_);
}

void HttpSender::Reset() {
  std::vector<std::shared_ptr<HttpClient>> unused;  // destroyed outside of the lock
  const std::scoped_lock lock(mutex_);
  unused.swap(retired_);
  for (auto& [target, client] : clients_) retired_.push_back(std::move(client));
  clients_.clear();
}

Result<std::shared_ptr<HttpClient>> HttpSender::ClientFor(const Integration& integration) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return Fail(Code::kCanceled, "the sender has stopped");
  auto& client = clients_[integration.target];
  if (!client) {
    VEDETTE_TRY(client, HttpClient::Create(io_, integration.http_config()));
  }
  return client;
}

void HttpSender::Send(const Integration& integration, const Notification& notification, const std::string& definitions,
                      std::vector<std::string>& template_problems, Done done) {
  auto request = MakeRequest(integration, notification, definitions, template_problems);
  if (!request) return done(ClassifyFailure(request.error()));
  auto client = ClientFor(integration);
  if (!client) return done(ClassifyFailure(client.error()));
  const auto classify = FindNotifier(integration.target.kind)->classify;
  const TimeMs now = notification.now;
  (*client)->Start(*std::move(request), [classify, now, done = std::move(done)](Result<HttpResponse> response) {
    done(response ? classify(*response, now) : ClassifyFailure(response.error()));
  });
}

}  // namespace vedette::alerting
