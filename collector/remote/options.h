// Remote ends: where samples are sent to, and where queries read on beyond what is here. Prometheus' `remote_write` and
// `remote_read`, filled by config/.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "collector/relabel/relabel.h"
#include "collector/remote/request_auth.h"
#include "collector/write_message.h"
#include "core/http_client.h"
#include "core/time.h"

namespace vedette::collector {

/// `queue_config`.
struct RemoteQueueOptions {
  int capacity = 10'000;  // samples waiting per shard before reading from the store stops
  int max_shards = 50, min_shards = 1;
  int max_samples_per_send = 2'000;
  Millis batch_send_deadline = std::chrono::seconds(5);
  Millis min_backoff{30}, max_backoff = std::chrono::seconds(5);
  bool retry_on_http_429 = false;
  Millis sample_age_limit{0};  // 0: samples are sent however old they are
  /// Not in Prometheus: when more of the journal than this waits for the end, the oldest samples are given up.
  std::size_t max_backlog_bytes = std::size_t{10} << 30;
  bool operator==(const RemoteQueueOptions&) const = default;
};

/// `metadata_config`; of the first message type only, the second has metadata with its series.
struct RemoteMetadataOptions {
  bool send = true;
  Millis send_interval = std::chrono::minutes(1);
  int max_samples_per_send = 2'000;
  bool operator==(const RemoteMetadataOptions&) const = default;
};

struct RemoteWriteEnd {
  std::string url;
  std::string name;  // empty: six characters that follow from the rest
  Millis remote_timeout = std::chrono::seconds(30);
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<RelabelConfig> write_relabel_configs;
  WriteMessage message = WriteMessage::kVersion1;
  bool send_exemplars = false;
  bool send_native_histograms = false;
  HttpConfig http;
  RequestAuth auth;
  RemoteQueueOptions queue;
  RemoteMetadataOptions metadata;
  bool operator==(const RemoteWriteEnd&) const = default;
};

struct RemoteReadEnd {
  std::string url;
  std::string name;
  Millis remote_timeout = std::chrono::minutes(1);
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> required_matchers;  // names and values
  bool read_recent = false;
  bool filter_external_labels = true;
  std::size_t chunked_read_limit = 50 << 20;  // bytes of one frame
  HttpConfig http;
  bool operator==(const RemoteReadEnd&) const = default;
};

}  // namespace vedette::collector
