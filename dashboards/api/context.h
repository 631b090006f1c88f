// What the HTTP API answers from. app/ fills one ApiContext at the start; tests fill it with a memory store and fakes.
//
// Everything in here is called from several worker threads at once. A view that is not set answers "nothing there", so
// a part of the agent that does not run simply has no entries.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerting/rules/views.h"
#include "analytics/promql/engine.h"
#include "collector/alertmanagers/notifier.h"
#include "collector/probe/prober.h"
#include "collector/push/influx.h"
#include "collector/push/otlp/receiver.h"
#include "collector/push/remote_write.h"
#include "collector/scrape/manager.h"
#include "core/clock.h"
#include "dashboards/http/router.h"
#include "storage/admin.h"
#include "storage/storage.h"

namespace prometheus {
class Collectable;
}
namespace vedette::alerting {
struct IncidentView;  // alerting/router_views.h
struct IncidentFilter;
}  // namespace vedette::alerting

namespace vedette::collector {
class PushGateway;
class ReadServer;
}  // namespace vedette::collector

namespace vedette::dashboards {

enum class Readiness : std::uint8_t { kStarting, kReady, kStopping };

/// Switches that are set when the process starts.
struct ApiOptions {
  bool admin_api = false;  // --web.enable-admin-api
  /// Anybody may end anybody's queries. Not by default, also on loopback: any page in a browser there may send a POST.
  bool cancel_queries = false;
  bool search = false;                    // --enable-feature=search-api
  std::size_t max_search_limit = 10'000;  // 0: none
  /// Every flag with its value in force.
  std::vector<std::pair<std::string, std::string>> flags;
  /// How others reach this server; replaces localhost in the globalUrl of targets. No slash at the end.
  std::string external_url = "http://127.0.0.1:9090";
  std::string listen_address = "127.0.0.1:9090";
  /// Those of remote write that are taken.
  std::vector<collector::WriteMessage> write_messages = {collector::WriteMessage::kVersion1,
                                                         collector::WriteMessage::kVersion2};
};

/// /api/v1/status/runtimeinfo.
struct RuntimeInfo {
  TimeMs start_time;
  std::string working_directory, host_name;
  bool reload_succeeded = true;
  TimeMs last_config_time;
  std::string storage_retention;  // "15d"
  std::size_t threads = 0;
  TimeMs last_reload_attempt;
};

using LabelFilter = std::function<bool(const Labels&)>;

struct ApiContext {
  storage::Storage& storage;
  const promql::Engine& engine;
  const Clock& clock;
  const prometheus::Collectable& metrics;  // what /metrics serves
  ApiOptions options{};

  /// What this agent itself has stored; null: the same as `storage`. For those who ask every agent themselves.
  const storage::Storage* local_storage = nullptr;
  /// Those in force, for what leaves this agent.
  std::function<Labels()> external_labels{};

  // Views of the parts.
  std::function<collector::Notifier::View()> alertmanagers{};  // empty: there are none
  std::function<collector::TargetsView()> targets{};
  std::function<std::vector<std::string>()> scrape_pools{};
  /// (job name): ScrapeManager::PoolConfig.
  std::function<std::optional<collector::ScrapeConfig>(std::string_view)> scrape_pool_config{};
  /// (match_target, metric or empty, limit or 0): ScrapeManager::MetadataByTarget.
  std::function<std::vector<collector::TargetMetadata>(const LabelFilter&, std::string_view, std::size_t)>
      target_metadata{};
  /// (metric or empty): ScrapeManager::Metadata.
  std::function<std::vector<collector::MetricMetadata>(std::string_view)> metadata{};
  std::function<std::vector<alerting::RuleGroupView>()> rule_groups{};
  std::function<std::vector<alerting::AlertView>()> alerts{};
  std::function<std::vector<alerting::IncidentView>(const alerting::IncidentFilter&)> incidents{};
  /// Takes a compressed remote-write request; not set: the receiver is switched off.
  std::function<collector::PushOutcome(std::string_view, collector::WriteFormat)> remote_write{};
  /// (body, Content-Type, Content-Encoding) of an OTLP request; not set: the receiver is switched off.
  std::function<collector::OtlpReceiver::Answer(std::string_view, std::string_view, std::string_view)> otlp{};
  /// A body of InfluxDB's line protocol; not set: switched off.
  std::function<collector::PushOutcome(const collector::InfluxRequest&)> influx{};

  /// Of everything that is pushed; null: the server's.
  std::shared_ptr<const BodyLimits> pushed_bodies{};

  /// Keeps groups of metrics; null: switched off.
  collector::PushGateway* pushgateway = nullptr;

  /// Runs a service check; the answer comes later, on another thread. Not set: there are none.
  std::function<void(collector::ProbeRequest, collector::Prober::Done)> probe{};
  /// Answers remote reads; null: "not available".
  collector::ReadServer* remote_read = nullptr;

  /// The same store, for operators; null: what only they may do answers "not available".
  storage::StoreAdmin* admin = nullptr;

  // The agent around the API.
  std::function<Readiness()> readiness{};
  /// The configuration in force, secrets masked.
  std::function<std::string()> config_text{};
  std::function<RuntimeInfo()> runtime_info{};
  /// Reads the configuration again; on an error the old one stays in force. Not set: switched off.
  std::function<Status()> reload{};
  /// Asks the process to end; returns at once. Not set: switched off.
  std::function<void()> quit{};
};

/// What `view` answers, or an empty answer when it is not set: `Ask(context.targets)`.
template <class Answer, class... Parameters, class... Arguments>
Answer Ask(const std::function<Answer(Parameters...)>& view, Arguments&&... arguments) {
  return view ? view(std::forward<Arguments>(arguments)...) : Answer{};
}

}  // namespace vedette::dashboards
