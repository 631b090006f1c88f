#include "app/agent.h"

#include <malloc.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>

#include "alerting/router.h"
#include "alerting/rules/manager.h"
#include "analytics/jobs.h"
#include "app/alert_fork.h"
#include "app/derived_options.h"
#include "app/loader.h"
#include "app/own_metrics.h"
#include "app/reload_parts.h"
#include "app/scrape_census.h"
#include "app/threads.h"
#include "collector/alertmanagers/notifier.h"
#include "collector/host/host_collector.h"
#include "collector/host/host_reader.h"
#include "collector/probe/prober.h"
#include "collector/push/gateway/gateway.h"
#include "collector/push/graphite_listener.h"
#include "collector/push/influx.h"
#include "collector/push/otlp/receiver.h"
#include "collector/push/remote_write.h"
#include "collector/remote/fanout_storage.h"
#include "collector/remote/read_server.h"
#include "collector/remote/remote_writers.h"
#include "collector/remote/request_auth.h"
#include "collector/scrape/manager.h"
#include "config/config.h"
#include "core/http_client.h"
#include "core/json_log.h"
#include "core/log.h"
#include "dashboards/api/context.h"
#include "dashboards/api/routes.h"
#include "dashboards/http/server.h"
#include "dashboards/web/pages.h"
#include "storage/rocks/rocks_storage.h"

namespace vedette::app {
namespace {

/// Handlers that may wait for a query's turn, and these many more for everything else.
constexpr std::size_t kSpareRequestThreads = 8;
/// How long requests under way may take when the agent stops.
constexpr Millis kStopGrace = std::chrono::seconds(3);
/// For alerts that external Alertmanagers have not got yet.
constexpr Millis kAlertDrain = std::chrono::seconds(10);
/// Of the state tables: when this data directory was first used.
constexpr std::string_view kAgentTable = "agent", kSinceKey = "since";

/// glibc keeps an arena per thread, and freed memory in it: two dozen threads need no more than a few arenas.
void BoundArenas() {
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 4);
#endif
}

}  // namespace

struct Agent::Impl {
  Impl(const ServeCommand& serve, ProcessRequests asked)
      : command(serve), requests(std::move(asked)), registry(std::make_shared<prometheus::Registry>()) {}

  Status Start();
  Status Reload();
  void Stop();

  Status OpenStore();
  Status StartRemoteRead();
  Status StartRemoteWrite();
  Status StartAlerting();
  Status StartScraping();
  Status StartAnalytics();
  Status StartServer();
  Status SwapHost(const collector::HostOptions& options);
  void UseProbes(const collector::ProbeOptions& options);
  dashboards::ApiContext MakeApiContext();
  dashboards::RuntimeInfo Runtime() const;
  void NoteReload(bool succeeded);

  const ServeCommand command;
  const ProcessRequests requests;
  const Clock& clock = SystemClock();
  const TimeMs started = clock.Now();
  std::atomic<dashboards::Readiness> readiness{dashboards::Readiness::kStarting};

  /// Guards what a reload changes: the configuration in force and its bookkeeping.
  mutable std::mutex config_mutex;
  std::shared_ptr<const config::Config> config;
  bool last_reload_good = true;
  TimeMs last_reload, last_attempt;
  std::mutex reload_mutex;  // one reload at a time

  collector::HostReader host;

  std::shared_ptr<prometheus::Registry> registry;
  prometheus::Gauge* reload_good = nullptr;
  prometheus::Gauge* reload_time = nullptr;
  OwnMetrics all_metrics{*registry};

  std::optional<Loader> loader;
  promql::EngineOptions engine_options;
  std::vector<alerting::RuleFile> first_rule_files;
  std::vector<collector::WriteMessage> write_messages;

