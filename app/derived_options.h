// What parts of the agent are told, worked out of the configuration and the command line. Pure functions, but for the
// file of the query log and warnings.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "alerting/router.h"
#include "alerting/rules/manager.h"
#include "analytics/promql/engine.h"
#include "app/commands.h"
#include "collector/alertmanagers/options.h"
#include "config/config.h"
#include "core/json_log.h"
#include "core/result.h"
#include "storage/options.h"

namespace vedette::app {

/// Whether only this machine can ask what listens there.
bool IsLoopback(const std::string& listen_address);

std::vector<alerting::RuleRef> AlertingRules(std::span<const alerting::RuleFile> files);

collector::AlertmanagersOptions AlertmanagersOf(const config::Config& config);

/// Null: there is to be none.
Result<std::shared_ptr<JsonLog>> OpenQueryLog(const config::Config& config);

/// "15d", "15d or 50GiB".
std::string RetentionText(const storage::StorageOptions& options);

Result<promql::EngineOptions> EngineOptionsOf(const ServeCommand& command);
/// Whether the search endpoints are switched on. The features are valid.
bool WantsSearch(const ServeCommand& command);

}  // namespace vedette::app
