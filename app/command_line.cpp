#include "app/command_line.h"

#include <CLI/CLI.hpp>

#include "config/config.h"
#include "core/version.h"

namespace vedette::app {
namespace {

/// CLI11 stores strings; these turn them into our types with a message that names the text.
template <class T, class Parse>
CLI::callback_t Into(T& target, Parse parse) {
  return [&target, parse](const CLI::results_t& texts) {
    auto value = parse(texts.back());
    if (!value) throw CLI::ValidationError(value.error().message);
    target = *std::move(value);
    return true;
  };
}

CLI::Option* AddDuration(CLI::App& app, const std::string& names, Millis& target, const std::string& help) {
  return app.add_option(names, Into(target, [](const std::string& text) { return ParseDuration(text); }), help)
      ->type_name("DURATION")
      ->default_str(FormatDuration(target));
}

CLI::Option* AddDuration(CLI::App& app, const std::string& names, std::optional<Millis>& target,
                         const std::string& help) {
  return app.add_option(names, Into(target, [](const std::string& text) { return ParseDuration(text); }), help)
      ->type_name("DURATION");
}

void AddLogFlags(CLI::App& app, LogFlags& log) {
  app.add_option("--log.level", Into(log.level, [](const std::string& text) { return ParseLogLevel(text); }),
                 "least severe lines that are written")
      ->type_name("debug|info|warn|error")
      ->default_str("info");
  app.add_option("--log.format", Into(log.format, [](const std::string& text) { return ParseLogFormat(text); }),
                 "layout of a line")
      ->type_name("logfmt|json")
      ->default_str("logfmt");
}

void AddServeFlags(CLI::App& app, ServeCommand& serve) {
  AddLogFlags(app, serve.log);
  app.add_option("--config.file", serve.config_file,
                 "configuration file, a superset of prometheus.yml (built-in when absent)");
  app.add_option("--storage.path,--storage.tsdb.path", serve.storage_path, "data directory");
  AddDuration(app, "--storage.retention.time,--storage.tsdb.retention.time", serve.retention,
              "how long samples are kept");
  app.add_option("--storage.retention.size,--storage.tsdb.retention.size",
                 Into(serve.retention_bytes, [](const std::string& text) { return config::ParseByteSize(text); }),
                 "size of the data directory beyond which the oldest days go; 0: any")
      ->type_name("SIZE");
  AddDuration(app, "--storage.wal-sync-interval", serve.wal_sync_interval,
              "how often the journal is synced to disk; 0s: every batch");
  AddDuration(app, "--storage.remote.flush-deadline", serve.remote_flush_deadline,
              "how long stopping waits for remote ends that take samples; the rest is sent after the next start");
  app.add_option("--storage.remote.read-sample-limit", serve.remote_read_samples,
                 "samples of one answer to a remote read; 0: any number")
      ->capture_default_str();
  app.add_option("--storage.remote.read-concurrent-limit", serve.remote_read_concurrency,
                 "remote reads answered at once")
      ->capture_default_str();
  app.add_option("--storage.remote.read-max-bytes-in-frame", serve.remote_read_frame_bytes,
                 "bytes of a frame when a remote read is streamed")
      ->capture_default_str();
  app.add_option("--web.listen-address", serve.listen_address, "HOST:PORT to listen on")->capture_default_str();
  app.add_option("--web.external-url", serve.external_url, "URL under which people reach this agent, for links");
  app.add_option("--web.cors.origin", serve.cors_origin, "anchored regular expression of allowed origins")
      ->capture_default_str();
  app.add_option("--web.max-connections", serve.max_connections, "connections at once")->capture_default_str();
  app.add_option("--web.search.max-limit", serve.max_search_limit, "limit that searches may ask for; 0: any")
      ->capture_default_str();
  AddDuration(app, "--web.read-timeout", serve.read_timeout, "idle connections are closed after this");
  app.add_flag("--web.enable-remote-write-receiver,!--no-web.enable-remote-write-receiver", serve.remote_write_receiver,
               "accept samples on /api/v1/write");
  app.add_option("--web.remote-write-receiver.accepted-protobuf-messages", serve.write_messages,
                 "messages of remote write to accept; may be given more than once")
      ->default_str("prometheus.WriteRequest,io.prometheus.write.v2.Request");
  app.add_flag("--web.enable-otlp-receiver,!--no-web.enable-otlp-receiver", serve.otlp_receiver,
               "accept OTLP metrics on /api/v1/otlp/v1/metrics");
  app.add_flag("--web.enable-admin-api,!--no-web.enable-admin-api", serve.admin_api, "serve /api/v1/admin");
  app.add_flag("--web.enable-lifecycle,!--no-web.enable-lifecycle", serve.lifecycle,
               "serve /-/quit, and /-/reload also when not listening on loopback");
  app.add_option("--probes.modules-file", serve.probe_modules_file,
                 "modules of service checks, a blackbox.yml (built-in when absent)");
  app.add_option("--alertmanager.notification-queue-capacity", serve.alert_queue_capacity,
                 "alerts that wait for one external Alertmanager; more drop the oldest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--alertmanager.notification-batch-size", serve.alert_batch,
                 "alerts in one request to an external Alertmanager")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag(
         "--alertmanager.drain-notification-queue-on-shutdown,!--no-alertmanager.drain-notification-queue-on-shutdown",
         serve.alert_drain, "send waiting alerts before the end")
      ->default_str("true");
  AddDuration(app, "--query.timeout", serve.query_timeout, "longest time a query may take");
  AddDuration(app, "--query.lookback-delta", serve.query_lookback, "how far back an instant looks for a sample");
  app.add_option("--query.max-samples", serve.query_max_samples, "samples a query may hold in memory")
      ->capture_default_str();
  app.add_option("--query.max-concurrency", serve.query_max_concurrency, "queries evaluated at once")
      ->capture_default_str();
  app.add_option("--query.result-cache-bytes", serve.query_result_cache_bytes,
                 "memory for results of range queries that are asked again a little later; 0: none are kept")
      ->capture_default_str();
  app.add_option("--enable-feature", serve.features, "comma-separated features, named like Prometheus'");
}

/// The flags with their values, as /api/v1/status/flags lists them.
std::vector<std::pair<std::string, std::string>> FlagsInForce(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> flags;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "help" || name == "version") continue;
    std::string value = option->get_default_str();
    if (option->count() > 0) value = CLI::detail::join(option->results(), ",");
    if (value.empty() && option->get_expected_min() == 0) value = "false";
    flags.emplace_back(name, value);
  }
  return flags;
}

