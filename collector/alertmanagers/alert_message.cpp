// What is sent to an Alertmanager and where: pure functions.
#include "collector/alertmanagers/notifier.h"
#include "core/json_log.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kAlertsPath = "/api/v2/alerts";

void PutMap(std::string_view name, const Labels& labels, std::string& out) {
  out += fmt::format(R"("{}":{{)", name);
  bool first = true;
  for (const auto& [key, value] : labels) {
    if (!std::exchange(first, false)) out += ',';
    out += JsonText(key);
    out += ':';
    out += JsonText(value);
  }
  out += '}';
}

/// Milliseconds always, as the API's own clients write it.
std::string ApiTime(TimeMs time) {
  const CivilTime c = ToCivil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.millisecond);
}

std::string AlertsPath(std::string prefix) {
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && !prefix.starts_with('/')) prefix.insert(0, "/");
  return prefix + std::string(kAlertsPath);
}

}  // namespace

std::string AlertJson(const Labels& labels, const OutgoingAlert& alert) {
  std::string out = "{";
  PutMap("annotations", alert.annotations, out);
  out += fmt::format(R"(,"endsAt":"{}","startsAt":"{}","generatorURL":{},)", ApiTime(alert.ends_at),
                     ApiTime(alert.starts_at), JsonText(alert.generator_url));
  PutMap("labels", labels, out);
  return out + "}";
}

std::optional<Labels> RelabelAlert(const Labels& labels, const Labels& external,
                                   std::span<const RelabelConfig> configs) {
  LabelsBuilder builder(labels);
  for (const auto& [name, value] : external) {
    if (labels.Get(name).empty()) builder.Set(name, value);
  }
  if (!Relabel(builder, configs)) return std::nullopt;
  return builder.Build();
}

Result<FoundAlertmanager> FindAlertmanager(const AlertmanagerConfig& config, const Labels& target,
                                           const Labels& group) {
  LabelsBuilder labels(group);
  for (const auto& [name, value] : target) labels.Set(name, value);
  labels.Set("__scheme__", config.scheme);
  labels.Set("__alerts_path__", AlertsPath(config.path_prefix));
  const Labels before = labels.Build();
  const auto url_of = [](const Labels& of) {
    return fmt::format("{}://{}{}", of.Get("__scheme__"), of.Get("__address__"), of.Get("__alerts_path__"));
  };
  if (!Relabel(labels, config.relabel_configs)) return FoundAlertmanager{url_of(before), true};
  const Labels after = labels.Build();
  const std::string_view address = after.Get("__address__");
  if (address.empty() || address.find('/') != std::string_view::npos) {
    return Fail(Code::kBadData, "{} is not a valid hostname", Quote(address));
  }
  FoundAlertmanager out{url_of(after), false};
  if (const auto url = ParseUrl(out.url); !url) return url.error();
  return out;
}

}  // namespace vedette::collector
