// Receivers: where notifications go and what they look like, in Alertmanager's shape, and how delivery behaves.
//
// Text fields are templates over the notification (alerting/template); an empty one means the built-in text. Secrets
// given as `*_file` are read for each request, so that rotation works without a reload.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/http_client.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace vedette::alerting {

/// A field of a Slack message: two columns when short.
struct SlackField {
  std::string title, value;
  bool short_field = false;
};

/// A link button under a Slack message.
struct SlackAction {
  std::string text, url;
  std::string style;  // "", "primary" or "danger"
};

struct SlackConfig {
  /// Differs from Alertmanager's default (false): who was told of trouble is told of its end.
  bool send_resolved = true;
  Secret api_url;  // incoming webhook
  std::string api_url_file;
  std::string channel, username, icon_emoji, icon_url;
  std::string color, title, title_link, pretext, text, fallback, footer;
  std::vector<SlackField> fields;
  std::vector<SlackAction> actions;
  bool short_fields = false;
  std::string image_url, thumb_url;
  Millis timeout = std::chrono::seconds(10);  // of one request
  HttpConfig http_config;

  Status Validate() const;
};

struct PagerdutyLink {
  std::string href, text;
};

struct PagerdutyImage {
  std::string src, alt, href;
};

struct PagerdutyConfig {
  bool send_resolved = true;
  Secret routing_key;  // Events API v2
  std::string routing_key_file;
  Secret service_key;  // Events API v1: the "Prometheus" integration
  std::string service_key_file;
  std::string url = "https://events.pagerduty.com/v2/enqueue";
  std::string client, client_url, description;
  std::string severity;  // empty: from the priority (P0 critical, P1 error, P2 warning, P3 info)
  std::string component, group, event_class, source;
  std::vector<std::pair<std::string, std::string>> details;  // added to the built-in custom_details
  std::vector<PagerdutyLink> links;
  std::vector<PagerdutyImage> images;
  Millis timeout = std::chrono::seconds(10);
  HttpConfig http_config;

  Status Validate() const;
};

struct WebhookConfig {
  bool send_resolved = true;
  Secret url;  // may carry a token
  std::string url_file;
  std::size_t max_alerts = 0;  // in one body; 0: all
  Millis timeout = std::chrono::seconds(10);
  HttpConfig http_config;

  Status Validate() const;
};

struct Receiver {
  std::string name;
  std::vector<SlackConfig> slack_configs;
  std::vector<PagerdutyConfig> pagerduty_configs;
  std::vector<WebhookConfig> webhook_configs;

  /// Errors: kBadData for a missing or doubly given credential, a URL that is none.
  Status Validate() const;
};

/// How the outbox retries and what it bounds.
struct DeliveryOptions {
  /// Waiting before a retry: uniform between 0 and first_backoff * 2^n, at most max_backoff, and never less than the
  /// Retry-After of the reply.
  Millis first_backoff = std::chrono::seconds(1);
  Millis max_backoff = std::chrono::minutes(1);
  /// A Retry-After beyond this is cut to it: a confused receiver must not silence us for a day.
  Millis max_retry_after = std::chrono::minutes(15);
  /// How long a message of P0, P1, P2, P3 is retried before it counts as dead. Zero: for as long as the incident is
  /// open, and a resolve of it for a week.
  std::array<Millis, 4> give_up_after = {Millis(0), std::chrono::hours(24), std::chrono::hours(12),
                                         std::chrono::hours(6)};
  /// Messages waiting for one receiver; beyond it the least urgent repeat is dropped first, never a resolve.
  std::size_t max_queue_per_receiver = 10'000;
  /// Requests in flight over all receivers; each receiver has one at most.
  std::size_t max_in_flight = 16;
  /// Steady messages per second and burst of each receiver, by kind. Slack asks for 1/s per channel.
  double slack_per_second = 1, slack_burst = 3;
  double pagerduty_per_second = 5, pagerduty_burst = 20;
  double webhook_per_second = 20, webhook_burst = 50;

  Status Validate() const;
};

}  // namespace vedette::alerting
