#include "storage/rocks/journal_record.h"

#include <algorithm>

#include "storage/chunk/histogram_codec.h"
#include "storage/chunk/value_codec.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// A run of neighbouring ids is a few bytes however long it is: this bounds what damaged bytes can ask for.
constexpr std::uint64_t kMaxRun = 1 << 16;  // also of the series sealed in one step, which are a few thousand

/// Runs of ids, each one above the one before: gap from the end of the last run (signed varint), length (varint).
void PutIds(std::span<const SeriesId> ids, std::string& out) {
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < ids.size();) {
    std::size_t end = i + 1;
    while (end < ids.size() && end - i < kMaxRun && Raw(ids[end]) == Raw(ids[end - 1]) + 1) ++end;
    PutSigned(out, static_cast<std::int64_t>(Raw(ids[i]) - next));
    PutVarint(out, end - i);
    next = Raw(ids[end - 1]) + 1;
    i = end;
  }
}

bool GetIds(ByteReader& in, std::uint64_t count, std::vector<SeriesId>& out) {
  std::uint64_t next = 0;
  while (count > 0) {
    const auto gap = in.Signed();
    const auto run = in.Varint();
    if (!gap || !run || *run == 0 || *run > kMaxRun || *run > count) return false;
    next += static_cast<std::uint64_t>(*gap);
    for (std::uint64_t i = 0; i < *run; ++i) out.push_back(SeriesId(next + i));
    next += *run;
    count -= *run;
  }
  return true;
}

/// What a part of a commit record is. Stored: never reused.
enum PartTag : std::uint8_t {
  kOpenTag = 1,     // group, block, columns, then what a row part has
  kColumnsTag = 2,  // block, columns, then what a row part has
  kRowTag = 3,      // block, ordinal, time, size, row
  kSinglesTag = 4,  // single samples, until the end
  kHistogramsTag = 5,
};

void PutRowParts(const RowDrafts& drafts, std::string& out) {
  std::int64_t time = 0;
  for (const RowDraft& draft : drafts.rows) {
    const std::span ids = draft.group->ids().subspan(draft.first_column, draft.columns - draft.first_column);
    const PartTag tag = draft.opens_block ? kOpenTag : ids.empty() ? kRowTag : kColumnsTag;
    out.push_back(static_cast<char>(tag));
    if (tag == kOpenTag) PutVarint(out, draft.group->number());
    PutVarint(out, draft.block);
    if (tag == kColumnsTag) PutVarint(out, draft.first_column);
    if (tag != kRowTag) {
      PutVarint(out, ids.size());
      PutIds(ids, out);
    }
    if (tag != kOpenTag) PutVarint(out, draft.ordinal);
    PutSigned(out, WrapSub(draft.time.ms, time));
    time = draft.time.ms;
    PutVarint(out, draft.end - draft.begin);
    out.append(drafts.RowBytes(draft));
  }
}

bool GetRowPart(ByteReader& in, std::uint8_t tag, std::int64_t& time, std::vector<RowPart>& out) {
  RowPart& part = out.emplace_back();
  part.opens_block = tag == kOpenTag;
  const auto number = [&](std::uint64_t& to) {
    const auto value = in.Varint();
    if (value) to = *value;
    return value.has_value();
  };
  if (part.opens_block && !number(part.group)) return false;
  if (!number(part.block)) return false;
  if (tag == kColumnsTag && !number(part.first_column)) return false;
  if (tag != kRowTag) {
    std::uint64_t count = 0;
    if (!number(count) || count > kMaxRowColumns || part.first_column > kMaxRowColumns) return false;
    if (!GetIds(in, count, part.ids)) return false;
  }
  if (!part.opens_block && !number(part.ordinal)) return false;
  const auto step = in.Signed();
  const auto size = in.Varint();
  if (!step || !size) return false;
  time = WrapAdd(time, *step);
  part.time = TimeMs(time);
  const auto row = in.Bytes(*size);
  if (!row) return false;
  part.row = *row;
  // A row takes two bytes per 64 columns at least: what the ids take in memory is bounded by the bytes there are.
  return part.ids.size() <= 32 * row->size();
}

void PutHistograms(std::span<const AppendBatch::HistogramSample> samples, std::string& out) {
  out.push_back(static_cast<char>(kHistogramsTag));
  PutVarint(out, samples.size());
  std::uint64_t id = 0;
  std::int64_t time = 0;
  for (const AppendBatch::HistogramSample& sample : samples) {
    PutSigned(out, static_cast<std::int64_t>(Raw(sample.series) - id));
    PutSigned(out, WrapSub(sample.time.ms, time));
    PutHistogram(sample.histogram, nullptr, out);
    id = Raw(sample.series);
    time = sample.time.ms;
  }
}

bool GetHistograms(ByteReader& in, std::vector<AppendBatch::HistogramSample>& out) {
  const auto count = in.Varint();
  if (!count || *count > in.size()) return false;
  std::uint64_t id = 0;
  std::int64_t time = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto gap = in.Signed(), step = in.Signed();
    AppendBatch::HistogramSample& sample = out.emplace_back();
    if (!gap || !step || !GetHistogram(in, nullptr, sample.histogram)) return false;
    id += static_cast<std::uint64_t>(*gap);
    time = WrapAdd(time, *step);
    sample.series = SeriesId(id);
    sample.time = TimeMs(time);
  }
  return true;
}

bool GetSingles(ByteReader& in, AppendBatch& batch) {
  std::int64_t time = 0;
  while (!in.empty()) {
    const auto step = in.Signed();
    const auto count = in.Varint();
    if (!step || !count) return false;
    time = WrapAdd(time, *step);
    const std::size_t begin = batch.series.size();
    // A value takes a byte at least.
    if (*count > in.size() || !GetIds(in, *count, batch.series) || *count > in.size()) return false;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto value = GetValue(in);
      if (!value) return false;
      batch.values.push_back(*value);
    }
    batch.rows.push_back({TimeMs(time), begin, batch.series.size()});
  }
  return true;
}

