#include "core/labels.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/labels_hash.h"
#include "core/numbers.h"

namespace vedette {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Length of the UTF-8 sequence at `p`, 0 when it is malformed, overlong, a surrogate or above U+10FFFF.
std::size_t Utf8Length(const unsigned char* p, std::size_t left) {
  const auto continues = [&](std::size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return continues(1) ? 2 : 0;
  if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)) return 0;
    return 3;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

/// The lengths seed the hash of the text, so that moving a character from a name to its value changes it.
std::uint64_t HashParts(const void* lengths, std::size_t lengths_bytes, std::string_view text) {
  return XXH3_64bits_withSeed(text.data(), text.size(), XXH3_64bits(lengths, lengths_bytes));
}

}  // namespace

std::uint64_t HashLabels(std::span<const LabelView> sorted) {
  if (sorted.empty()) return Labels().Hash();
  // Where each text begins and how long name and value are: the three numbers of Labels::Entry.
  constexpr std::size_t kCommonLabels = 64, kCommonBytes = 4096;
  std::uint32_t common_lengths[3 * kCommonLabels];
  char common_text[kCommonBytes];
  std::size_t bytes = 0;
  for (const LabelView& label : sorted) bytes += label.name.size() + label.value.size();
  std::vector<std::uint32_t> more_lengths(sorted.size() > kCommonLabels ? 3 * sorted.size() : 0);
  std::string more_text(bytes > kCommonBytes ? bytes : 0, '\0');
  std::uint32_t* const lengths = more_lengths.empty() ? common_lengths : more_lengths.data();
  char* const text = more_text.empty() ? common_text : more_text.data();
  std::uint32_t at = 0;
  std::size_t n = 0;
  for (const LabelView& label : sorted) {
    lengths[n++] = at;
    for (const std::string_view part : {label.name, label.value}) {
      lengths[n++] = static_cast<std::uint32_t>(part.size());
      std::memcpy(text + at, part.data(), part.size());
      at += static_cast<std::uint32_t>(part.size());
    }
  }
  return HashParts(lengths, n * sizeof(std::uint32_t), {text, bytes});
}

Labels::Labels(std::initializer_list<LabelView> labels) {
  LabelsBuilder builder;
  for (const LabelView& label : labels) builder.Set(label.name, label.value);
  *this = builder.Build();
}

Labels Labels::FromSorted(std::span<const LabelView> sorted) {
  Labels out;
  if (sorted.empty()) return out;
  std::size_t bytes = 0;
  for (const LabelView& label : sorted) bytes += label.name.size() + label.value.size();
  Rep* const rep = new (::operator new(sizeof(Rep) + sorted.size() * sizeof(Entry) + bytes)) Rep;
  out.rep_ = rep;
  rep->size = static_cast<std::uint32_t>(sorted.size());
  Entry* entry = rep->entries();
  std::uint32_t at = 0;
  for (const LabelView& label : sorted) {
    new (entry++)
        Entry{at, static_cast<std::uint32_t>(label.name.size()), static_cast<std::uint32_t>(label.value.size())};
    for (const std::string_view part : {label.name, label.value}) {
      std::memcpy(rep->text() + at, part.data(), part.size());
      at += static_cast<std::uint32_t>(part.size());
    }
  }
  static_assert(sizeof(Entry) == 3 * sizeof(std::uint32_t));
  rep->hash = HashParts(rep->entries(), sorted.size() * sizeof(Entry), {rep->text(), bytes});
  return out;
}

void Labels::Free(const Rep* rep) {
  rep->~Rep();
  ::operator delete(const_cast<Rep*>(rep));
}

std::string_view Labels::Get(std::string_view name) const {
  std::size_t low = 0, high = size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const LabelView label = (*this)[middle];
    if (label.name == name) return label.value;
    if (label.name < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {};
}

bool Labels::operator==(const Labels& other) const {
  if (rep_ == other.rep_) return true;
  return Hash() == other.Hash() && size() == other.size() && (*this <=> other) == 0;
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  if (rep_ == other.rep_) return std::strong_ordering::equal;
  const std::size_t shared = std::min(size(), other.size());
  if (shared == 0) return size() <=> other.size();
  // As long as the lengths are the same, both texts have the same layout, and one comparison of bytes is the order.
  const Entry *a = rep_->entries(), *b = other.rep_->entries();
  std::size_t same = 0;
  while (same < shared && a[same].name_size == b[same].name_size && a[same].value_size == b[same].value_size) ++same;
  const std::size_t bytes =
      same < shared ? a[same].name_at : a[same - 1].name_at + a[same - 1].name_size + a[same - 1].value_size;
  const int order = std::memcmp(rep_->text(), other.rep_->text(), bytes);
  if (order != 0) return order <=> 0;
  for (std::size_t i = same; i < shared; ++i) {
    if (const auto by_label = (*this)[i] <=> other[i]; by_label != 0) return by_label;
  }
  return size() <=> other.size();
}

std::string Labels::ToString() const {
  const std::string_view name = MetricName();
  const bool plain = IsLegacyMetricName(name);
  std::string out(plain ? name : "");
  if (plain && size() == 1) return out;
  out.push_back('{');
  bool first = true;
  if (!plain && !name.empty()) {
    out += Quote(name);
    first = false;
  }
  for (const LabelView label : *this) {
    if (label.name == kMetricName) continue;
    if (!first) out += ", ";
    first = false;
    out += IsLegacyLabelName(label.name) ? std::string(label.name) : Quote(label.name);
    out.push_back('=');
    out += Quote(label.value);
  }
  out.push_back('}');
  return out;
}

LabelsBuilder::LabelsBuilder(const Labels& base) {
  items_.reserve(base.size() + 2);
  for (const LabelView label : base) items_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Delete(name);
  const auto at =
      std::ranges::lower_bound(items_, name, {}, [](const auto& item) { return std::string_view(item.first); });
  if (at != items_.end() && at->first == name) {
    at->second = value;
  } else {
    items_.emplace(at, name, value);
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
  return *this;
}

LabelsBuilder& LabelsBuilder::Keep(std::span<const std::string> names) {
  std::erase_if(items_, [&](const auto& item) { return std::ranges::find(names, item.first) == names.end(); });
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  const auto at = std::ranges::find(items_, name, [](const auto& item) { return std::string_view(item.first); });
  return at == items_.end() ? std::string_view() : std::string_view(at->second);
}

Labels LabelsBuilder::Build() const {
  std::vector<LabelView> views;
  views.reserve(items_.size());
  for (const auto& [name, value] : items_) views.push_back({name, value});
  return Labels::FromSorted(views);
}

bool IsLegacyMetricName(std::string_view name) {
  if (name.empty() || IsDigit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return IsLetter(c) || IsDigit(c) || c == ':'; });
}

bool IsLegacyLabelName(std::string_view name) {
  if (name.empty() || IsDigit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return IsLetter(c) || IsDigit(c); });
}

bool IsValidUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t block = 0;  // eight ASCII characters at once: what nearly all labels are made of
    if (text.size() - i >= 8 && (std::memcpy(&block, p + i, 8), (block & 0x8080808080808080U) == 0)) {
      i += 8;
      continue;
    }
    const std::size_t length = Utf8Length(p + i, text.size() - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8Length(p + i, text.size() - i);
    if (length > 1) {
      out.append(text.substr(i, length));
      i += length;
      continue;
    }
    const char c = text[i++];
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\v':
        out += "\\v";
        break;
      default:
        if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace vedette
