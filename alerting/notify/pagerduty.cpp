#include "alerting/notify/pagerduty.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "alerting/notify/text_limits.h"
#include "core/numbers.h"

namespace vedette::alerting {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxSummary = 1024, kMaxBody = 512'000, kMaxUrl = 2000, kMaxText = 255;
constexpr std::size_t kMaxAlertLines = 100;
constexpr std::string_view kEventsV1 = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
constexpr std::string_view kDefaultV2 = "https://events.pagerduty.com/v2/enqueue";

std::string Print(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string SeverityOf(Priority priority) {
  switch (priority) {
    case Priority::kP0:
      return "critical";
    case Priority::kP1:
      return "error";
    case Priority::kP2:
      return "warning";
    case Priority::kP3:
      return "info";
  }
  return "error";
}

bool IsSeverity(std::string_view text) {
  return text == "critical" || text == "error" || text == "warning" || text == "info";
}

std::string FirstLabel(const Notification& n, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const std::string_view value = n.common_labels.Get(name); !value.empty()) return std::string(value);
  }
  return {};
}

/// Where the trouble is: PagerDuty wants something here in every event.
std::string SourceOf(const Notification& n) {
  std::string source = FirstLabel(n, {"instance", "service", "job", "cluster"});
  if (source.empty() && !n.alerts.empty()) source = n.alerts.front().labels.Get("instance");
  if (source.empty()) source = n.external_url.empty() ? "vedette" : n.external_url;
  return source;
}

json LabelsObject(const Labels& labels) {
  json out = json::object();
  for (const LabelView label : labels) out[CleanText(label.name)] = CleanText(label.value);
  return out;
}

json BuiltInDetails(const Notification& n) {
  json reasons = json::array();
  for (const Reason& r : n.reasons) reasons.push_back({{"input", r.input}, {"text", r.text}, {"weight", r.weight}});
  json firing = json::array(), resolved = json::array();
  for (const IncidentAlert& alert : n.alerts) {
    json& list = alert.firing() ? firing : resolved;
    if (list.size() < kMaxAlertLines) list.push_back(CleanText(AlertLine(n, alert)));
  }
  json details = {{"priority", PriorityName(n.priority)},
                  {"why", WhyText(n)},
                  {"reasons", std::move(reasons)},
                  {"incident", {{"id", n.incident_id}, {"number", n.number}}},
                  {"times", TimesText(n)},
                  {"labels", LabelsObject(n.common_labels)},
                  {"annotations", LabelsObject(n.common_annotations)},
                  {"num_firing", n.FiringCount()},
                  {"num_resolved", n.alerts.size() - n.FiringCount()}};
  if (!firing.empty()) details["firing"] = std::move(firing);
  if (!resolved.empty()) details["resolved"] = std::move(resolved);
  if (n.omitted > 0) details["alerts_not_listed"] = n.omitted;
  for (const IncidentAlert& alert : n.alerts) {
    for (const Evidence& e : alert.evidence) details["evidence"][CleanText(e.name)] = CleanText(e.value);
    if (!alert.evidence.empty()) break;
  }
  return details;
}

class Event {
 public:
  explicit Event(const BuildInput& input)
      : input_(input), n_(input.notification), config_(std::get<PagerdutyConfig>(input.config)), texts_(input.texts) {}

  json V2() {
    json payload = {{"summary", Summary()},
                    {"source", Text(config_.source, SourceOf(n_))},
                    {"severity", Severity()},
                    {"timestamp", FormatRfc3339(n_.resolved() && n_.resolved_at ? *n_.resolved_at : n_.started_at)}};
    AddText(payload, "component", config_.component, FirstLabel(n_, {"job", "service"}));
    AddText(payload, "group", config_.group, FirstLabel(n_, {"cluster", "namespace", "service"}));
    AddText(payload, "class", config_.event_class, FirstLabel(n_, {"alertname"}));
    payload["custom_details"] = Details();
    json body = {{"routing_key", input_.secret.Reveal()},
                 {"event_action", Action()},
                 {"dedup_key", n_.incident_id},
                 {"payload", std::move(payload)}};
    if (Action() == "trigger") {
      AddClient(body);
      AddLinks(body);
    }
    return body;
  }