CLI::Option* AddFormat(CLI::App& app, std::string& format) {
  return app.add_option("--format", format, "text, openmetrics, jsonl (as VictoriaMetrics has it) or csv")
      ->check(CLI::IsMember({"text", "openmetrics", "jsonl", "csv"}))
      ->capture_default_str();
}

/// A running agent, or a data directory that nobody has open.
void AddStore(CLI::App& app, std::string& server, std::string& storage_path) {
  app.add_option("--server", server, "URL of the agent, which needs --web.enable-admin-api")->capture_default_str();
  app.add_option("--storage.path", storage_path, "work on this data directory instead; no agent may have it open");
}

std::string BaseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

}  // namespace

std::string VersionText() { return fmt::format("vedette, version {} ({})\n", kVersion, kRevision); }

Command ParseCommandLine(const std::vector<std::string>& args) {
  CLI::App app("Vedette watches services: scrapes metrics, answers PromQL, forecasts, and pages the right person.",
               "vedette");
  app.require_subcommand(0, 1);
  bool version = false;
  app.add_flag("--version", version, "print the version");

  ServeCommand serve;
  CLI::App* serve_app = app.add_subcommand("serve", "run the agent (also what plain `vedette` does)");
  AddServeFlags(*serve_app, serve);

  CheckConfigCommand check_config;
  CheckRulesCommand check_rules;
  CheckMetricsCommand check_metrics;
  CLI::App* check_app = app.add_subcommand("check", "check files without running anything");
  check_app->require_subcommand(1);
  CLI::App* check_config_app = check_app->add_subcommand("config", "configuration files and what they name");
  check_config_app->add_option("FILE", check_config.files, "configuration files")->required();
  check_config_app->add_flag("--syntax-only", check_config.syntax_only, "do not open the files that are named");
  check_config_app->add_flag("--agent", check_config.agent, "check for an agent that only forwards what it scrapes");
  CLI::App* check_rules_app = check_app->add_subcommand("rules", "rule files");
  check_rules_app->add_option("FILE", check_rules.files, "rule files")->required();
  check_rules_app->add_flag("--ignore-unknown-fields", check_rules.ignore_unknown_fields, "accept keys nobody knows");
  CLI::App* check_metrics_app =
      check_app->add_subcommand("metrics",
                                "metrics as a target shows them, on standard input, strictly; exit status 3: "
                                "good, with remarks");
  check_metrics_app->add_option("--format", check_metrics.format, "what they are written in")
      ->check(CLI::IsMember({"text", "openmetrics"}))
      ->capture_default_str();

  QueryCommand query;
  CLI::App* query_app = app.add_subcommand("query", "ask a running agent: an instant query, or a range with --start");
  query_app->add_option("EXPR", query.expression, "PromQL expression")->required();
  query_app->add_option("--server", query.server, "URL of the agent")->capture_default_str();
  query_app->add_option("--time", query.time, "Unix seconds or RFC 3339 (now)");
  query_app->add_option("--start", query.start, "start of a range");
  query_app->add_option("--end", query.end, "end of a range (now)");
  query_app->add_option("--step", query.step, "step of a range (1m)");
  query_app->add_flag("--json", query.json, "print the reply as it is");

  CapacityCommand capacity;
  CLI::App* report_app = app.add_subcommand("report", "reports for planners");
  report_app->require_subcommand(1);
  CLI::App* capacity_app =
      report_app->add_subcommand("capacity", "when each filesystem of a running agent's hosts is full");
  capacity_app->add_option("--server", capacity.server, "URL of the agent")->capture_default_str();
  AddDuration(*capacity_app, "--history", capacity.history, "how much of the past is looked at");
  capacity_app->add_option("--format", capacity.format, "text, csv or json")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();

  ImportCommand import;
  CLI::App* import_app = app.add_subcommand("import", "samples from a file into the store");
  import_app->add_option("FILE", import.file, "file to read; - for standard input")->required();
  AddFormat(*import_app, import.format);
  AddStore(*import_app, import.server, import.storage_path);

  ExportCommand exported;
  CLI::App* export_app = app.add_subcommand("export", "samples of the store as text");
  export_app->add_option("--match", exported.matchers, "series selectors (all series)");
  export_app->add_option("--start", exported.start, "Unix seconds or RFC 3339");
  export_app->add_option("--end", exported.end, "Unix seconds or RFC 3339");
  export_app->add_option("--output", exported.file, "file to write; - for standard output")->capture_default_str();
  AddFormat(*export_app, exported.format);
  AddStore(*export_app, exported.server, exported.storage_path);

  BackupCommand backup;
  CLI::App* backup_app = app.add_subcommand("backup", "a copy of the data directory, of a running agent too");
  backup_app->add_option("DIR", backup.directory, "where to; made")->required();
  AddStore(*backup_app, backup.server, backup.storage_path);

  RestoreCommand restore;
  CLI::App* restore_app = app.add_subcommand("restore", "make a data directory of a backup");
  restore_app->add_option("DIR", restore.directory, "the backup")->required();
  restore_app->add_option("--storage.path", restore.storage_path, "data directory, empty or not there")
      ->capture_default_str();

  StorageCommand storage;
  CLI::App* storage_app = app.add_subcommand("storage", "look at a data directory that no agent has open");
  storage_app->require_subcommand(1);
  const auto add_storage = [&](const char* name, const char* help) {
    CLI::App* sub = storage_app->add_subcommand(name, help);
    sub->add_option("PATH", storage.path, "data directory")->required();
    return sub;
  };
  CLI::App* inspect_app = add_storage("inspect", "days, series, samples and bytes");
  CLI::App* verify_app = add_storage("verify", "read everything and name what is damaged");
  verify_app->add_flag("--repair", storage.repair, "drop what cannot be read, and say what was lost");
  CLI::App* compact_app = add_storage("compact", "seal, re-pack and compact everything");

  std::vector<std::string> reversed(args.rbegin(), args.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* asked = &app;
    while (!asked->get_subcommands().empty()) asked = asked->get_subcommands().front();
    return PrintCommand{asked->help(asked == &app ? "" : "vedette " + BaseName(asked->get_name())), 0};
  } catch (const CLI::ParseError& error) {
    return PrintCommand{fmt::format("vedette: {}\nRun `vedette --help` for what there is.\n", error.what()), 2};
  }
  if (version) return PrintCommand{VersionText(), 0};
  if (check_config_app->parsed()) return check_config;
  if (check_rules_app->parsed()) return check_rules;
  if (check_metrics_app->parsed()) return check_metrics;
  if (query_app->parsed()) return query;
  if (capacity_app->parsed()) return capacity;
  if (import_app->parsed()) return import;
  if (export_app->parsed()) return exported;
  if (backup_app->parsed()) return backup;
  if (restore_app->parsed()) return restore;
  if (inspect_app->parsed()) return storage;
  if (verify_app->parsed() || compact_app->parsed()) {
    storage.what = verify_app->parsed() ? StorageCommand::What::kVerify : StorageCommand::What::kCompact;
    return storage;
  }
  serve.flags = FlagsInForce(*serve_app);
  return serve;
}

}  // namespace vedette::app
