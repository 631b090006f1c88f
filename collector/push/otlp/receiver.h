// OTLP metrics over HTTP: a request in, samples in the store, and an answer in the format of the request.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "collector/options.h"
#include "collector/push/intake.h"

namespace vedette::collector {

class OtlpReceiver {
 public:
  /// `lookback` of queries.
  OtlpReceiver(Intake& intake, const OtlpOptions& options, Millis lookback);

  struct Answer {
    int status = 200;
    std::string content_type, body;
  };
  /// Header values, empty when absent. What is good is stored also when something else is refused; then the answer is
  /// 200 with the number of points that were not and why, or 400 when nothing was taken. 400 also for what cannot be
  /// read; 503 when nothing could be stored now. Thread-safe.
  Answer Ingest(std::string_view body, std::string_view content_type, std::string_view content_encoding);

  /// For requests from now on.
  void Apply(const OtlpOptions& options);

 private:
  std::shared_ptr<const OtlpOptions> Options() const;

  Intake& intake_;
  const Millis lookback_;
  mutable std::mutex mutex_;
  std::shared_ptr<const OtlpOptions> options_;  // GUARDED_BY(mutex_)
};

}  // namespace vedette::collector