  json V1() {
    json body = {{"service_key", input_.secret.Reveal()},
                 {"event_type", Action()},
                 {"incident_key", n_.incident_id},
                 {"description", Summary()},
                 {"details", Details()}};
    if (Action() == "trigger") AddClient(body);
    return body;
  }

 private:
  /// What fired and ended unseen is triggered all the same; its resolve follows at once.
  std::string_view Action() const { return n_.event == DeliveryEvent::kResolve ? "resolve" : "trigger"; }

  std::string Text(std::string_view configured, std::string fallback, std::size_t max = kMaxText) {
    std::string text = CleanAndCut(texts_.Or(configured, fallback), max);
    return text.empty() ? CleanAndCut(fallback, max) : text;
  }
  void AddText(json& object, const char* key, std::string_view configured, std::string fallback) {
    const std::string text = Text(configured, std::move(fallback));
    if (!text.empty()) object[key] = text;
  }
  std::string Summary() {
    std::string text = Text(config_.description, Headline(n_) + ": " + SummaryText(n_), kMaxSummary);
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  std::string Severity() {
    const std::string text = texts_.Or(config_.severity, "");
    return IsSeverity(text) ? text : SeverityOf(n_.priority);
  }

  json Details() {
    json details = BuiltInDetails(n_);
    for (const auto& [name, text] : config_.details) details[name] = CleanText(texts_.Or(text, ""));
    if (!texts_.problems().empty()) details["template_error"] = CleanText(texts_.problems().front());
    return details;
  }

  void AddClient(json& body) {
    body["client"] = Text(config_.client, "Vedette");
    const std::string url = texts_.Or(config_.client_url, n_.external_url);
    if (IsWebUrl(url) && url.size() <= kMaxUrl) body["client_url"] = url;
  }

  void AddLinks(json& body) {
    json links = json::array(), images = json::array();
    const auto add = [&](const std::string& href, const std::string& text) {
      if (IsWebUrl(href) && href.size() <= kMaxUrl)
        links.push_back({{"href", href}, {"text", CleanAndCut(text, kMaxText)}});
    };
    for (const PagerdutyLink& link : config_.links) add(texts_.Or(link.href, ""), texts_.Or(link.text, "Link"));
    for (const NotificationLink& link : LinksOf(n_, kMaxUrl)) add(link.url, link.text);
    for (const PagerdutyImage& image : config_.images) {
      const std::string src = texts_.Or(image.src, ""), href = texts_.Or(image.href, "");
      if (!src.starts_with("https://") || !IsWebUrl(src) || src.size() > kMaxUrl) continue;
      json entry = {{"src", src}, {"alt", CleanAndCut(texts_.Or(image.alt, ""), kMaxText)}};
      if (IsWebUrl(href)) entry["href"] = href;
      images.push_back(std::move(entry));
    }
    if (!links.empty()) body["links"] = std::move(links);
    if (!images.empty()) body["images"] = std::move(images);
  }

  const BuildInput& input_;
  const Notification& n_;
  const PagerdutyConfig& config_;
  Texts& texts_;
};

/// Too large: the details make room for a note, what pages people stays.
void Shrink(json& details, const Notification& n) {
  details = {{"priority", PriorityName(n.priority)},
             {"why", CleanAndCut(WhyText(n), 1000)},
             {"note", "the details were left out: the event would exceed 512 KB"},
             {"num_firing", n.FiringCount()}};
}

}  // namespace

Result<HttpRequest> BuildPagerduty(const BuildInput& input) {
  const auto& config = std::get<PagerdutyConfig>(input.config);
  const bool v1 = !config.service_key.empty() || !config.service_key_file.empty();
  Event event(input);
  json body = v1 ? event.V1() : event.V2();
  HttpRequest request;
  request.method = "POST";
  request.url = v1 && config.url == kDefaultV2 ? std::string(kEventsV1) : config.url;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = Print(body);
  if (request.body.size() > kMaxBody) {
    Shrink(v1 ? body["details"] : body["payload"]["custom_details"], input.notification);
    body.erase("images");
    request.body = Print(body);
  }
  return request;
}

}  // namespace vedette::alerting
