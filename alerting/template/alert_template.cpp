#include "alerting/template/alert_template.h"

#include <array>

#include <fmt/format.h>

namespace vedette::alerting::tmpl {
namespace {

constexpr std::string_view kDataType =
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }";
constexpr std::array<std::string_view, 4> kVariables = {"$labels", "$externalLabels", "$externalURL", "$value"};

}  // namespace

Result<std::shared_ptr<const Template>> ParseAlertTemplate(std::string_view text, std::string_view alert) {
  if (text.find("{{") == std::string_view::npos) return std::shared_ptr<const Template>();
  return Template::Parse(text, fmt::format("__alert_{}", alert), kVariables);
}

std::string ExpandAlertTemplate(const Template& rendered, Environment& environment, const AlertTemplateData& data,
                                bool& failed) {
  const Value labels(data.labels), external_labels(data.external_labels), url(data.external_url), value(data.value);
  const Value dot(Object{
      kDataType, {{"Labels", labels}, {"ExternalLabels", external_labels}, {"ExternalURL", url}, {"Value", value}}});
  const std::array<Template::Variable, 4> variables = {
      {{"$labels", labels}, {"$externalLabels", external_labels}, {"$externalURL", url}, {"$value", value}}};
  auto text = rendered.Execute(environment, dot, variables);
  if (text) return *std::move(text);
  failed = true;
  return fmt::format("<error expanding template: error executing {}>", text.error().message);
}

}  // namespace vedette::alerting::tmpl