  std::unique_ptr<storage::RocksStorage> store;
  std::unique_ptr<Threads> threads;
  /// The store and, behind it, the remote ends that are read from: what everything that asks gets.
  std::unique_ptr<collector::FanoutStorage> all_samples;
  TimeMs first_start;
  /// For those who may have to show a cloud provider who they are.
  const std::function<Result<std::unique_ptr<HttpClient>>(const HttpConfig&, const collector::RequestAuth&)>
      authorized_client = [this](const HttpConfig& http, const collector::RequestAuth& auth) {
        return collector::NewAuthorizedClient({threads->io(), threads->ingest(), clock, {}}, http, auth);
      };
  std::unique_ptr<collector::ReadServer> read_server;
  std::unique_ptr<promql::Engine> engine;
  std::atomic<const collector::ScrapeManager*> metadata_source{nullptr};
  std::unique_ptr<collector::RemoteWriters> writers;
  ScrapeCensus census;
  std::unique_ptr<alerting::AlertRouter> router;
  std::unique_ptr<collector::Notifier> notifier;
  std::optional<AlertFork> alerts;
  std::unique_ptr<alerting::RuleManager> rules;
  std::unique_ptr<collector::Prober> prober;
  std::unique_ptr<collector::ScrapeManager> scraper;
  std::unique_ptr<collector::Intake> intake;
  std::unique_ptr<collector::RemoteWriteReceiver> receiver;
  std::unique_ptr<collector::OtlpReceiver> otlp;
  std::unique_ptr<collector::InfluxReceiver> influx;
  std::unique_ptr<collector::PushGateway> pushgateway;    // null: switched off
  std::unique_ptr<collector::GraphiteListener> graphite;  // null: switched off
  std::unique_ptr<analytics::AnalyticsJobs> jobs;
  std::unique_ptr<dashboards::ApiContext> api;
  std::unique_ptr<dashboards::Server> server;

  /// What undoes the steps of Start(), run backwards.
  std::vector<std::function<void()>> undo;
};

Status Agent::Impl::Start() {
  BoundArenas();
  VEDETTE_TRY(engine_options, EngineOptionsOf(command));
  VEDETTE_TRY(write_messages, collector::ParseWriteMessages(command.write_messages));
  loader.emplace(command, engine_options.parser);
  VEDETTE_TRY(Loaded loaded, loader->Load());
  first_rule_files = std::move(loaded.rule_files);
  config = std::make_shared<const config::Config>(std::move(loaded.config));
  auto& good = prometheus::BuildGauge()
                   .Name("vedette_config_last_reload_successful")
                   .Help("Whether the last attempt to load the configuration succeeded.")
                   .Register(*registry);
  auto& when = prometheus::BuildGauge()
                   .Name("vedette_config_last_reload_success_timestamp_seconds")
                   .Help("When the configuration in force was loaded.")
                   .Register(*registry);
  reload_good = &good.Add({});
  reload_time = &when.Add({});
  NoteReload(true);

  VEDETTE_CHECK(OpenStore());
  VEDETTE_CHECK(StartRemoteWrite());
  VEDETTE_CHECK(StartAlerting());
  VEDETTE_CHECK(StartScraping());
  VEDETTE_CHECK(StartAnalytics());
  VEDETTE_CHECK(StartServer());
  readiness = dashboards::Readiness::kReady;
  LogInfo("app", "ready",
          {{"address", command.listen_address},
           {"data", config->storage.path},
           {"config", config->file.empty() ? "built-in" : config->file},
           {"seconds", (clock.Now() - started).count() / 1000.0}});
  return Ok();
}

