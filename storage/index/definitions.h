// Label sets of many series as bytes: a dictionary of labels, then of each series the places in it, as differences to
// the series before. The same form serves as the record written with a commit and as the block of series that lies on
// disk for good (docs/storage_format.md, "series").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::storage {

class DefinitionsEncoder {
 public:
  /// Ids ascend. `labels` as in Labels: names ascend, not empty, no empty value; what it views must live until Take().
  void Add(SeriesId id, std::span<const LabelView> labels);

  bool empty() const { return ids_.empty(); }
  std::size_t size() const { return ids_.size(); }
  /// At least the bytes that Take() will return; about.
  std::size_t bytes() const { return text_bytes_ + labels_.size() + ids_.size(); }
  SeriesId first() const { return ids_.front(); }

  /// The bytes; the encoder is empty afterwards. Only when something was added.
  std::string Take();

 private:
  struct HashLabel {
    std::size_t operator()(const LabelView& label) const noexcept {
      const std::hash<std::string_view> hash;
      return hash(label.name) * 31 + hash(label.value);
    }
  };

  std::vector<SeriesId> ids_;
  std::vector<LabelView> dictionary_;  // in the order of their coming
  std::unordered_map<LabelView, std::uint32_t, HashLabel> places_;
  std::vector<std::uint32_t> labels_;  // places in the dictionary, series after series
  std::vector<std::size_t> ends_;      // of each series in labels_
  std::size_t text_bytes_ = 0;
};

/// The decoded form. Everything it returns views the bytes that were decoded.
class Definitions {
 public:
  static constexpr std::size_t kNotThere = SIZE_MAX;

  std::size_t size() const { return ids_.size(); }
  bool empty() const { return ids_.empty(); }
  SeriesId id(std::size_t i) const { return ids_[i]; }
  std::span<const SeriesId> ids() const { return ids_; }  // ascending
  /// Where `id` is, or kNotThere.
  std::size_t Find(SeriesId id) const;

  /// The different labels, ascending, and those of one series as places in there.
  std::span<const LabelView> dictionary() const { return dictionary_; }
  std::span<const std::uint32_t> places(std::size_t i) const {
    return std::span(labels_).subspan(begins_[i], begins_[i + 1] - begins_[i]);
  }
  /// Clears `out` first.
  void ViewLabels(std::size_t i, std::vector<LabelView>& out) const;
  Labels LabelsOf(std::size_t i) const;

  void Clear();
  /// Errors: kCorruption, kBadData for a format this program does not know; it is empty then. Memory is bounded by a
  /// constant times the size of `bytes`.
  Status Decode(std::string_view bytes);

 private:
  Status TryDecode(std::string_view bytes);

  std::vector<SeriesId> ids_;
  std::vector<LabelView> dictionary_;
  std::vector<std::uint32_t> labels_;
  std::vector<std::uint32_t> begins_;
};

}  // namespace vedette::storage
