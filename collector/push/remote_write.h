// The receiver of Prometheus remote write 1.0 and 2.0: protobuf packed by snappy or zstd in, samples in the store.
//
// dashboards/api calls CheckRemoteWriteHeaders() and then Ingest() on a worker thread. Thread-safe: requests run beside
// each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/push/intake.h"
#include "collector/write_message.h"
#include "core/result.h"

namespace vedette::collector {

/// Of what --web.remote-write-receiver.accepted-protobuf-messages names. Errors: kBadData for another name.
Result<std::vector<WriteMessage>> ParseWriteMessages(const std::vector<std::string>& names);

/// An HTTP answer that ends a request before its body is looked at.
struct PushRefusal {
  int status = 0;  // 0: the request may go on
  std::string text;
};

/// Content-Type and Content-Encoding (header values, empty when absent) of a remote-write request: what its body is,
/// or a refusal with 415 and Prometheus' sentence.
PushRefusal CheckRemoteWriteHeaders(std::string_view content_type, std::string_view content_encoding,
                                    const std::vector<WriteMessage>& accepted, WriteFormat& format);

class RemoteWriteReceiver {
 public:
  explicit RemoteWriteReceiver(Intake& intake) : intake_(intake) {}

  /// Decodes and stores one request body. What is good is stored even when something else in the
  /// request is refused, so sending a request again is harmless. Of 1.0, series that no labels name are skipped in
  /// silence, as Prometheus does it; of 2.0 they are complained about.
  PushOutcome Ingest(std::string_view compressed, WriteFormat format);

 private:
  Intake& intake_;
};

}  // namespace vedette::collector
