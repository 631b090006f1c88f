// The two messages of Prometheus remote write, in both directions.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::collector {

enum class WriteMessage : std::uint8_t { kVersion1, kVersion2 };
/// By number of the enum.
inline constexpr std::string_view kWriteMessageNames[] = {"prometheus.WriteRequest", "io.prometheus.write.v2.Request"};

/// What a request's body is. zstd instead of snappy is how VictoriaMetrics' agents send.
struct WriteFormat {
  WriteMessage message = WriteMessage::kVersion1;
  bool zstd = false;
};

}  // namespace vedette::collector
