// Writes the text format 0.0.4: metric families with HELP and TYPE, samples below them.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/labels.h"

namespace vedette::collector {

enum class FamilyType { kCounter, kGauge, kUntyped, kHistogram, kSummary };

/// A metric as node_exporter names and explains it.
struct MetricText {
  std::string_view name;
  std::string_view help;
  FamilyType type = FamilyType::kGauge;
};

/// Appends to one string; the caller keeps families apart and label names valid. Not thread-safe.
class TextFormat {
 public:
  /// Starts a family. Its HELP and TYPE lines appear with its first sample, so a family without samples leaves no
  /// trace.
  void Family(const MetricText& metric) { Family(metric.name, metric.help, metric.type); }
  void Family(std::string_view name, std::string_view help, FamilyType type);

  /// One sample of the current family. Label values may be any bytes: they are escaped, invalid UTF-8 becomes U+FFFD.
  void Sample(double value) { Sample(std::span<const LabelView>(), value); }
  void Sample(std::initializer_list<LabelView> labels, double value) {
    Sample(std::span<const LabelView>(labels.begin(), labels.size()), value);
  }
  void Sample(std::span<const LabelView> labels, double value) { SampleOf(name_, labels, value); }
  /// With a name of its own: the _bucket, _sum and _count of a histogram.
  void SampleOf(std::string_view name, std::span<const LabelView> labels, double value);

  /// A family with one sample.
  void Single(const MetricText& metric, double value) {
    Family(metric);
    Sample(value);
  }

  /// Whole families that were written elsewhere.
  void Append(std::string_view families) { text_ += families; }
  std::string_view text() const { return text_; }

  /// How much has been written; RollBack() to it forgets what came later.
  std::size_t size() const { return text_.size(); }
  void RollBack(std::size_t size);
  void Reserve(std::size_t bytes) { text_.reserve(bytes); }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_, help_;
  FamilyType type_ = FamilyType::kUntyped;
  bool header_due_ = false;
};

}  // namespace vedette::collector