Status Agent::Impl::OpenStore() {
  storage::RocksTuning tuning;
  tuning.loading_failed = [](const Error& error) {
    LogError("app", "Vedette cannot go on", {{"reason", error}});
    fmt::print(stderr, "vedette: {}\n", error.message);
    std::_Exit(1);  // as a crash, which the store is made for: nothing may touch it any more
  };
  tuning.needs_start = [this](const Error&) { requests.restart(); };
  // Threads take their time to be made: that of the replay.
  auto made = std::async(std::launch::async, [this] {
    return std::make_unique<Threads>(command.query_max_concurrency + kSpareRequestThreads);
  });
  auto opened = storage::RocksStorage::Open(config->storage, clock, *registry, tuning);
  threads = made.get();
  VEDETTE_TRY(store, std::move(opened));
  VEDETTE_CHECK(StartRemoteRead());
  // The subquery default is the evaluation interval, as in Prometheus.
  engine_options.default_subquery_step = config->rules.evaluation_interval;
  engine = std::make_unique<promql::Engine>(*all_samples, engine_options, clock, *registry);
  VEDETTE_TRY(std::shared_ptr<JsonLog> query_log, OpenQueryLog(*config));
  engine->SetQueryLog(std::move(query_log));
  return Ok();
}

/// From when on the store has everything: from the first start with it, or from the first day that is left.
Status Agent::Impl::StartRemoteRead() {
  VEDETTE_TRY(const std::optional<std::string> since, store->Get(kAgentTable, kSinceKey));
  if (since && std::from_chars(since->data(), since->data() + since->size(), first_start.ms).ec == std::errc()) {
    // noted by an earlier start
  } else {
    // A store of before this was noted: its first day may have begun at any hour.
    const std::optional<TimeMs> first_day = store->FirstDay();
    first_start = first_day ? *first_day + Millis(std::chrono::hours(24)) : started;
    storage::StateBatch batch;
    batch.Put(kAgentTable, kSinceKey, std::to_string(first_start.ms));
    VEDETTE_CHECK(store->Write(batch));
  }
  all_samples = std::make_unique<collector::FanoutStorage>(collector::FanoutStorage::Services{
      .local = *store,
      .registry = *registry,
      .new_client = [this](const HttpConfig& http) { return HttpClient::Create(threads->io(), http); },
      .local_start = [this] { return std::max(first_start, store->FirstDay().value_or(first_start)); }});
  collector::ReadServerOptions options;
  options.max_samples = command.remote_read_samples;
  options.max_concurrency = command.remote_read_concurrency;
  options.max_frame_bytes = command.remote_read_frame_bytes;
  read_server = std::make_unique<collector::ReadServer>(
      *all_samples,
      [this] {
        const std::lock_guard lock(config_mutex);
        return config->rules.external_labels;
      },
      options);
  return all_samples->Apply(config->remote_read, config->rules.external_labels);
}

/// Before everything that writes, and so stopped behind it.
Status Agent::Impl::StartRemoteWrite() {
  writers = std::make_unique<collector::RemoteWriters>(collector::RemoteWriters::Services{
      .feeds = *store, .clock = clock, .registry = *registry, .new_client = authorized_client, .metadata = [this] {
        const collector::ScrapeManager* const source = metadata_source.load();
        return source != nullptr ? source->Metadata() : std::vector<collector::MetricMetadata>();
      }});
  undo.push_back([this] { writers->Stop(command.remote_flush_deadline); });
  VEDETTE_CHECK(writers->Apply(config->remote_write, config->rules.external_labels));
  writers->ForgetOthers();
  return Ok();
}

Status Agent::Impl::StartAlerting() {
  const alerting::RouterServices services{.state = *store, .clock = clock, .registry = *registry, .census = &census};
  VEDETTE_TRY(router, alerting::AlertRouter::Open(services, config->alerting, threads->io(), threads->rules()));
  undo.push_back([this] { router->Stop(); });
  notifier = std::make_unique<collector::Notifier>(
      collector::Notifier::Services{.io = threads->io(),
                                    .workers = threads->ingest(),
                                    .clock = clock,
                                    .registry = *registry,
                                    .new_client = authorized_client},
      collector::AlertQueueOptions{command.alert_queue_capacity, command.alert_batch, command.alert_drain});
  VEDETTE_CHECK(notifier->Apply(AlertmanagersOf(*config)));
  undo.push_back([this] { notifier->Stop(kAlertDrain); });
  alerts.emplace(*router, *notifier);
  rules = std::make_unique<alerting::RuleManager>(
      alerting::RuleServices{
          .storage = *all_samples, .engine = *engine, .sink = *alerts, .clock = clock, .registry = *registry},
      threads->io(), threads->rules());
  const std::vector<alerting::RuleRef> known = AlertingRules(first_rule_files);
  VEDETTE_CHECK(rules->Load(std::move(first_rule_files), config->rules));
  VEDETTE_CHECK(router->RetainRules(known));
  router->Start();
  rules->Start();
  undo.push_back([this] { rules->Stop(); });
  return Ok();
}

