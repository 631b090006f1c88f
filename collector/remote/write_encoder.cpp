#include "collector/remote/write_encoder.h"

#include <snappy.h>

#include <algorithm>
#include <array>

#include "collector/remote/histogram_proto.h"
#include "collector/remote/proto_writer.h"

namespace vedette::collector {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

/// A sample message: tag, 8 bytes of value, tag and time.
std::size_t WireSampleBytes(std::int64_t time) {
  return 9 + (time != 0 ? 1 + proto::VarintBytes(static_cast<std::uint64_t>(time)) : 0);
}

void PutSample(std::uint32_t field, const OutgoingSample& sample, std::string& out) {
  proto::PutTag(out, field, proto::kBytes);
  storage::PutVarint(out, WireSampleBytes(sample.time));
  proto::PutDouble(out, 1, sample.value);
  if (sample.time != 0) proto::PutNumber(out, 2, static_cast<std::uint64_t>(sample.time));
}

/// The number of a type, the same in both messages.
std::uint64_t TypeNumber(std::string_view type) {
  constexpr std::array<std::string_view, 8> kTypes = {"unknown",        "counter", "gauge", "histogram",
                                                      "gaugehistogram", "summary", "info",  "stateset"};
  const auto found = std::ranges::find(kTypes, type);
  return found == kTypes.end() ? 0 : static_cast<std::uint64_t>(found - kTypes.begin());
}

std::string Compress(const std::string& plain) {
  std::string out;
  snappy::Compress(plain.data(), plain.size(), &out);
  return out;
}

}  // namespace

void WriteEncoder::Collect(std::span<OutgoingSample> samples, std::int64_t oldest, MessageCounts& counts) {
  ++number_;
  groups_.clear();
  next_.assign(samples.size(), kNone);
  for (std::uint32_t i = 0; i < samples.size(); ++i) {
    const OutgoingSample& sample = samples[i];
    if (sample.time < oldest) {
      ++counts.old;
      continue;
    }
    (sample.is_exemplar() ? counts.exemplars : sample.other ? counts.histograms : counts.samples) += 1;
    if (!sample.is_exemplar()) counts.newest = std::max(counts.newest, sample.time);
    OutgoingSeries& series = *sample.series;
    if (series.message == number_) {
      Group& group = groups_[series.place];
      if (sample.is_exemplar() || sample.time > group.last_time) {
        (sample.is_exemplar() ? group.exemplars : group.others) += 1;
        next_[group.last] = i;
        group.last = i;
        if (!sample.is_exemplar()) group.last_time = sample.time;
        continue;
      }
    }
    series.message = number_;
    series.place = static_cast<std::uint32_t>(groups_.size());
    const bool exemplar = sample.is_exemplar();
    groups_.push_back({&series, i, i, exemplar ? INT64_MIN : sample.time, exemplar ? 1U : 0U, exemplar ? 0U : 1U});
  }
  if (message_ == WriteMessage::kVersion1) return;
  std::erase_if(groups_, [&](const Group& group) {
    if (group.others != 0) return false;
    counts.exemplars -= group.exemplars;
    counts.lonely += group.exemplars;
    return true;
  });
}

std::string WriteEncoder::Encode(std::span<OutgoingSample> samples, std::int64_t oldest, const TextTable& symbols,
                                 MessageCounts& counts) {
  Collect(samples, oldest, counts);
  plain_.clear();
  if (message_ == WriteMessage::kVersion1) {
    PutV1(samples, plain_);
  } else {
    PutV2(samples, symbols, plain_);
  }
  message_bytes_ = plain_.size();
  return Compress(plain_);
}

void WriteEncoder::PutV1(std::span<OutgoingSample> samples, std::string& out) {
  const auto put_exemplar = [&](const storage::Exemplar& exemplar) {
    small_.clear();
    std::string label;
    for (const auto& [name, value] : exemplar.labels) {
      label.clear();
      proto::PutText(label, 1, name);
      proto::PutText(label, 2, value);
      proto::PutText(small_, 1, label);
    }
    proto::PutDouble(small_, 2, exemplar.value);
    proto::PutNumber(small_, 3, static_cast<std::uint64_t>(exemplar.time.ms));
    proto::PutText(part_, 3, small_);
  };
  for (const Group& group : groups_) {
    part_.clear();
    for (std::uint32_t i = group.first; i != kNone; i = next_[i]) {
      const OutgoingSample& sample = samples[i];
      if (!sample.other) {
        PutSample(2, sample, part_);
      } else if (sample.is_histogram()) {
        small_.clear();
        PutHistogramMessage(std::get<Histogram>(*sample.other), TimeMs(sample.time), small_);
        proto::PutText(part_, 4, small_);
      } else {
        put_exemplar(std::get<storage::Exemplar>(*sample.other));
      }
    }
    proto::PutTag(out, 1, proto::kBytes);
    storage::PutVarint(out, group.series->label_bytes.size() + part_.size());
    out += group.series->label_bytes;
    out += part_;
  }
}

