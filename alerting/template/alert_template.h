// Labels and annotations of alerts: the variables and data that Prometheus gives to their templates.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "alerting/template/functions.h"
#include "alerting/template/template.h"
#include "core/labels.h"
#include "core/result.h"

namespace vedette::alerting::tmpl {

struct AlertTemplateData {
  Labels labels;  // of the query's result, metric name included
  double value = 0;
  Labels external_labels;
  std::string external_url;
};

/// Null for text without any action, which needs no rendering.
/// Errors: kBadData, "template: __alert_<alert>:<line>: <reason>".
Result<std::shared_ptr<const Template>> ParseAlertTemplate(std::string_view text, std::string_view alert);

/// The text; on an error "<error expanding template: ...>", so that the alert still goes out. `failed` is set then.
std::string ExpandAlertTemplate(const Template& rendered, Environment& environment, const AlertTemplateData& data,
                                bool& failed);

}  // namespace vedette::alerting::tmpl