Status Agent::Impl::SwapHost(const collector::HostOptions& options) {
  std::shared_ptr<collector::HostCollector> next;
  if (options.enabled) {
    VEDETTE_TRY(next, collector::HostCollector::Open(options, clock));
  }
  host.Use(std::move(next));
  return Ok();
}

void Agent::Impl::UseProbes(const collector::ProbeOptions& options) {
  for (const auto& [name, module] : options.modules) {
    if (!module.unsupported.empty()) {
      LogWarn("app", "probe module will not be run", {{"module", name}, {"reason", module.unsupported}});
    }
  }
  prober->Use(std::make_shared<collector::ProbeOptions>(options));
}

Status Agent::Impl::StartScraping() {
  VEDETTE_CHECK(SwapHost(config->host));
  prober = collector::Prober::Create(threads->io(), threads->probes(), *registry);
  UseProbes(config->probes);
  undo.push_back([this] { prober->Stop(); });
  scraper =
      std::make_unique<collector::ScrapeManager>(collector::ScrapeEnvironment{.io = threads->io(),
                                                                              .workers = threads->ingest(),
                                                                              .storage = *store,
                                                                              .clock = clock,
                                                                              .registry = *registry,
                                                                              .new_client = HttpClient::Create,
                                                                              .scrape_loops = threads->scrape_loops()});
  scraper->RegisterSource("host", [this] { return host.Read(); });
  intake = std::make_unique<collector::Intake>(*store, clock, *registry, config->collector.push);
  if (config->collector.push.pushgateway) {
    VEDETTE_TRY(pushgateway, collector::PushGateway::Open(*store, *intake, *registry));
  }
  scraper->RegisterSource(
      "pushgateway", [this] { return pushgateway ? pushgateway->Page() : std::string(); },
      collector::ExpositionFormat::kProtobuf);
  VEDETTE_CHECK(scraper->Apply(config->collector.scrape_configs));
  receiver = std::make_unique<collector::RemoteWriteReceiver>(*intake);
  influx = std::make_unique<collector::InfluxReceiver>(*intake);
  otlp = std::make_unique<collector::OtlpReceiver>(*intake, config->collector.otlp, command.query_lookback);
  census.Use(scraper.get());
  metadata_source = scraper.get();
  scraper->Start();
  undo.push_back([this] {
    host.Stop();
    scraper->Stop();
    census.Use(nullptr);
  });
  if (config->collector.push.graphite_listen_address.empty()) return Ok();
  VEDETTE_TRY(graphite, collector::GraphiteListener::Listen(*intake, threads->io(), threads->ingest(), *registry));
  undo.push_back([this] { graphite->Stop(); });
  return Ok();
}

Status Agent::Impl::StartAnalytics() {
  if (!config->analytics.enabled) return Ok();
  VEDETTE_TRY(jobs, analytics::AnalyticsJobs::Open(config->analytics, analytics::EngineQuery(*engine), *all_samples,
                                                   *store, clock, *registry));
  jobs->Start();
  undo.push_back([this] {
    if (jobs) jobs->Stop();
  });
  return Ok();
}

