// One series of a remote-write request, of either version, as its reader hands it over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/push/series_cache.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// In requests a start of zero means that there is none.
inline constexpr TimeMs kNoTime{0};

/// More labels than anybody's series has: what a request can make of few bytes is bounded.
inline constexpr std::size_t kMaxPushedLabels = 1 << 17;

struct PushedExemplar {
  std::vector<LabelView> labels;
  double value = 0;
  TimeMs time;
  std::string problem;  // not empty: its labels could not be read
};

/// What a sender says about a metric family; the type is a number of the message's enum.
struct PushedMetadata {
  std::string_view family;  // 1.0 only
  std::string_view type = "unknown", help, unit;
};
/// OpenMetrics' name of a type; both versions count them alike. "unknown" for what is none.
std::string_view PushedTypeName(std::uint64_t number);

/// The strings of a 2.0 request, which everything in it points to.
class SymbolTable {
 public:
  /// More are refused: of strings, most are longer than the two bytes that an empty one takes on the wire.
  static constexpr std::size_t kMax = 1 << 20;

  explicit SymbolTable(const SeriesCache& hasher) : hasher_(hasher) {}

  void Add(std::string_view symbol) {
    symbols_.push_back(symbol);
    hashes_.push_back(hasher_.KeyOf(symbol));
  }
  std::size_t size() const { return symbols_.size(); }
  bool Has(std::uint64_t reference) const { return reference < symbols_.size(); }
  std::string_view operator[](std::uint64_t reference) const { return symbols_[reference]; }

  /// Of the strings, not of their numbers, which change from request to request. All are in the table.
  SeriesCache::Key KeyOf(const std::vector<std::uint32_t>& references) const;

 private:
  const SeriesCache& hasher_;
  std::vector<std::string_view> symbols_;
  std::vector<SeriesCache::Key> hashes_;
};

/// Views into the request. What is large when it is read lies here as bytes: a sender that lies about itself costs
/// nothing before somebody looks at it.
struct PushedSeries {
  SeriesCache::Key key;           // of its labels as they were sent
  std::vector<LabelView> labels;  // filled by ReadLabels() only
  std::vector<storage::Sample> samples;
  std::vector<TimeMs> starts;  // of the samples, as many; or none at all
  std::vector<std::string_view> histograms, exemplars;
  std::optional<PushedMetadata> metadata;
  TimeMs start = kNoTime;  // of all samples that have none of their own: what drafts of 2.0 had
  std::string problem;     // not empty: labels or metadata point to nothing; the series is not to be stored

  // How ReadLabels() gets them: from the wire bytes of all labels, or from the table.
  std::string_view label_bytes;
  std::vector<std::uint32_t> label_references;
  const SymbolTable* symbols = nullptr;

  /// Errors: kBadData for malformed bytes.
  Status ReadLabels();
  /// One of `exemplars`. Errors: kBadData for malformed bytes.
  Result<PushedExemplar> ReadExemplar(std::string_view bytes) const;
  void Clear();
};

/// Appends the pairs that `references` name. Errors: kBadData with Prometheus' sentence.
Status LookUpLabels(const SymbolTable& symbols, const std::vector<std::uint32_t>& references,
                    std::vector<LabelView>* labels);

enum class LabelVerdict : std::uint8_t { kGood, kInvalid, kRepeated };

/// Whether `labels` can name a series, as Prometheus' receiver checks: sorted or not, a metric name, valid UTF-8, no
/// empty and no repeated name. Sorts them; only good ones lose those without a value.
LabelVerdict NormalizeLabels(std::vector<LabelView>& labels);

/// `{__name__="m", a="1"}`, as Prometheus prints labels, whatever they hold; cut when it gets long.
std::string LabelText(const std::vector<LabelView>& labels);

}  // namespace vedette::collector
