#include "alerting/notify/notifiers.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "alerting/notify/pagerduty.h"
#include "alerting/notify/slack.h"
#include "alerting/notify/slack_text.h"
#include "alerting/notify/webhook.h"

namespace vedette::alerting {
namespace {

// clang-format off
constexpr auto kNotifiers = std::to_array<NotifierSpec>({
    // kind      keeps open  messages per second                   burst                             build           answers         labels
    {"pagerduty", true,  &DeliveryOptions::pagerduty_per_second, &DeliveryOptions::pagerduty_burst, BuildPagerduty, ClassifyStatus, nullptr},
    {"slack",     false, &DeliveryOptions::slack_per_second,     &DeliveryOptions::slack_burst,     BuildSlack,     ClassifySlack,  SlackDisarm},
    {"webhook",   false, &DeliveryOptions::webhook_per_second,   &DeliveryOptions::webhook_burst,   BuildWebhook,   ClassifyStatus, nullptr},
});
// clang-format on
static_assert(std::ranges::adjacent_find(kNotifiers, std::ranges::greater_equal{}, &NotifierSpec::kind) ==
                  kNotifiers.end(),
              "sorted by kind, each kind once");

/// Keys and URLs are short; a larger file is not one.
constexpr std::streamsize kMaxSecretBytes = 64 << 10;

Result<Secret> FromFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(Code::kIo, "cannot read the secret in {}", path);
  std::string text(static_cast<std::size_t>(kMaxSecretBytes), '\0');
  file.read(text.data(), kMaxSecretBytes);
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty()) return Fail(Code::kIo, "the secret in {} is empty", path);
  return Secret(std::move(text));
}

Result<Secret> Either(const Secret& inline_value, const std::string& file) {
  if (file.empty()) return inline_value;
  return FromFile(file);
}

struct SecretReader {
  Result<Secret> operator()(const SlackConfig& c) const { return Either(c.api_url, c.api_url_file); }
  Result<Secret> operator()(const WebhookConfig& c) const { return Either(c.url, c.url_file); }
  Result<Secret> operator()(const PagerdutyConfig& c) const {
    if (!c.service_key.empty() || !c.service_key_file.empty()) return Either(c.service_key, c.service_key_file);
    return Either(c.routing_key, c.routing_key_file);
  }
};

}  // namespace

std::span<const NotifierSpec> Notifiers() { return kNotifiers; }

const NotifierSpec* FindNotifier(std::string_view kind) {
  const auto found = std::find_if(kNotifiers.begin(), kNotifiers.end(), [&](const auto& s) { return s.kind == kind; });
  return found == kNotifiers.end() ? nullptr : &*found;
}

std::string Target::ToString() const { return fmt::format("{}/{}[{}]", receiver, kind, index); }

bool Integration::send_resolved() const {
  return std::visit([](const auto& c) { return c.send_resolved; }, config);
}

const HttpConfig& Integration::http_config() const {
  return std::visit([](const auto& c) -> const HttpConfig& { return c.http_config; }, config);
}

Millis Integration::timeout() const {
  return std::visit([](const auto& c) { return c.timeout; }, config);
}

Result<Secret> Integration::ReadSecret() const { return std::visit(SecretReader(), config); }

std::vector<Integration> IntegrationsOf(const Receiver& receiver) {
  std::vector<Integration> out;
  const auto add = [&](std::string_view kind, const auto& configs) {
    for (std::size_t i = 0; i < configs.size(); ++i) {
      out.push_back({{receiver.name, std::string(kind), i}, configs[i]});
    }
  };
  add("pagerduty", receiver.pagerduty_configs);
  add("slack", receiver.slack_configs);
  add("webhook", receiver.webhook_configs);
  return out;
}

}  // namespace vedette::alerting
