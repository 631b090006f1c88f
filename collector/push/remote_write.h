// The receiver of Prometheus remote write 1.0: snappy-compressed protobuf in, samples in the store.
//
// dashboards/http calls CheckHeaders() and then Ingest() on a worker thread. Thread-safe: requests run beside each
// other.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/options.h"
#include "core/clock.h"
#include "core/result.h"
#include "storage/storage.h"

namespace prometheus {
class Registry;
}

namespace vedette::collector {

/// An HTTP answer that ends a request before its body is looked at.
struct PushRefusal {
  int status = 0;
  std::string text;
};

/// Method, Content-Type and Content-Encoding (header values, empty when absent) of a remote-write request; nothing when
/// they are fine. 405 for another method than POST, 415 for another message or compression.
std::optional<PushRefusal> CheckRemoteWriteHeaders(std::string_view method, std::string_view content_type,
                                                   std::string_view content_encoding);

/// What became of one request.
struct RemoteWriteOutcome {
  std::size_t series = 0;
  std::size_t samples = 0;          // accepted: stored now or already there
  std::size_t skipped_series = 0;   // without a name or with labels that cannot be; as Prometheus, no error
  std::size_t dropped_samples = 0;  // native histograms, samples of skipped series
};

class RemoteWriteReceiver {
 public:
  RemoteWriteReceiver(storage::Storage& storage, const Clock& clock, prometheus::Registry& registry,
                      const RemoteWriteOptions& options);
  ~RemoteWriteReceiver();

  /// Decodes and stores one request body (snappy block format). What is good is stored even when something else in the
  /// request is refused, so sending a request again is harmless.
  /// Errors: kBadData (400: bad snappy or protobuf, or samples beyond the retention or too far in the future; the rest
  /// was stored), kLimit (400: declared size over max_decoded_bytes), kUnavailable and kIo (503: nothing was stored,
  /// try again).
  Result<RemoteWriteOutcome> Ingest(std::string_view compressed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::collector
