// `alerting.alertmanagers` of a prometheus.yml: where alerts go besides this agent's own receivers.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "collector/options.h"
#include "collector/relabel/relabel.h"
#include "collector/remote/request_auth.h"
#include "core/http_client.h"
#include "core/labels.h"
#include "core/time.h"

namespace vedette::collector {

/// Alertmanagers that are found and asked in one way.
struct AlertmanagerConfig {
  std::string scheme = "http";
  std::string path_prefix;  // in front of /api/v2/alerts
  Millis timeout = std::chrono::seconds(10);
  HttpConfig http;
  RequestAuth auth;
  ScrapeConfig found;                                // of it only the *_configs that say where they are
  std::vector<RelabelConfig> relabel_configs;        // of the Alertmanagers
  std::vector<RelabelConfig> alert_relabel_configs;  // of what they get, behind the one for all
  bool operator==(const AlertmanagerConfig&) const = default;
};

struct AlertmanagersOptions {
  std::vector<AlertmanagerConfig> alertmanagers;
  std::vector<RelabelConfig> alert_relabel_configs;
  Labels external_labels;  // added to alerts that have none of the name
};

/// Of the queue that each Alertmanager has.
struct AlertQueueOptions {
  std::size_t capacity = 10'000;  // alerts; when more wait the oldest are dropped
  std::size_t max_batch = 256;    // alerts in one request
  bool drain_on_shutdown = true;
};

}  // namespace vedette::collector
