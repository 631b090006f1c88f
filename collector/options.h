// What the collector can be told: the scrape part of prometheus.yml, under Prometheus' names.
//
// config/ fills these structs from the file, calls InheritFrom() and Validate(), and app hands them to ScrapeManager
// and the receivers of what is pushed. Limits are counts or bytes; 0 switches a limit off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/discovery/options.h"
#include "collector/relabel/relabel.h"
#include "core/http_client.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// A sample with a time of its own may lie this far ahead of the clock, as in Prometheus.
inline constexpr Millis kMaxAhead = std::chrono::minutes(10);

/// Names in the file: PrometheusProto, PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText0.0.1,
/// OpenMetricsText1.0.0.
enum class ScrapeProtocol : std::uint8_t {
  kPrometheusProto,
  kPrometheusText004,
  kPrometheusText100,
  kOpenMetricsText001,
  kOpenMetricsText100,
};
/// Errors: kBadData names the text and the values that are accepted.
Result<ScrapeProtocol> ParseScrapeProtocol(std::string_view text);
std::string_view ScrapeProtocolName(ScrapeProtocol protocol);
/// `protobuf_first`: for jobs that want native histograms, which no other format has.
std::vector<ScrapeProtocol> DefaultScrapeProtocols(bool protobuf_first);

/// How a target is asked to write names that a client could not take as they are.
enum class NameEscaping : std::uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };
/// "allow-utf-8", "underscores", "dots", "values". Errors: kBadData.
Result<NameEscaping> ParseNameEscaping(std::string_view text);
std::string_view NameEscapingText(NameEscaping escaping);

/// Limits that a job inherits from `global` when it says nothing.
struct ScrapeLimits {
  std::size_t body_size_limit = 0;           // bytes after decompression; the transfer stops there. 0 = 256 MiB
  std::size_t sample_limit = 0;              // samples of one scrape after metric relabelling
  std::size_t label_limit = 0;               // labels of one sample
  std::size_t label_name_length_limit = 0;   // bytes
  std::size_t label_value_length_limit = 0;  // bytes
  std::size_t target_limit = 0;              // targets of one job; more fail the whole job
  std::size_t keep_dropped_targets = 0;      // dropped targets remembered for the API, per job
  bool operator==(const ScrapeLimits&) const = default;
};

/// The keys of `global` that concern scraping.
struct GlobalScrapeOptions {
  Millis scrape_interval = std::chrono::minutes(1);
  Millis scrape_timeout = std::chrono::seconds(10);
  std::vector<ScrapeProtocol> scrape_protocols;  // empty: the default, which depends on the job's histograms
  bool scrape_native_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  bool always_scrape_classic_histograms = false;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  std::optional<NameEscaping> metric_name_escaping_scheme;  // nothing: by the validation scheme
  bool extra_scrape_metrics = false;
  // Not in the file, but features of the agent. What a target says about the start of its counters:
  bool zero_at_start = false;  // becomes a sample of zero at that time
  bool store_starts = false;   // is kept beside the samples
  ScrapeLimits limits;
  std::string scrape_failure_log_file;  // failed scrapes are written down there; empty: nowhere
  bool operator==(const GlobalScrapeOptions&) const = default;
};

/// One entry of scrape_configs.
struct ScrapeConfig {
  std::string job_name;
  Millis scrape_interval{0};  // 0: the global one
  Millis scrape_timeout{0};   // 0: the global one, cut to the interval
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::vector<std::pair<std::string, std::vector<std::string>>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  std::vector<ScrapeProtocol> scrape_protocols;                 // empty: the global or the default ones
  std::optional<ScrapeProtocol> fallback_scrape_protocol;       // for targets with a missing or odd Content-Type
  std::optional<NameValidation> metric_name_validation_scheme;  // nothing: the global one
  std::optional<NameEscaping> metric_name_escaping_scheme;      // nothing: the global one, or by the validation scheme
  std::optional<bool> extra_scrape_metrics;                     // nothing: the global one
  // Nothing: the global one. What a target says by its labels goes before these (HistogramChoice).
  std::optional<bool> scrape_native_histograms, convert_classic_histograms_to_nhcb, always_scrape_classic_histograms;
  std::size_t native_histogram_bucket_limit = 0;     // of a histogram, both signs; made coarser to fit. 0: no limit
  double native_histogram_min_bucket_factor = 0;     // buckets grow by this at least. 0: as it comes
  bool zero_at_start = false, store_starts = false;  // as in GlobalScrapeOptions
  std::string scrape_failure_log_file;               // empty: the global one
  HttpConfig http;