Status Agent::Impl::StartServer() {
  api = std::make_unique<dashboards::ApiContext>(MakeApiContext());
  dashboards::Router routes;
  dashboards::AddApiRoutes(routes, *api);
  dashboards::AddPages(routes);
  dashboards::ServerOptions options;
  options.listen_address = command.listen_address;
  options.max_connections = command.max_connections;
  options.read_timeout = command.read_timeout;
  options.cors_origin = command.cors_origin;
  VEDETTE_TRY(server, dashboards::Server::Listen(options, std::move(routes), threads->io(),
                                                 {threads->requests(), threads->ingest(), threads->inline_handlers()},
                                                 *registry));
  undo.push_back([this] {
    server->Stop(kStopGrace);
    server.reset();
  });
  return Ok();
}

dashboards::RuntimeInfo Agent::Impl::Runtime() const {
  const std::lock_guard lock(config_mutex);
  char host_name[256] = "localhost";
  gethostname(host_name, sizeof host_name - 1);
  std::error_code ignored;
  return {.start_time = started,
          .working_directory = std::filesystem::current_path(ignored).string(),
          .host_name = host_name,
          .reload_succeeded = last_reload_good,
          .last_config_time = last_reload,
          .storage_retention = RetentionText(config->storage),
          .threads = std::thread::hardware_concurrency(),
          .last_reload_attempt = last_attempt};
}

dashboards::ApiContext Agent::Impl::MakeApiContext() {
  dashboards::ApiContext out{
      .storage = *all_samples,
      .engine = *engine,
      .clock = clock,
      .metrics = all_metrics,
      .options = {.admin_api = command.admin_api,
                  .cancel_queries = command.admin_api,
                  .search = WantsSearch(command),
                  .max_search_limit = command.max_search_limit,
                  .flags = command.flags,
                  .external_url = loader->ExternalUrl(),
                  .listen_address = command.listen_address,
                  .write_messages = write_messages},
      .local_storage = store.get(),
      .external_labels =
          [this] {
            const std::lock_guard lock(config_mutex);
            return config->rules.external_labels;
          },
      .alertmanagers = [this] { return notifier->Alertmanagers(); },
      .targets = [this] { return scraper->Targets(); },
      .scrape_pools = [this] { return scraper->Pools(); },
      .scrape_pool_config = [this](std::string_view pool) { return scraper->PoolConfig(pool); },
      .target_metadata = [this](const dashboards::LabelFilter& match, std::string_view metric,
                                std::size_t limit) { return scraper->MetadataByTarget(match, metric, limit); },
      .metadata = [this](std::string_view metric) { return scraper->Metadata(metric); },
      .rule_groups = [this] { return rules->Groups(); },
      .alerts = [this] { return rules->Alerts(); },
      .incidents = [this](const alerting::IncidentFilter& filter) { return router->Incidents(filter); },
      .remote_write = {},
      .probe = {},
      .remote_read = read_server.get(),
      .admin = store.get(),
      .readiness = [this] { return readiness.load(); },
      .config_text =
          [this] {
            const std::lock_guard lock(config_mutex);
            return config->masked_yaml;
          },
      .runtime_info = [this] { return Runtime(); },
      .reload = {},
      .quit = {}};
  out.probe = [this](collector::ProbeRequest request, collector::Prober::Done done) {
    prober->Start(std::move(request), std::move(done));
  };
  if (command.remote_write_receiver) {
    out.remote_write = [this](std::string_view body, collector::WriteFormat format) {
      return receiver->Ingest(body, format);
    };
  }
  if (command.otlp_receiver) {
    out.otlp = [this](std::string_view body, std::string_view type, std::string_view encoding) {
      return otlp->Ingest(body, type, encoding);
    };
  }
  if (config->collector.push.influx) {
    out.influx = [this](const collector::InfluxRequest& request) { return influx->Ingest(request); };
  }
  out.pushed_bodies = std::make_shared<const dashboards::BodyLimits>(
      dashboards::BodyLimits{config->collector.push.max_decoded_bytes,
                             [budget = intake->budget()](std::size_t bytes) { return budget->Take(bytes); },
                             [budget = intake->budget()](std::size_t bytes) { budget->Give(bytes); }});
  out.pushgateway = pushgateway.get();
  if (command.lifecycle || IsLoopback(command.listen_address)) out.reload = [this] { return Reload(); };
  if (command.lifecycle) out.quit = requests.quit;
  return out;
}

