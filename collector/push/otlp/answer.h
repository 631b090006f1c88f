// The messages that answer an OTLP request, in JSON or protobuf as it came.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vedette::collector::otlp {

/// ExportMetricsServiceResponse: empty when nothing was refused, else with a partial success.
std::string SuccessBody(bool json, std::size_t refused, std::string_view why);

/// google.rpc.Status.
std::string ErrorBody(bool json, int http_status, std::string_view why);

}  // namespace vedette::collector::otlp
