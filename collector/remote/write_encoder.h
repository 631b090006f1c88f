// Makes the bodies of remote write: protobuf written by hand, then Snappy.
//
// Samples of one series stand together in a message as long as their times ascend; the order of the samples of a series
// is never changed. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "collector/remote/outgoing_series.h"
#include "collector/scrape/manager.h"
#include "core/histogram.h"
#include "storage/facts.h"

namespace vedette::collector {

/// One thing to be sent.
struct OutgoingSample {
  OutgoingSeries* series = nullptr;
  std::int64_t time = 0;
  double value = 0;
  /// Instead of the value: a native histogram, or beside other samples of the series an exemplar.
  std::unique_ptr<std::variant<Histogram, storage::Exemplar>> other;
  // Its place in the feed.
  std::uint64_t commit = 0;
  std::uint32_t index = 0;

  bool is_histogram() const { return other && std::holds_alternative<Histogram>(*other); }
  bool is_exemplar() const { return other && std::holds_alternative<storage::Exemplar>(*other); }
};

/// What a message contains.
struct MessageCounts {
  std::size_t samples = 0, histograms = 0, exemplars = 0;
  // Left out: what is too old, and exemplars whose series has no sample here, where the message needs one.
  std::size_t old = 0, lonely = 0;
  std::int64_t newest = INT64_MIN;  // time of a sample or histogram, ms
  std::size_t all() const { return samples + histograms + exemplars; }
};

class WriteEncoder {
 public:
  explicit WriteEncoder(WriteMessage message) : message_(message) {}

  /// The Snappy-compressed message of those of `samples` that are not older than `oldest` (ms).
  std::string Encode(std::span<OutgoingSample> samples, std::int64_t oldest, const TextTable& symbols,
                     MessageCounts& counts);

  /// What the second message type says about metrics from here on.
  void SetMetadata(std::vector<MetricMetadata> metadata);
  /// A message of the first type with nothing but metadata.
  static std::string EncodeMetadata(std::span<const MetricMetadata> metadata);

  std::size_t last_message_bytes() const { return message_bytes_; }

 private:
  struct Group {
    OutgoingSeries* series = nullptr;
    std::uint32_t first = 0, last = 0;  // places in next_
    std::int64_t last_time = 0;
    std::uint32_t exemplars = 0, others = 0;
  };

  void Collect(std::span<OutgoingSample> samples, std::int64_t oldest, MessageCounts& counts);
  void PutV1(std::span<OutgoingSample> samples, std::string& out);
  void PutV2(std::span<OutgoingSample> samples, const TextTable& symbols, std::string& out);
  void PutMetadataV2(std::string_view name, std::string& out);
  std::uint32_t Reference(std::uint32_t symbol, const TextTable& symbols);
  std::uint32_t ReferenceOfText(std::string_view text);

  const WriteMessage message_;
  std::uint32_t number_ = 0;  // of the message
  std::vector<Group> groups_;
  std::vector<std::uint32_t> next_;  // of each sample: the next of its group
  std::string plain_, part_, small_;
  std::size_t message_bytes_ = 0;
  // Second type: the references given out in this message, by symbol of the table; and of other texts.
  struct Given {
    std::uint32_t message = 0, reference = 0;
  };
  std::vector<Given> given_;
  std::unordered_map<std::string, std::uint32_t> given_texts_;
  std::vector<std::string_view> listed_;  // texts in the order of their references
  std::unordered_map<std::string, MetricMetadata> metadata_;
};

}  // namespace vedette::collector
