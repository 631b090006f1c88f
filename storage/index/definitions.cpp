#include "storage/index/definitions.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr char kFormat = 1;

void PutText(std::string& out, std::string_view text) {
  PutVarint(out, text.size());
  out.append(text);
}

std::optional<std::string_view> GetText(ByteReader& in) {
  const auto size = in.Varint();
  if (!size || *size == 0 || *size > in.size()) return std::nullopt;
  return in.Bytes(*size);
}

/// The place that a series' label number `i` is compared with: that of the series before, 0 where it has none.
std::int64_t Expected(std::span<const std::uint32_t> before, std::size_t i) {
  return i < before.size() ? std::int64_t{before[i]} : 0;
}

Error Damaged(std::string_view what) { return Fail(Code::kCorruption, "definitions are damaged: {}", what); }

}  // namespace

void DefinitionsEncoder::Add(SeriesId id, std::span<const LabelView> labels) {
  // Neighbours share most labels, at the same place.
  const std::size_t begin = ends_.empty() ? 0 : ends_.back();
  const std::size_t before = ends_.size() < 2 ? 0 : ends_[ends_.size() - 2];
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (before + i < begin && dictionary_[labels_[before + i]] == labels[i]) {
      labels_.push_back(labels_[before + i]);
      continue;
    }
    const auto [place, is_new] = places_.emplace(labels[i], static_cast<std::uint32_t>(dictionary_.size()));
    if (is_new) {
      dictionary_.push_back(labels[i]);
      text_bytes_ += labels[i].name.size() + labels[i].value.size();
    }
    labels_.push_back(place->second);
  }
  ids_.push_back(id);
  ends_.push_back(labels_.size());
}

std::string DefinitionsEncoder::Take() {
  std::vector<std::uint32_t> order(dictionary_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t place) { return dictionary_[place]; });
  std::vector<std::uint32_t> rank(order.size());
  std::vector<std::string_view> names;
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    const std::string_view name = dictionary_[order[i]].name;
    if (names.empty() || names.back() != name) names.push_back(name);
  }

  std::string out(1, kFormat);
  out.reserve(bytes() + 64);
  PutVarint(out, ids_.size());
  PutVarint(out, Raw(ids_.front()));
  for (std::size_t i = 1; i < ids_.size(); ++i) PutVarint(out, Raw(ids_[i]) - Raw(ids_[i - 1]) - 1);
  PutVarint(out, names.size());
  for (const std::string_view name : names) PutText(out, name);
  PutVarint(out, order.size());
  std::string_view last = names.empty() ? std::string_view() : names.front();
  for (const std::uint32_t place : order) {
    const LabelView& label = dictionary_[place];
    out.push_back(label.name == last ? '\0' : '\1');
    last = label.name;
    PutText(out, label.value);
  }
  for (std::uint32_t& place : labels_) place = rank[place];
  std::span<const std::uint32_t> before;
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    const auto own = std::span<const std::uint32_t>(labels_).subspan(begin, end - begin);
    PutVarint(out, own.size());
    for (std::size_t i = 0; i < own.size(); ++i) PutSigned(out, std::int64_t{own[i]} - Expected(before, i));
    before = own;
    begin = end;
  }
  *this = DefinitionsEncoder();
  return out;
}

std::size_t Definitions::Find(SeriesId id) const {
  const auto at = std::ranges::lower_bound(ids_, id);
  return at != ids_.end() && *at == id ? static_cast<std::size_t>(at - ids_.begin()) : kNotThere;
}

void Definitions::ViewLabels(std::size_t i, std::vector<LabelView>& out) const {
  out.clear();
  for (const std::uint32_t place : places(i)) out.push_back(dictionary_[place]);
}

Labels Definitions::LabelsOf(std::size_t i) const {
  std::vector<LabelView> views;
  ViewLabels(i, views);
  return Labels::FromSorted(views);
}

void Definitions::Clear() {
  ids_.clear();
  dictionary_.clear();
  labels_.clear();
  begins_.assign(1, 0);
}

Status Definitions::Decode(std::string_view bytes) {
  Clear();
  Status status = TryDecode(bytes);
  if (!status) Clear();
  return status;
}

Status Definitions::TryDecode(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Byte();
  if (!format) return Damaged("no bytes");
  if (*format != kFormat) {
    return Fail(Code::kBadData, "definitions of format {}, which this program does not know", *format);
  }
  // A series takes a byte at least, as do a name and a label: what claims more is damaged.
  const auto count = in.Varint();
  const auto first = in.Varint();
  if (!count || *count == 0 || *count > in.size() || !first || *first == 0) return Damaged("number of series");
  std::uint64_t id = *first;
  ids_.reserve(*count);
  ids_.push_back(SeriesId(id));
  while (ids_.size() < *count) {
    const auto gap = in.Varint();
    if (!gap || id + *gap + 1 <= id) return Damaged("ids");
    id += *gap + 1;
    ids_.push_back(SeriesId(id));
  }

  const auto name_count = in.Varint();
  if (!name_count || *name_count > in.size()) return Damaged("number of names");
  std::vector<std::string_view> names;
  for (std::uint64_t i = 0; i < *name_count; ++i) {
    const auto name = GetText(in);
    if (!name || (i > 0 && *name <= names.back())) return Damaged("names");
    names.push_back(*name);
  }
  const auto label_count = in.Varint();
  if (!label_count || *label_count > in.size() || *label_count > UINT32_MAX) return Damaged("number of labels");
  dictionary_.reserve(*label_count);
  std::vector<std::uint32_t> name_of;
  name_of.reserve(*label_count);
  std::uint32_t name = 0;
  for (std::uint64_t i = 0; i < *label_count; ++i) {
    const auto step = in.Byte();
    const auto value = GetText(in);
    if (!step || *step > 1 || !value || name + *step >= names.size()) return Damaged("labels");
    if (i > 0 && *step == 0 && *value <= dictionary_.back().value) return Damaged("order of labels");
    name += *step;
    name_of.push_back(name);
    dictionary_.push_back({names[name], *value});
  }

  begins_.reserve(*count + 1);
  for (std::uint64_t s = 0; s < *count; ++s) {
    const auto own = in.Varint();
    if (!own || *own > in.size()) return Damaged("number of labels of a series");
    const std::size_t before_begin = s == 0 ? 0 : begins_[s - 1], begin = begins_[s];
    for (std::uint64_t i = 0; i < *own; ++i) {
      const auto step = in.Signed();
      if (!step) return Damaged("labels of a series");
      const std::int64_t expected = before_begin + i < begin ? std::int64_t{labels_[before_begin + i]} : 0;
      const std::int64_t place = WrapAdd(expected, *step);
      if (place < 0 || static_cast<std::uint64_t>(place) >= dictionary_.size() ||
          (i > 0 && name_of[static_cast<std::size_t>(place)] <= name_of[labels_.back()])) {
        return Damaged("labels of a series");
      }
      labels_.push_back(static_cast<std::uint32_t>(place));
    }
    begins_.push_back(static_cast<std::uint32_t>(labels_.size()));
  }
  if (!in.empty()) return Damaged("bytes behind the last series");
  return Ok();
}

}  // namespace vedette::storage