std::uint32_t WriteEncoder::Reference(std::uint32_t symbol, const TextTable& symbols) {
  if (symbol >= given_.size()) given_.resize(symbols.size());
  Given& given = given_[symbol];
  if (given.message != number_) {
    given = {number_, static_cast<std::uint32_t>(listed_.size())};
    listed_.push_back(symbols.Text(symbol));
  }
  return given.reference;
}

std::uint32_t WriteEncoder::ReferenceOfText(std::string_view text) {
  if (text.empty()) return 0;
  const auto [place, fresh] = given_texts_.try_emplace(std::string(text), static_cast<std::uint32_t>(listed_.size()));
  if (fresh) listed_.push_back(place->first);
  return place->second;
}

void WriteEncoder::PutMetadataV2(std::string_view name, std::string& out) {
  auto found = metadata_.find(std::string(name));
  for (const std::string_view suffix : {"_bucket", "_count", "_sum", "_total", "_created", "_info"}) {
    if (found != metadata_.end() || !name.ends_with(suffix)) continue;
    found = metadata_.find(std::string(name.substr(0, name.size() - suffix.size())));
  }
  if (found == metadata_.end()) return;
  const MetricMetadata& info = found->second;
  small_.clear();
  if (const std::uint64_t type = TypeNumber(info.type); type != 0) proto::PutNumber(small_, 1, type);
  if (const std::uint32_t help = ReferenceOfText(info.help); help != 0) proto::PutNumber(small_, 3, help);
  if (const std::uint32_t unit = ReferenceOfText(info.unit); unit != 0) proto::PutNumber(small_, 4, unit);
  proto::PutText(out, 5, small_);
}

void WriteEncoder::PutV2(std::span<OutgoingSample> samples, const TextTable& symbols, std::string& out) {
  listed_.assign(1, std::string_view());  // the first symbol is the empty text
  given_texts_.clear();
  std::string all, refs;
  for (const Group& group : groups_) {
    part_.clear();
    refs.clear();
    for (const std::uint32_t symbol : group.series->symbols) storage::PutVarint(refs, Reference(symbol, symbols));
    proto::PutText(part_, 1, refs);
    for (std::uint32_t i = group.first; i != kNone; i = next_[i]) {
      const OutgoingSample& sample = samples[i];
      if (!sample.other) {
        PutSample(2, sample, part_);
        continue;
      }
      small_.clear();
      if (sample.is_histogram()) {
        PutHistogramMessage(std::get<Histogram>(*sample.other), TimeMs(sample.time), small_);
        proto::PutText(part_, 3, small_);
        continue;
      }
      const auto& exemplar = std::get<storage::Exemplar>(*sample.other);
      refs.clear();
      for (const auto& [name, value] : exemplar.labels) {
        storage::PutVarint(refs, ReferenceOfText(name));
        storage::PutVarint(refs, ReferenceOfText(value));
      }
      if (!refs.empty()) proto::PutText(small_, 1, refs);
      proto::PutDouble(small_, 2, exemplar.value);
      proto::PutNumber(small_, 3, static_cast<std::uint64_t>(exemplar.time.ms));
      proto::PutText(part_, 4, small_);
    }
    if (const std::uint32_t name = group.series->name_symbol; name != OutgoingSeries::kNoName) {
      PutMetadataV2(symbols.Text(name), part_);
    }
    proto::PutText(all, 5, part_);
  }
  for (const std::string_view text : listed_) proto::PutText(out, 4, text);
  out += all;
}

void WriteEncoder::SetMetadata(std::vector<MetricMetadata> metadata) {
  metadata_.clear();
  for (MetricMetadata& info : metadata) {
    std::string name = info.metric;
    metadata_.try_emplace(std::move(name), std::move(info));
  }
}

std::string WriteEncoder::EncodeMetadata(std::span<const MetricMetadata> metadata) {
  std::string plain, part;
  for (const MetricMetadata& info : metadata) {
    part.clear();
    if (const std::uint64_t type = TypeNumber(info.type); type != 0) proto::PutNumber(part, 1, type);
    proto::PutText(part, 2, info.metric);
    if (!info.help.empty()) proto::PutText(part, 4, info.help);
    if (!info.unit.empty()) proto::PutText(part, 5, info.unit);
    proto::PutText(plain, 3, part);
  }
  return Compress(plain);
}

}  // namespace vedette::collector
