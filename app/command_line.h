// What the user asked for: flags of `vedette serve` (named like Prometheus') and the subcommands.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/log.h"
#include "core/time.h"

namespace vedette::app {

struct LogFlags {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
};

/// What is not set here comes from the configuration file, or is the default of the part's options.
struct ServeCommand {
  LogFlags log;
  std::string config_file;  // empty: the built-in default, which watches this host and Vedette itself
  std::string listen_address = "127.0.0.1:9090";
  std::optional<std::string> storage_path;
  std::optional<Millis> retention;
  std::optional<std::size_t> retention_bytes;
  std::optional<Millis> wal_sync_interval;
  std::optional<std::string> probe_modules_file;
  std::string external_url;
  std::string cors_origin = ".*";
  std::size_t max_connections = 512;
  Millis read_timeout = std::chrono::minutes(5);
  bool remote_write_receiver = false;
  Millis remote_flush_deadline = std::chrono::minutes(1);
  std::size_t remote_read_samples = 50'000'000;
  std::size_t remote_read_concurrency = 10;
  std::size_t remote_read_frame_bytes = 1 << 20;
  std::vector<std::string> write_messages = {"prometheus.WriteRequest", "io.prometheus.write.v2.Request"};
  bool otlp_receiver = false;
  bool admin_api = false;
  std::size_t max_search_limit = 10'000;
  bool lifecycle = false;
  std::size_t alert_queue_capacity = 10'000;
  std::size_t alert_batch = 256;
  bool alert_drain = true;
  Millis query_timeout = std::chrono::minutes(2);
  Millis query_lookback = std::chrono::minutes(5);
  std::size_t query_max_samples = 50'000'000;
  std::size_t query_max_concurrency = 20;
  std::size_t query_result_cache_bytes = 32 << 20;
  std::vector<std::string> features;
  /// Every flag with the value in force, for /api/v1/status/flags.
  std::vector<std::pair<std::string, std::string>> flags;
};

struct CheckConfigCommand {
  std::vector<std::string> files;
  bool syntax_only = false;  // do not look at the files that the configuration names
  bool agent = false;        // it is for an agent that only forwards
};

struct CheckRulesCommand {
  std::vector<std::string> files;
  bool ignore_unknown_fields = false;
};

/// Metrics as a target shows them, on standard input.
struct CheckMetricsCommand {
  std::string format = "text";  // text, openmetrics
};

/// One query against a running agent; what is empty is left out of the request.
struct QueryCommand {
  std::string server = "http://127.0.0.1:9090";
  std::string expression;
  std::string time, start, end, step;
  bool json = false;
};

struct CapacityCommand {
  std::string server = "http://127.0.0.1:9090";
  Millis history = std::chrono::hours(24 * 28);
  std::string format = "text";  // text, csv, json
};

/// Samples from a file into a running agent, or into a data directory that nobody has open.
struct ImportCommand {
  std::string server = "http://127.0.0.1:9090";
  std::string storage_path;  // not empty: this directory instead of the server
  std::string format = "text";
  std::string file;  // "-": standard input
};

struct ExportCommand {
  std::string server = "http://127.0.0.1:9090";
  std::string storage_path;  // likewise
  std::string format = "jsonl";
  std::vector<std::string> matchers = {"{__name__!=\"\"}"};
  std::string start, end;  // empty: all of time
  std::string file = "-";
};

struct BackupCommand {
  std::string server = "http://127.0.0.1:9090";
  std::string storage_path;  // likewise
  std::string directory;     // made
};

struct RestoreCommand {
  std::string directory;
  std::string storage_path = "data";
};

/// Looking at a data directory that nobody has open, and mending it.
struct StorageCommand {
  enum class What : std::uint8_t { kInspect, kVerify, kCompact };
  What what = What::kInspect;
  std::string path;
  bool repair = false;
};

/// Nothing to do but print `text` and leave with `exit_code` (help, version, usage errors).
struct PrintCommand {
  std::string text;
  int exit_code = 0;
};

using Command = std::variant<ServeCommand, CheckConfigCommand, CheckRulesCommand, CheckMetricsCommand, QueryCommand,
                             CapacityCommand, ImportCommand, ExportCommand, BackupCommand, RestoreCommand,
                             StorageCommand, PrintCommand>;

/// Never fails: a wrong command line becomes a PrintCommand with exit code 2 and a text that names the flag.
Command ParseCommandLine(const std::vector<std::string>& args);

/// "vedette, version 0.1.0 ...".
std::string VersionText();

}  // namespace vedette::app