void Agent::Impl::NoteReload(bool succeeded) {
  const std::lock_guard lock(config_mutex);
  last_reload_good = succeeded;
  last_attempt = clock.Now();
  reload_good->Set(succeeded ? 1 : 0);
  if (!succeeded) return;
  last_reload = clock.Now();
  reload_time->Set(last_reload.Seconds());
}

Status Agent::Impl::Reload() {
  const std::lock_guard only_one(reload_mutex);
  const auto fail = [this](const Error& error) -> Status {
    LogError("app", "configuration not reloaded, the old one stays in force", {{"reason", error}});
    NoteReload(false);
    return error;
  };
  auto loaded = loader->Load();
  if (!loaded) return fail(loaded.error());
  auto next = std::make_shared<const config::Config>(std::move(loaded->config));
  // Everything that can fail comes first.
  if (const Status valid = next->analytics.Validate(); !valid) return fail(valid.error());
  auto query_log = OpenQueryLog(*next);  // again, so that a file that was moved away is made anew
  if (!query_log) return fail(query_log.error());
  const ReloadPart parts[] = {
      {"host", [this](const config::Config& to) { return SwapHost(to.host); }},
      {"remote_write",
       [this](const config::Config& to) { return writers->Apply(to.remote_write, to.rules.external_labels); }},
      {"remote_read",
       [this](const config::Config& to) { return all_samples->Apply(to.remote_read, to.rules.external_labels); }},
      {"scrape_configs", [this](const config::Config& to) { return scraper->Apply(to.collector.scrape_configs); }},
      {"alerting", [this](const config::Config& to) { return router->Reload(to.alerting); }},
      {"alertmanagers", [this](const config::Config& to) { return notifier->Apply(AlertmanagersOf(to)); }},
  };
  Status applied = ApplyOrGoBack(parts, *config, *next);
  if (applied) {
    applied = rules->Load(std::move(loaded->rule_files), next->rules);  // or nothing changes
    if (!applied) GoBack(parts, *config);
  }
  if (!applied) {
    writers->ForgetOthers();  // those that were begun for the ends that are not to be
    return fail(applied.error());
  }
  UseProbes(next->probes);
  engine->SetQueryLog(*std::move(query_log));
  writers->ForgetOthers();
  otlp->Apply(next->collector.otlp);
  if (jobs) jobs->Stop();
  jobs.reset();
  {
    const std::lock_guard lock(config_mutex);
    config = next;
  }
  if (next->analytics.enabled) {
    auto opened = analytics::AnalyticsJobs::Open(next->analytics, analytics::EngineQuery(*engine), *all_samples, *store,
                                                 clock, *registry);
    if (!opened) return fail(opened.error());
    jobs = *std::move(opened);
    jobs->Start();
  }
  NoteReload(true);
  LogInfo("app", "configuration reloaded", {{"config", next->file.empty() ? "built-in" : next->file}});
  return Ok();
}

void Agent::Impl::Stop() {
  readiness = dashboards::Readiness::kStopping;
  for (auto step = undo.rbegin(); step != undo.rend(); ++step) (*step)();
  undo.clear();
}

Agent::Agent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Agent::~Agent() {
  if (impl_) impl_->Stop();
}

Result<std::unique_ptr<Agent>> Agent::Start(const ServeCommand& command, ProcessRequests requests) {
  auto agent = std::unique_ptr<Agent>(new Agent(std::make_unique<Impl>(command, std::move(requests))));
  VEDETTE_CHECK(agent->impl_->Start());
  return agent;
}

Status Agent::Reload() { return impl_->Reload(); }

void Agent::Stop() { impl_->Stop(); }

}  // namespace vedette::app
