// Writes a page of metrics, family by family, as text or as delimited protobuf: what /federate answers.
//
//   PageWriter page(choice, body);
//   page.Begin("up", PageWriter::Kind::kUntyped);
//   page.Add(labels, 1, time);
//   page.Finish();
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "collector/exposition/format_choice.h"
#include "core/histogram.h"
#include "core/labels.h"
#include "core/time.h"

namespace vedette::collector {

class PageWriter {
 public:
  /// The numbers are those of protobuf's MetricType.
  enum class Kind : std::uint8_t { kUntyped = 3, kHistogram = 4, kGaugeHistogram = 5 };

  /// Appends to `out`.
  PageWriter(const FormatChoice& choice, std::string& out) : choice_(choice), out_(out) {}

  /// Whether the format has a way to say this: text knows only histograms with bounds of their own, as classic ones.
  bool Takes(const Histogram& histogram) const;

  void Begin(std::string_view name, Kind kind);
  /// `labels`: without the name. An empty value is written as such.
  void Add(std::span<const LabelView> labels, double value, TimeMs time);
  /// One that it Takes(). With bounds of its own it is written as a classic one, otherwise as a native one.
  void Add(std::span<const LabelView> labels, const Histogram& histogram, TimeMs time);
  /// After the last one.
  void Finish();

 private:
  void Sample(std::string_view ending, std::span<const LabelView> labels, const double* bound, double value,
              TimeMs time);
  void ClassicText(std::span<const LabelView> labels, const Histogram& histogram, TimeMs time);
  void Metric(std::span<const LabelView> labels, std::uint32_t field, std::string_view value, TimeMs time);

  const FormatChoice choice_;
  std::string& out_;
  std::string name_;    // escaped
  std::string family_;  // protobuf: what there is of the current one
};

}  // namespace vedette::collector
