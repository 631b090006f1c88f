// Samples that come device by device, written family by family: what the text format wants.
//
// For the collectors of hardware, whose devices each have other attributes. Those with a fixed set of families write
// them straight into the TextFormat.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "collector/host/text_format.h"
#include "core/labels.h"

namespace vedette::collector {

class FamilyTable {
 public:
  /// The first sample of a family decides its help and type. A series that is there already is not taken twice: two
  /// devices under one name would spoil the whole scrape.
  void Add(const MetricText& metric, std::span<const LabelView> labels, double value);
  void Add(const MetricText& metric, std::initializer_list<LabelView> labels, double value) {
    Add(metric, std::span<const LabelView>(labels.begin(), labels.size()), value);
  }

  /// Appends all families, sorted by name.
  void Write(TextFormat& out) const;

 private:
  struct Family {
    TextFormat text;
    std::set<std::string> series;
  };
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace vedette::collector
