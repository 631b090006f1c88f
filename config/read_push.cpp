// `push:`: what others may send, beside what flags switch on.
#include "config/sections.h"

namespace vedette::config {
namespace {

using collector::PushOptions;

constexpr Field<PushOptions> kPushFields[] = {
    {"influx", Set<&PushOptions::influx>},
    {"max_request_size", SetBytes<&PushOptions::max_request_bytes>},
    {"max_in_flight_size", SetBytes<&PushOptions::max_bytes_in_flight>},
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
  return Ok();
}

}  // namespace vedette::config