  // Each limit: nothing means the global one.
  std::optional<std::size_t> body_size_limit, sample_limit, label_limit, label_name_length_limit,
      label_value_length_limit, target_limit, keep_dropped_targets;

  std::vector<StaticConfig> static_configs;
  std::vector<FileSdConfig> file_sd_configs;
  std::vector<HttpSdConfig> http_sd_configs;
  std::vector<DnsSdConfig> dns_sd_configs;
  std::vector<ConsulSdConfig> consul_sd_configs;
  std::vector<DockerSdConfig> docker_sd_configs;
  std::vector<Ec2SdConfig> ec2_sd_configs;
  std::vector<KubernetesSdConfig> kubernetes_sd_configs;
  std::vector<RelabelConfig> relabel_configs;
  std::vector<RelabelConfig> metric_relabel_configs;

  /// Not in Prometheus: the targets of this job are not fetched over HTTP but produced by the function registered under
  /// this name with ScrapeManager::RegisterSource ("host": the built-in host collector).
  std::string in_process_source;

  bool operator==(const ScrapeConfig&) const = default;

  /// Fills what the job leaves open from `global`. Afterwards interval, timeout, protocols and limits are set.
  void InheritFrom(const GlobalScrapeOptions& global);
  /// Of a job after InheritFrom(). Errors: kBadData with Prometheus' sentences; names the job.
  Status Validate() const;
};

/// What senders may push: bounds of what one request and all of them together may cost.
struct PushOptions {
  std::size_t max_decoded_bytes = 32 << 20;     // declared or real size of a decompressed request
  std::size_t max_request_bytes = 128 << 20;    // memory of one request, with what is made of it
  std::size_t max_bytes_in_flight = 256 << 20;  // the same of all requests under way; beyond it they are put off
  std::size_t series_cache_entries = 500'000;   // label sets remembered between requests
  bool influx = false;                          // take InfluxDB's line protocol

  // Groups of metrics as a Pushgateway has them. They are scraped as a job of their own.
  bool pushgateway = false;
  std::string pushgateway_job = "pushgateway";  // the job's name
  Millis pushgateway_scrape_interval{0};        // 0: the global one
  std::size_t pushgateway_max_groups = 10'000;
  std::size_t pushgateway_max_group_bytes = 2 << 20;  // also of one push, unpacked
  std::size_t pushgateway_max_bytes = 64 << 20;       // of all groups together

  // Graphite's plaintext protocol over TCP.
  std::string graphite_listen_address;  // "127.0.0.1:2003"; empty: off
  std::size_t graphite_max_connections = 256;
  std::size_t graphite_max_line_bytes = 8 << 10;
  Millis graphite_idle_timeout = std::chrono::minutes(10);  // silent connections are closed
  bool operator==(const PushOptions&) const = default;
};

/// What becomes of OTLP's names; in the file as `translation_strategy`.
enum class OtlpTranslation : std::uint8_t {
  kEscapedWithSuffixes,     // UnderscoreEscapingWithSuffixes
  kEscapedWithoutSuffixes,  // UnderscoreEscapingWithoutSuffixes
  kUtf8WithSuffixes,        // NoUTF8EscapingWithSuffixes
  kNoTranslation,           // NoTranslation
};
/// Errors: kBadData.
Result<OtlpTranslation> ParseOtlpTranslation(std::string_view text);

/// The section `otlp`.
struct OtlpOptions {
  OtlpTranslation translation_strategy = OtlpTranslation::kEscapedWithSuffixes;
  bool promote_all_resource_attributes = false;
  std::vector<std::string> promote_resource_attributes;  // these become labels of every series
  std::vector<std::string> ignore_resource_attributes;   // all but these, when all are promoted
  bool keep_identifying_resource_attributes = false;     // service.* in target_info, beside job and instance
  bool convert_histograms_to_nhcb = false;
  bool promote_scope_metadata = false;
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;
  bool operator==(const OtlpOptions&) const = default;

  bool escapes() const { return translation_strategy <= OtlpTranslation::kEscapedWithoutSuffixes; }
};

struct CollectorOptions {
  GlobalScrapeOptions global;
  std::vector<ScrapeConfig> scrape_configs;
  PushOptions push;
  OtlpOptions otlp;

  /// Inherits, validates every job and refuses a job name used twice.
  Status Finish();
};

}  // namespace vedette::collector
