#include "alerting/notify/options.h"

#include "core/log.h"

namespace vedette::alerting {
namespace {

bool IsHttpUrl(std::string_view url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return scheme > 0 && url.size() > scheme && url[scheme] != '/' && url.find_first_of(" \t\r\n") == std::string::npos;
}

/// A secret comes either inline or from a file.
Status CheckOneOf(const Secret& secret, const std::string& file, std::string_view key) {
  if (!secret.empty() && !file.empty()) return Fail(Code::kBadData, "at most one of {0} and {0}_file may be set", key);
  if (secret.empty() && file.empty()) return Fail(Code::kBadData, "one of {0} and {0}_file must be set", key);
  return Ok();
}

Status CheckSecretUrl(const Secret& url, std::string_view key) {
  if (url.empty() || IsHttpUrl(url.Reveal())) return Ok();
  return Fail(Code::kBadData, "{} is not an http or https URL", key);  // the value is a secret
}

Status CheckTimeout(Millis timeout) {
  if (timeout > Millis(0)) return Ok();
  return Fail(Code::kBadData, "timeout must be positive, not {}", FormatDuration(timeout));
}

}  // namespace

Status SlackConfig::Validate() const {
  VEDETTE_CHECK(CheckOneOf(api_url, api_url_file, "api_url"));
  VEDETTE_CHECK(CheckSecretUrl(api_url, "api_url"));
  for (const SlackField& field : fields) {
    if (field.title.empty() || field.value.empty()) {
      return Fail(Code::kBadData, "fields: title and value must be set, not '{}' and '{}'", field.title, field.value);
    }
  }
  for (const SlackAction& action : actions) {
    if (action.text.empty() || action.url.empty()) {
      return Fail(Code::kBadData, "actions: text and url must be set, not '{}' and '{}'", action.text, action.url);
    }
    if (!action.style.empty() && action.style != "primary" && action.style != "danger" && action.style != "default") {
      return Fail(Code::kBadData, "actions: style '{}' is none of default, primary, danger", action.style);
    }
  }
  return CheckTimeout(timeout);
}

Status PagerdutyConfig::Validate() const {
  const bool v1 = !service_key.empty() || !service_key_file.empty();
  const bool v2 = !routing_key.empty() || !routing_key_file.empty();
  if (v1 && v2) return Fail(Code::kBadData, "routing_key (Events v2) and service_key (Events v1) exclude each other");
  if (v1) {
    VEDETTE_CHECK(CheckOneOf(service_key, service_key_file, "service_key"));
  } else {
    VEDETTE_CHECK(CheckOneOf(routing_key, routing_key_file, "routing_key"));
  }
  if (!IsHttpUrl(url)) return Fail(Code::kBadData, "url '{}' is not an http or https URL", Redacted(url));
  return CheckTimeout(timeout);
}

Status WebhookConfig::Validate() const {
  VEDETTE_CHECK(CheckOneOf(url, url_file, "url"));
  VEDETTE_CHECK(CheckSecretUrl(url, "url"));
  return CheckTimeout(timeout);
}

Status Receiver::Validate() const {
  if (name.empty()) return Fail(Code::kBadData, "receivers: a receiver has no name");
  const auto check = [&](std::string_view kind, const auto& configs) -> Status {
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (auto status = configs[i].Validate(); !status) {
        return Annotate(fmt::format("receiver '{}', {}_configs[{}]", name, kind, i), std::move(status).error());
      }
    }
    return Ok();
  };
  VEDETTE_CHECK(check("slack", slack_configs));
  VEDETTE_CHECK(check("pagerduty", pagerduty_configs));
  return check("webhook", webhook_configs);
}

Status DeliveryOptions::Validate() const {
  if (first_backoff <= Millis(0) || max_backoff < first_backoff) {
    return Fail(Code::kBadData, "delivery: first_backoff {} must be positive and at most max_backoff {}",
                FormatDuration(first_backoff), FormatDuration(max_backoff));
  }
  for (const Millis span : give_up_after) {
    if (span < Millis(0)) return Fail(Code::kBadData, "delivery: give_up_after is negative");
  }
  if (max_queue_per_receiver == 0 || max_in_flight == 0) {
    return Fail(Code::kBadData, "delivery: max_queue_per_receiver and max_in_flight must be positive");
  }
  for (const double rate : {slack_per_second, pagerduty_per_second, webhook_per_second}) {
    if (!(rate > 0)) return Fail(Code::kBadData, "delivery: {} messages per second is not a positive rate", rate);
  }
  for (const double burst : {slack_burst, pagerduty_burst, webhook_burst}) {
    if (!(burst >= 1)) return Fail(Code::kBadData, "delivery: a burst of {} is less than one message", burst);
  }
  return Ok();
}

}  // namespace vedette::alerting
