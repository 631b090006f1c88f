// What the kinds of service discovery can be told, under Prometheus' names. config/ fills these from the file.
#pragma once

#include <string>
#include <vector>

#include "core/http_client.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

struct StaticConfig {
  std::vector<std::string> targets;  // host:port
  Labels labels;
  bool operator==(const StaticConfig&) const = default;
};

struct FileSdConfig {
  std::vector<std::string> files;  // paths; a * is allowed in the last component; .json, .yml, .yaml
  Millis refresh_interval = std::chrono::minutes(5);
  bool operator==(const FileSdConfig&) const = default;
  /// Errors: kBadData for no file at all or a path with another ending.
  Status Validate() const;
};

struct HttpSdConfig {
  std::string url;
  Millis refresh_interval = std::chrono::seconds(60);
  HttpConfig http;
  bool operator==(const HttpSdConfig&) const = default;
};

}  // namespace vedette::collector
