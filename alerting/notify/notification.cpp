#include "alerting/notify/notification.h"

#include <algorithm>

#include "core/numbers.h"

namespace vedette::alerting {
namespace {

/// Labels in a line for people; more does not fit a screen.
constexpr std::size_t kMaxLineLabels = 6, kMaxLineValue = 100;

/// What all sets agree in.
template <class Get>
Labels Common(const std::vector<IncidentAlert>& alerts, Get get) {
  LabelsBuilder out;
  if (alerts.empty()) return {};
  for (const LabelView label : get(alerts.front())) {
    const bool shared = std::all_of(alerts.begin() + 1, alerts.end(), [&](const IncidentAlert& alert) {
      return get(alert).Get(label.name) == label.value;
    });
    if (shared) out.Set(label.name, label.value);
  }
  return out.Build();
}

/// What the trouble is called: the alert's name, else its group.
std::string Subject(const Notification& n) {
  std::string out(n.common_labels.Get("alertname"));
  if (out.empty()) out = n.group_labels.Get("alertname");
  if (out.empty()) out = n.group_labels.empty() ? "alerts" : n.group_labels.ToString();
  for (const std::string_view name : {"service", "job", "instance"}) {
    const std::string_view value = n.common_labels.Get(name);
    if (!value.empty()) out.append(" ").append(value);
  }
  return out;
}

std::string FirstAnnotation(const Labels& annotations) {
  for (const std::string_view name : {"summary", "description", "message"}) {
    if (const std::string_view text = annotations.Get(name); !text.empty()) return std::string(text);
  }
  return {};
}

/// An annotation that all alerts share, else that of the first one that has it.
std::string_view AnyAnnotation(const Notification& n, std::string_view name) {
  for (const IncidentAlert& alert : n.alerts) {
    if (const std::string_view text = alert.annotations.Get(name); !text.empty()) return text;
  }
  return {};
}

}  // namespace

std::size_t Notification::FiringCount() const {
  return static_cast<std::size_t>(
      std::count_if(alerts.begin(), alerts.end(), [](const IncidentAlert& a) { return a.firing(); }));
}

void FinishNotification(Notification& n) {
  std::sort(n.alerts.begin(), n.alerts.end(), [](const IncidentAlert& a, const IncidentAlert& b) {
    if (a.firing() != b.firing()) return a.firing();
    return a.labels < b.labels;
  });
  n.common_labels = Common(n.alerts, [](const IncidentAlert& a) -> const Labels& { return a.labels; });
  n.common_annotations = Common(n.alerts, [](const IncidentAlert& a) -> const Labels& { return a.annotations; });
}

std::string_view StatusText(const Notification& n) { return n.resolved() ? "resolved" : "firing"; }

std::string Headline(const Notification& n) {
  std::string out = fmt::format("[{}", PriorityName(n.priority));
  switch (n.event) {
    case DeliveryEvent::kTrigger:
      break;
    case DeliveryEvent::kUpdate:
      out += " update";
      break;
    case DeliveryEvent::kRepeat:
      out += " still firing";
      break;
    case DeliveryEvent::kResolve:
      out += " resolved";
      break;
    case DeliveryEvent::kFiredAndResolved:
      out += " fired and resolved";
      break;
  }
  out += "] " + Subject(n);
  if (const std::size_t firing = n.FiringCount(); firing + n.omitted > 1) {
    fmt::format_to(std::back_inserter(out), " ({} firing)", firing + n.omitted);
  }
  return out;
}

std::string SummaryText(const Notification& n) {
  std::string text = FirstAnnotation(n.common_annotations);
  if (text.empty() && !n.alerts.empty()) {
    text = FirstAnnotation(n.alerts.front().annotations);
    if (!text.empty() && n.alerts.size() > 1) {
      fmt::format_to(std::back_inserter(text), " (and {} more)", n.alerts.size() - 1 + n.omitted);
    }
  }
  if (text.empty()) text = Subject(n);
  return text;
}

std::string WhyText(const Notification& n) { return ReasonText(n.priority, n.reasons); }

std::string TimesText(const Notification& n) {
  std::string out = fmt::format("fired {}", FormatRfc3339(n.started_at));
  if (n.resolved_at) {
    const Millis lasted = std::chrono::duration_cast<std::chrono::seconds>(*n.resolved_at - n.started_at);
    fmt::format_to(std::back_inserter(out), ", resolved {} after {}", FormatRfc3339(*n.resolved_at),
                   FormatDuration(std::max(lasted, Millis(0))));
  } else if (n.respond_by) {
    fmt::format_to(std::back_inserter(out), ", to be acknowledged by {}", FormatRfc3339(*n.respond_by));
  }
  if (n.episodes > 1) fmt::format_to(std::back_inserter(out), ", {} times since the last message", n.episodes);
  return out;
}

std::string AlertLine(const Notification& n, const IncidentAlert& alert) {
  std::string out;
  std::size_t shown = 0;
  for (const LabelView label : alert.labels) {
    if (n.common_labels.Get(label.name) == label.value && n.alerts.size() > 1) continue;
    if (label.name == "alertname") continue;
    if (++shown > kMaxLineLabels) break;
    if (!out.empty()) out += ", ";
    fmt::format_to(std::back_inserter(out), "{}={}", label.name, label.value.substr(0, kMaxLineValue));
  }
  if (out.empty()) out = alert.Name();
  if (!alert.firing()) return out + ": resolved " + FormatRfc3339(*alert.ended_at);
  return fmt::format("{}: value {}, since {}", out, FormatSampleValue(alert.value), FormatRfc3339(alert.starts_at));
}

std::vector<NotificationLink> LinksOf(const Notification& n, std::size_t max_url) {
  std::vector<NotificationLink> out;
  const auto add = [&](std::string_view text, std::string_view url) {
    if (!IsWebUrl(url) || url.size() > max_url) return;
    const bool known = std::any_of(out.begin(), out.end(), [&](const NotificationLink& l) { return l.url == url; });
    if (!known) out.push_back({std::string(text), std::string(url)});
  };
  add("Runbook", AnyAnnotation(n, "runbook_url"));
  add("Runbook", AnyAnnotation(n, "runbook"));
  add("Dashboard", AnyAnnotation(n, "dashboard_url"));
  add("Dashboard", AnyAnnotation(n, "dashboard"));
  if (!n.alerts.empty()) add("Graph", n.alerts.front().generator_url);
  if (!n.external_url.empty()) add("Incident", fmt::format("{}/#/incidents/{}", n.external_url, n.number));
  return out;
}

bool IsWebUrl(std::string_view url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || url.size() == scheme) return false;
  return std::all_of(url.begin(), url.end(), [](unsigned char c) {
    return c > 0x20 && c != 0x7F && c != '<' && c != '>' && c != '|' && c != '"' && c != '\\';
  });
}

std::string Texts::Or(std::string_view configured, std::string fallback) {
  if (configured.empty()) return fallback;
  auto text = render_(configured);
  if (text) return *std::move(text);
  problems_.push_back(text.error().message);
  return fallback;
}

}  // namespace vedette::alerting
