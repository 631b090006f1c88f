// The table of receiver kinds: how a message is written for each and how its answers are read.
//
// Everything here is pure: bytes leave in sender.cpp. To add a kind: <name>.{h,cpp} with the two functions, its
// options, and one row in notifiers.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "alerting/notify/notification.h"
#include "alerting/notify/options.h"
#include "alerting/notify/reply.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::alerting {

using IntegrationConfig = std::variant<SlackConfig, PagerdutyConfig, WebhookConfig>;

/// What a notifier needs beside the message: the secret, read just now, and the configured texts.
struct BuildInput {
  const Notification& notification;
  const IntegrationConfig& config;
  const Secret& secret;  // URL or key
  Texts& texts;
};

struct NotifierSpec {
  std::string_view kind;
  /// A trigger opens something at the receiver that stays open until a resolve with the same id comes.
  bool keeps_open;
  double DeliveryOptions::*per_second;
  double DeliveryOptions::*burst;
  Result<HttpRequest> (*build)(const BuildInput& input);
  Verdict (*classify)(const HttpResponse& response, TimeMs now);
  /// Makes label values harmless before configured templates see them; null: nothing to fear.
  Labels (*disarm)(const Labels& labels);
};

/// Sorted by kind.
std::span<const NotifierSpec> Notifiers();
/// Null when there is no such kind.
const NotifierSpec* FindNotifier(std::string_view kind);

/// Where messages go: one configuration of one receiver. The order of a receiver's configurations is part of it.
struct Target {
  std::string receiver;
  std::string kind;
  std::size_t index = 0;
  auto operator<=>(const Target&) const = default;
  /// "team-x/slack[0]"
  std::string ToString() const;
};

struct Integration {
  Target target;
  IntegrationConfig config;

  bool send_resolved() const;
  const HttpConfig& http_config() const;
  Millis timeout() const;
  /// The URL or key, from the file if it is kept in one. Errors: kIo with the file's name.
  Result<Secret> ReadSecret() const;
};

std::vector<Integration> IntegrationsOf(const Receiver& receiver);

}  // namespace vedette::alerting