bool GetCommit(ByteReader& in, JournalRecord& record) {
  std::int64_t time = 0;
  while (!in.empty()) {
    const std::uint8_t tag = *in.Byte();
    if (tag == kSinglesTag) return GetSingles(in, record.singles);
    if (tag == kHistogramsTag) {
      if (!GetHistograms(in, record.singles.histograms)) return false;
      continue;
    }
    if (tag != kOpenTag && tag != kColumnsTag && tag != kRowTag) return false;
    if (!GetRowPart(in, tag, time, record.rows)) return false;
  }
  return true;
}

bool GetSealed(ByteReader& in, JournalRecord& record) {
  const auto count = in.Varint();
  if (!count || *count > kMaxRun || !GetIds(in, *count, record.sealed)) return false;
  const auto blocks = in.Varint();
  if (!blocks || *blocks > in.size()) return false;
  for (std::uint64_t i = 0; i < *blocks; ++i) {
    const auto block = in.Varint();
    if (!block) return false;
    record.sealed_blocks.push_back(*block);
  }
  return in.empty();
}

bool GetCarried(ByteReader& in, std::vector<CarriedSamples>& series) {
  std::uint64_t id = 0;
  while (!in.empty()) {
    const auto gap = in.Signed();
    const auto count = in.Varint();
    // A sample takes two bytes at least.
    if (!gap || !count || *count > in.size() / 2) return false;
    id += static_cast<std::uint64_t>(*gap);
    CarriedSamples& carried = series.emplace_back();
    carried.id = SeriesId(id);
    std::int64_t time = 0;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto step = in.Signed();
      const auto value = GetValue(in);
      if (!step || !value) return false;
      time = WrapAdd(time, *step);
      carried.samples.times.push_back(time);
      carried.samples.values.push_back(*value);
    }
  }
  return true;
}

}  // namespace

std::string EncodeCommit(const RowDrafts& drafts, const AppendBatch& singles,
                         std::span<const AppendBatch::HistogramSample> histograms) {
  std::string out;
  out.reserve(16 + 32 * drafts.rows.size() + drafts.bytes.size() + 4 * singles.size());
  out.push_back(static_cast<char>(RecordKind::kCommit));
  PutRowParts(drafts, out);
  if (!histograms.empty()) PutHistograms(histograms, out);
  if (singles.rows.empty()) return out;
  out.push_back(static_cast<char>(kSinglesTag));
  std::int64_t time = 0;
  for (const AppendBatch::Row& row : singles.rows) {
    PutSigned(out, WrapSub(row.time.ms, time));
    time = row.time.ms;
    PutVarint(out, row.end - row.begin);
    PutIds(std::span(singles.series).subspan(row.begin, row.end - row.begin), out);
    for (std::size_t i = row.begin; i < row.end; ++i) PutValue(out, singles.values[i]);
  }
  return out;
}

std::string EncodeSealed(std::span<const SeriesId> ids, std::span<const std::uint64_t> blocks) {
  std::string out;
  out.push_back(static_cast<char>(RecordKind::kSealed));
  PutVarint(out, ids.size());
  PutIds(ids, out);
  PutVarint(out, blocks.size());
  for (const std::uint64_t block : blocks) PutVarint(out, block);
  return out;
}

std::string EncodeSealedHistograms(std::span<const SeriesId> ids) {
  std::string out;
  out.push_back(static_cast<char>(RecordKind::kSealedHistograms));
  PutVarint(out, ids.size());
  PutIds(ids, out);
  return out;
}

std::string EncodeCarried(std::span<const CarriedSamples> series) {
  std::string out;
  out.push_back(static_cast<char>(RecordKind::kCarried));
  std::uint64_t id = 0;
  for (const CarriedSamples& carried : series) {
    PutSigned(out, static_cast<std::int64_t>(Raw(carried.id) - id));
    id = Raw(carried.id);
    PutVarint(out, carried.samples.size());
    std::int64_t time = 0;
    for (std::size_t i = 0; i < carried.samples.size(); ++i) {
      PutSigned(out, WrapSub(carried.samples.times[i], time));
      time = carried.samples.times[i];
      PutValue(out, carried.samples.values[i]);
    }
  }
  return out;
}

Status DecodeRecord(std::string_view bytes, JournalRecord& record) {
  record.rows.clear();
  record.singles.Clear();
  record.sealed.clear();
  record.sealed_blocks.clear();
  record.carried.clear();
  ByteReader in(bytes);
  const auto kind = in.Byte();
  if (!kind) return Fail(Code::kCorruption, "empty journal record");
  record.kind = static_cast<RecordKind>(*kind);
  bool whole = false;
  switch (record.kind) {
    case RecordKind::kCommit:
      whole = GetCommit(in, record);
      break;
    case RecordKind::kSealed:
      whole = GetSealed(in, record);
      break;
    case RecordKind::kSealedHistograms: {
      const auto count = in.Varint();
      whole = count && *count <= kMaxRun && GetIds(in, *count, record.sealed) && in.empty();
      break;
    }
    case RecordKind::kCarried:
      whole = GetCarried(in, record.carried);
      break;
    default:
      return Fail(Code::kBadData, "journal record of kind {}, which this program does not know", *kind);
  }
  if (!whole) return Fail(Code::kCorruption, "journal record of {} bytes is damaged", bytes.size());
  return Ok();
}

}  // namespace vedette::storage
