// What the web server can be told. Filled by config/ from the `web:` section and the --web.* flags.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace vedette::dashboards {

struct ServerOptions {
  /// "host:port"; an empty host or "0.0.0.0" means all interfaces, port 0 lets the system choose.
  std::string listen_address = "127.0.0.1:9090";
  /// How long an idle connection stays open, and how long a request body may take to arrive.
  Millis read_timeout = std::chrono::minutes(5);
  /// From the first byte of a request to the end of its headers: against clients that trickle.
  Millis header_timeout = std::chrono::seconds(15);
  /// How long a client may take for each 256 KiB of an answer.
  Millis write_timeout = std::chrono::seconds(30);
  /// Beyond it clients get 503 and are disconnected.
  std::size_t max_connections = 512;
  /// Larger request bodies get 413.
  std::size_t max_body_bytes = 64 << 20;
  /// Fully anchored regular expression: the origins that browsers may call the API from.
  std::string cors_origin = ".*";

  Status Validate() const;
};

}  // namespace vedette::dashboards
