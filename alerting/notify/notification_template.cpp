#include "alerting/notify/notification_template.h"

#include <memory>
#include <optional>

#include "alerting/template/template.h"

namespace vedette::alerting {
namespace {

using tmpl::Value;

/// Messages are short; a template that prints more than this is wrong.
constexpr std::size_t kMaxTextBytes = 64 << 10;
/// Stands between the definitions and the text: what the definitions print by themselves is cut off there.
constexpr std::string_view kMark = "\x01\x02vedette\x02\x01";

class NotificationEnvironment final : public tmpl::Environment {
 public:
  explicit NotificationEnvironment(const Notification& n) : n_(n) {}
  Result<std::vector<QuerySample>> Query(std::string_view) override {
    return Fail(Code::kExecution, "query is not defined in notifications");
  }
  TimeMs Now() const override { return n_.now; }
  std::string ExternalUrl() const override { return n_.external_url; }

 private:
  const Notification& n_;
};

Value AlertValue(const IncidentAlert& alert, Labels (*disarm)(const Labels&)) {
  return Value(tmpl::Object{"template.Alert",
                            {{"Status", alert.firing() ? "firing" : "resolved"},
                             {"Labels", disarm(alert.labels)},
                             {"Annotations", disarm(alert.annotations)},
                             {"StartsAt", alert.starts_at},
                             {"EndsAt", alert.ended_at.value_or(TimeMs(-62'135'596'800'000))},  // year 1: not ended
                             {"GeneratorURL", alert.generator_url},
                             {"Fingerprint", fmt::format("{:016x}", alert.Fingerprint())},
                             {"Value", alert.value}}});
}

Value DataOf(const Notification& n, Labels (*disarm)(const Labels&)) {
  tmpl::List alerts;
  for (const IncidentAlert& alert : n.alerts) alerts.push_back(AlertValue(alert, disarm));
  return Value(tmpl::Object{"template.Data",
                            {{"Receiver", n.receiver},
                             {"Status", StatusText(n)},
                             {"Alerts", std::move(alerts)},
                             {"GroupLabels", disarm(n.group_labels)},
                             {"CommonLabels", disarm(n.common_labels)},
                             {"CommonAnnotations", disarm(n.common_annotations)},
                             {"ExternalURL", n.external_url},
                             {"Priority", PriorityName(n.priority)},
                             {"Why", WhyText(n)},
                             {"IncidentID", n.incident_id},
                             {"IncidentNumber", static_cast<std::int64_t>(n.number)}}});
}

Labels Unchanged(const Labels& labels) { return labels; }

/// The data is made when the first template needs it: most receivers have none.
struct Renderer {
  const Notification* notification;
  std::string definitions;
  Labels (*disarm)(const Labels&);
  std::optional<Value> data;

  Result<std::string> operator()(std::string_view text) {
    if (text.find("{{") == std::string_view::npos) return std::string(text);
    const std::string whole = fmt::format("{}{}{}", definitions, kMark, text);
    VEDETTE_TRY(const auto compiled, tmpl::Template::Parse(whole, "notification", {}));
    if (!data) data = DataOf(*notification, disarm);
    NotificationEnvironment environment(*notification);
    tmpl::TemplateLimits limits;
    limits.max_output_bytes = kMaxTextBytes + definitions.size();
    VEDETTE_TRY(std::string out, compiled->Execute(environment, *data, {}, limits));
    const std::size_t mark = out.find(kMark);
    return mark == std::string::npos ? out : out.substr(mark + kMark.size());
  }
};

}  // namespace

RenderText NotificationRenderer(const Notification& notification, const std::string& definitions,
                                Labels (*disarm)(const Labels&)) {
  return Renderer{&notification, definitions, disarm != nullptr ? disarm : Unchanged, std::nullopt};
}

}  // namespace vedette::alerting
