// Remote read, answered: what another Prometheus, or a Vedette, asks this one.
//
// Called on a worker thread of the web server; so many at once as the limit says, others wait. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>

#include "collector/remote/read_message.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

struct ReadServerOptions {
  std::size_t max_samples = 50'000'000;     // of an answer with samples; 0: any number
  std::size_t max_concurrency = 10;         // requests at once
  std::size_t max_frame_bytes = 1 << 20;    // of a stream of chunks
  std::size_t max_request_bytes = 4 << 20;  // decompressed
  std::size_t max_answer_bytes = std::size_t{256} << 20;
};

class ReadServer {
 public:
  /// `external_labels`: those in force; answers get them, and matchers that they meet find series without.
  ReadServer(const storage::Storage& storage, std::function<Labels()> external_labels,
             const ReadServerOptions& options);

  struct Answer {
    std::string content_type, content_encoding, body;
  };
  /// `compressed`: a snappy-compressed prometheus.ReadRequest. Errors: kBadData (400), kLimit (400: too many samples),
  /// kCanceled, and those of the store.
  Result<Answer> Read(std::string_view compressed, const std::stop_token& stop);

 private:
  Result<Answer> Samples(const ReadRequest& request, const Labels& external, const std::stop_token& stop) const;
  Result<Answer> Stream(const ReadRequest& request, const Labels& external, const std::stop_token& stop) const;

  const storage::Storage& storage_;
  const std::function<Labels()> external_labels_;
  const ReadServerOptions options_;
  std::counting_semaphore<> gate_;
};

}  // namespace vedette::collector
