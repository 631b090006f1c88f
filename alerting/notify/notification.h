// One message about one incident, ready to be written in the language of any receiver: plain data and its built-in
// texts.
//
// Made by the alert router when a message is about to leave, so that it tells the present state; notifiers turn it into
// a request. Texts here are plain: each notifier escapes and cuts them for its receiver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/incident/incident.h"
#include "alerting/route/group.h"

namespace vedette::alerting {

struct Notification {
  DeliveryEvent event = DeliveryEvent::kTrigger;
  std::string receiver;
  std::string incident_id;
  std::uint64_t number = 0;
  std::size_t episodes = 1;  // that this message stands for: more when the receiver could not be reached for long
  Priority priority = Priority::kP3;
  std::vector<Reason> reasons;
  Labels group_labels;
  Labels common_labels, common_annotations;  // what all `alerts` agree in
  std::vector<IncidentAlert> alerts;         // firing ones first, then by labels
  std::size_t omitted = 0;                   // alerts beyond what is carried
  TimeMs started_at, now;
  std::optional<TimeMs> resolved_at;
  std::optional<TimeMs> respond_by;  // while nobody has acknowledged it
  std::string external_url;          // without a slash at the end; may be empty

  bool resolved() const { return event == DeliveryEvent::kResolve || event == DeliveryEvent::kFiredAndResolved; }
  std::size_t FiringCount() const;
};

/// Sets the common labels and annotations from `alerts`, and their order.
void FinishNotification(Notification& notification);

/// "firing" or "resolved", as Alertmanager names it.
std::string_view StatusText(const Notification& notification);
/// "[P1] HighErrorRate api", "[P1 resolved] ..."
std::string Headline(const Notification& notification);
/// What people should read first: the summary annotation, else description or message, else the labels.
std::string SummaryText(const Notification& notification);
/// "P1 because ..."
std::string WhyText(const Notification& notification);
/// "fired 2026-11-21T02:40:00Z, resolved after 3m"
std::string TimesText(const Notification& notification);
/// One line for one alert: the labels that tell it from the others, its value, since when.
std::string AlertLine(const Notification& notification, const IncidentAlert& alert);

struct NotificationLink {
  std::string text, url;
};
/// Runbook, dashboard, graph and incident page; http and https only, each once, none longer than `max_url` bytes.
std::vector<NotificationLink> LinksOf(const Notification& notification, std::size_t max_url);

bool IsWebUrl(std::string_view url);

/// Renders a template of the configuration over the notification; an error says what is wrong with it.
using RenderText = std::function<Result<std::string>(std::string_view text)>;

/// Configured texts with their built-in fallbacks: a bad template never loses a page, it is noted on it.
class Texts {
 public:
  explicit Texts(RenderText render) : render_(std::move(render)) {}
  /// `configured` rendered, or `fallback` when it is empty or fails.
  std::string Or(std::string_view configured, std::string fallback);
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  RenderText render_;
  std::vector<std::string> problems_;
};

}  // namespace vedette::alerting
