// `push:`: what others may send, beside what flags switch on.
#include "config/sections.h"
#include "core/listen_address.h"

namespace vedette::config {
namespace {

using collector::PushOptions;

constexpr Field<PushOptions> kPushFields[] = {
    {"influx", Set<&PushOptions::influx>},
    {"max_request_size", SetBytes<&PushOptions::max_request_bytes>},
    {"max_in_flight_size", SetBytes<&PushOptions::max_bytes_in_flight>},
    {"graphite_listen_address", Set<&PushOptions::graphite_listen_address>},
    {"graphite_max_connections", Set<&PushOptions::graphite_max_connections>},
    {"graphite_max_line_size", SetBytes<&PushOptions::graphite_max_line_bytes>},
    {"graphite_idle_timeout", Set<&PushOptions::graphite_idle_timeout>},
    {"pushgateway", Set<&PushOptions::pushgateway>},
    {"pushgateway_job", Set<&PushOptions::pushgateway_job>},
    {"pushgateway_scrape_interval", Set<&PushOptions::pushgateway_scrape_interval>},
    {"pushgateway_max_groups", Set<&PushOptions::pushgateway_max_groups>},
    {"pushgateway_max_group_size", SetBytes<&PushOptions::pushgateway_max_group_bytes>},
    {"pushgateway_max_size", SetBytes<&PushOptions::pushgateway_max_bytes>},
};

}  // namespace

Status ReadPush(const YamlNode& node, PushOptions& out) {
  VEDETTE_CHECK(ReadFields<PushOptions>(node, kPushFields, out, "push"));
  if (out.max_request_bytes < out.max_decoded_bytes) {
    return node.At(fmt::format("max_request_size must be at least {} bytes", out.max_decoded_bytes));
  }
  if (out.max_bytes_in_flight < out.max_request_bytes) {
    return node.At("max_in_flight_size must be at least max_request_size");
  }
  if (!out.graphite_listen_address.empty()) {
    const auto address = ParseListenAddress(out.graphite_listen_address);
    if (!address) return node.At("graphite_listen_address: " + address.error().message);
  }
  if (out.graphite_idle_timeout <= Millis(0)) return node.At("graphite_idle_timeout must be above 0");
  if (out.pushgateway_job.empty()) return node.At("pushgateway_job must not be empty");
  return Ok();
}

}  // namespace vedette::config
