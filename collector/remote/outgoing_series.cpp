#include "collector/remote/outgoing_series.h"

#include "collector/remote/proto_writer.h"

namespace vedette::collector {
namespace {

/// A series in the table beside its texts: the entry, its place in the map.
constexpr std::size_t kEntryBytes = sizeof(OutgoingSeries) + 48;
constexpr std::size_t kSymbolBytes = 96;

}  // namespace

std::uint32_t TextTable::Intern(std::string_view text) {
  if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  numbers_.emplace(texts_.emplace_back(text), number);
  bytes_ += text.size() + kSymbolBytes;
  return number;
}

Labels LabelsForEnd(const Labels& labels, const Labels& external, std::span<const RelabelConfig> rules) {
  if (external.empty() && rules.empty()) return labels;
  LabelsBuilder builder(labels);
  for (const auto& [name, value] : external) {
    if (!labels.Has(name)) builder.Set(name, value);
  }
  return Relabel(builder, rules) ? builder.Build() : Labels();
}

OutgoingSeries* OutgoingSeriesTable::Find(storage::SeriesId id) {
  const auto found = series_.find(id);
  return found == series_.end() ? nullptr : found->second.get();
}

OutgoingSeries& OutgoingSeriesTable::Add(storage::SeriesId id, const Labels& labels) {
  auto& slot = series_[id];
  slot = std::make_unique<OutgoingSeries>();
  slot->id = id;
  slot->hash = storage::Raw(id) * 0x9E3779B97F4A7C15;  // neighbours go to all shards
  Name(*slot, labels);
  bytes_ += BytesOf(*slot);
  return *slot;
}

void OutgoingSeriesTable::Name(OutgoingSeries& series, const Labels& labels) {
  // Not even under the external labels alone, or a name that relabelling makes up.
  series.unknown = labels.empty();
  const Labels sent = series.unknown ? labels : LabelsForEnd(labels, external_, end_.write_relabel_configs);
  series.dropped = sent.empty();
  if (series.dropped) return;
  if (end_.message == WriteMessage::kVersion2) {
    series.symbols.reserve(2 * sent.size());
    for (const auto& [name, value] : sent) {
      series.symbols.push_back(symbols_->Intern(name));
      series.symbols.push_back(symbols_->Intern(value));
      if (name == kMetricName) series.name_symbol = series.symbols.back();
    }
    return;
  }
  for (const auto& [name, value] : sent) {
    const std::size_t size =
        2 + proto::VarintBytes(name.size()) + name.size() + proto::VarintBytes(value.size()) + value.size();
    proto::PutTag(series.label_bytes, 1, proto::kBytes);
    storage::PutVarint(series.label_bytes, size);
    proto::PutText(series.label_bytes, 1, name);
    proto::PutText(series.label_bytes, 2, value);
  }
  series.label_bytes.shrink_to_fit();
}

std::size_t OutgoingSeriesTable::BytesOf(const OutgoingSeries& series) {
  return kEntryBytes + series.label_bytes.capacity() + 4 * series.symbols.capacity();
}

void OutgoingSeriesTable::Sweep(std::uint64_t done) {
  for (const bool also_used : {false, true}) {
    if (also_used && bytes_ <= max_bytes_ / 2) break;
    std::erase_if(series_, [&](const auto& entry) {
      const OutgoingSeries& series = *entry.second;
      if (series.last_commit > done || (series.used && !also_used)) return false;
      bytes_ -= BytesOf(series);
      return true;
    });
  }
  auto symbols = std::make_unique<TextTable>();
  for (auto& [id, series] : series_) {
    series->used = false;
    for (std::uint32_t& symbol : series->symbols) symbol = symbols->Intern(symbols_->Text(symbol));
    if (series->name_symbol != OutgoingSeries::kNoName)
      series->name_symbol = symbols->Intern(symbols_->Text(series->name_symbol));
  }
  symbols_ = std::move(symbols);
}

}  // namespace vedette::collector
