#include "storage/rocks/verify.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_batch.h>

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/coding.h"
#include "storage/fact_codec.h"
#include "storage/index/definitions.h"
#include "storage/index/postings_codec.h"
#include "storage/rocks/bundle_cursor.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/fact_keys.h"
#include "storage/rocks/feeds.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/partitions.h"
#include "storage/rocks/tier_store.h"
#include "storage/rocks/tombstones.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kNamedProblems = 1000;

class Verifier {
 public:
  Verifier(Database& database, bool repair) : database_(database), repair_(repair) {}

  Result<VerifyReport> Run() {
    for (const std::string& log : database_.damaged_logs()) Problem(log + ": what was committed behind it is lost");
    Files();
    SeriesDefinitions();
    Partitions partitions(database_);
    VEDETTE_CHECK(partitions.Recover());
    Tiers();
    Facts();
    Journal();
    const auto days = partitions.days();
    for (const std::int32_t day : *days) Day(day);
    Tombstones tombstones(database_);
    if (const Status read = tombstones.Recover(); !read) Problem(read.error().message);
    return std::move(report_);
  }

 private:
  void Problem(std::string text) {
    ++report_.problem_count;
    if (report_.problems.size() < kNamedProblems) report_.problems.push_back(std::move(text));
  }

  std::unique_ptr<rocksdb::Iterator> Ordered(Family family) {
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.fill_cache = false;
    options.readahead_size = 1 << 20;
    return database_.NewIterator(options, family);
  }

  /// Every block of every table file, whether anything leads to it or not.
  void Files() {
    const Database::KeepFiles keep(database_);  // a compaction may end meanwhile
    std::vector<rocksdb::LiveFileMetaData> files;
    database_.db().GetLiveFilesMetaData(&files);
    for (const rocksdb::LiveFileMetaData& file : files) {
      ++report_.table_files;
      const std::string name = file.db_path + "/" + file.relative_filename;
      rocksdb::SstFileReader reader(database_.db().GetOptions());
      rocksdb::Status status = reader.Open(name);
      if (status.ok()) status = reader.VerifyChecksum();
      if (status.ok()) continue;
      std::string rows;
      const bool has_days = file.column_family_name == FamilyName(Family::kChunks) ||
                            file.column_family_name == FamilyName(Family::kBlocks) ||
                            file.column_family_name == FamilyName(Family::kBundles);
      if (has_days && file.smallestkey.size() >= 4 && file.largestkey.size() >= 4) {
        rows = fmt::format(", days {} to {}", DayText(ParseDay(file.smallestkey)), DayText(ParseDay(file.largestkey)));
      }
      Problem(fmt::format("table file {} of {}{}: {}", name, file.column_family_name, rows, status.ToString()));
    }
  }

  void SeriesDefinitions() {
    const auto at = Ordered(Family::kSeries);
    Definitions definitions;
    std::unordered_set<std::string> hashes;
    std::unordered_set<SeriesId> in_blocks;
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      const std::string_view key = ToView(at->key());
      const bool block = key.front() == kSeriesBlockTag;
      if (!block && key.front() != kSeriesRecordTag) {
        hashes.emplace(key);
        continue;
      }
      const Status decoded = definitions.Decode(ToView(at->value()));
      if (!decoded) {
        Problem(fmt::format("{} {} of series definitions: {}", block ? "block" : "record", Raw(ParseSeriesKey(key)),
                            decoded.error().message));
        continue;
      }
      for (std::size_t i = 0; i < definitions.size(); ++i) {
        labels_.emplace(definitions.id(i), definitions.LabelsOf(i));
        if (block) in_blocks.insert(definitions.id(i));
      }
    }
    if (!at->status().ok()) Problem("read of series: " + at->status().ToString());
    for (const SeriesId id : in_blocks) {
      const Labels& labels = labels_.at(id);
      if (hashes.contains(SeriesHashKey(labels.Hash(), id))) continue;
      Problem(fmt::format("definition of series {} {} is not found by its hash", Raw(id), labels.ToString()));
    }
    report_.series = labels_.size();
  }

  void Day(std::int32_t day) {
    Postings all;
    if (const Status read = DiskIndex(database_, day, nullptr).All(all); !read) Problem(read.error().message);
    for (const SeriesId id : all) {
      if (labels_.contains(id)) continue;
      Problem(fmt::format("index of {} names series {}, which has no definition", DayText(day), Raw(id)));
    }
    Index(day, all);
    Bundles(day, all);
    for (const Family family : {Family::kBlocks, Family::kChunks}) Chunks(family, day, all);
  }

  /// Rows name only series of the day that have the label; and as many in all as the series have labels, so that no
  /// series is missing in a row.
  void Index(std::int32_t day, const Postings& all) {
    std::uint64_t expected = 0, found = 0;
    for (const SeriesId id : all) {
      if (const auto labels = labels_.find(id); labels != labels_.end()) expected += labels->second.size();
    }
    const std::string prefix = DayPrefix(day);
    const auto at = Ordered(Family::kIndex);
    Postings ids;
    for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
      ++report_.index_rows;
      const auto key = ParseIndexKey(ToView(at->key()));
      ids.clear();
      if (!key || !DecodePostings(ToView(at->value()), ids)) {
        Problem(fmt::format("index of {}: row {} is damaged", DayText(day), Quote(ToView(at->key()))));
        continue;
      }
      if (key->name.empty()) continue;  // the row of all series
      for (const SeriesId id : ids) {
        const auto labels = labels_.find(id);
        const bool good = std::ranges::binary_search(all, id) && labels != labels_.end() &&
                          labels->second.Get(key->name) == key->value;
        if (good) {
          ++found;
        } else if (labels != labels_.end()) {  // otherwise it was named above
          Problem(fmt::format("index of {}: {}={} names series {}, which is not of that day or has another value",
                              DayText(day), key->name, Quote(key->value), Raw(id)));
        }
      }
    }
    if (!at->status().ok()) {
      Problem(fmt::format("index of {}: {}", DayText(day), at->status().ToString()));
    } else if (found < expected) {
      Problem(
          fmt::format("index of {}: {} of {} labels are not in their rows", DayText(day), expected - found, expected));
    }
  }

  void Bundles(std::int32_t day, const Postings& all) {
    BundleCursor at(Ordered(Family::kBundles));
    Result<bool> found = at.Find(day, SeriesId::kNone);
    SeriesId last = SeriesId::kNone;
    for (;;) {
      for (; found && *found; found = at.Next()) {
        if (at.bundle().parts().front().series <= last) {
          Problem(DescribeBundleKey(at.key()) + " overlaps the one before");
        }
        last = at.bundle().parts().back().series;
        Bundle(day, at, all);
      }
      if (found) return;
      const std::string damage = found.error().message;
      if (at.on_row()) {
        Problem(damage);
        Drop(Family::kBundles, at.key());
        found = at.Next();
        continue;
      }
      // A damaged block, as in Chunks().
      const auto next = std::ranges::upper_bound(all, last);
      if (next == all.end()) return Problem(damage);
      last = *next;
      at = BundleCursor(Ordered(Family::kBundles));
      found = at.Find(day, last);
      if (!found && !at.on_row()) Unreadable(last, day, damage);
    }
  }

  void Bundle(std::int32_t day, BundleCursor& at, const Postings& all) {
    ++report_.bundles;
    BundleReader& bundle = at.bundle();
    std::map<std::size_t, Columns> lost;
    for (std::size_t i = 0; i < bundle.parts().size(); ++i) {
      const BundlePart& part = bundle.parts()[i];
      ++report_.chunks;
      samples_.clear();
      if (const Status decoded = bundle.Decode(i, samples_); !decoded) {
        Problem(fmt::format("{}: {}", DescribeBundleKey(at.key()), decoded.error().message));
        lost[i];
        continue;
      }
      report_.samples += samples_.size();
      const std::string what = fmt::format("{}: its part of series {}", DescribeBundleKey(at.key()), Raw(part.series));
      if (DayOf(part.range.min) != day || DayOf(part.range.max) != day) {
        Problem(fmt::format("{} holds samples from {} to {}", what, part.range.min, part.range.max));
      }
      SeriesOfRow(what, part.series, all);
    }
    if (!lost.empty()) DropParts(day, at, lost);
  }

  void DropParts(std::int32_t day, BundleCursor& at, const std::map<std::size_t, Columns>& lost) {
    if (!repair_) return;
    const auto row = Rewrite(at.bundle(), day, lost);
    rocksdb::WriteBatch batch;
    batch.Delete(database_.family(Family::kBundles), ToSlice(at.key()));
    if (row && *row) batch.Put(database_.family(Family::kBundles), (*row)->key, (*row)->value);
    const Status done = row ? database_.Write(batch, true) : Status(row.error());
    for (const auto& [part, none] : lost) {
      const std::uint64_t series = Raw(at.bundle().parts()[part].series);
      report_.repairs.push_back(done ? fmt::format("dropped series {} of {}", series, DescribeBundleKey(at.key()))
                                     : done.error().message);
    }
  }

  /// What refers to the series of a row has to know it.
  void SeriesOfRow(const std::string& row, SeriesId series, const Postings& all) {
    if (!std::ranges::binary_search(all, series) && !in_journal_.contains(series)) {
      Problem(row + ": the index of the day does not name the series");
    } else if (!labels_.contains(series)) {
      Problem(row + ": the series has no definition");
    }
  }

  void Chunks(Family family, std::int32_t day, const Postings& all) {
    const std::string prefix = DayPrefix(day);
    auto at = Ordered(family);
    at->Seek(prefix);
    SeriesId last = SeriesId::kNone;
    for (;;) {
      for (; at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
        if (const auto key = ParseChunkKey(ToView(at->key()))) last = key->series;
        Chunk(family, ToView(at->key()), ToView(at->value()), all);
      }
      if (at->status().ok()) return;
      // A damaged block: which series lie in it is found by asking for each of those behind the last good one.
      const auto next = std::ranges::upper_bound(all, last);
      if (next == all.end()) {
        Problem(fmt::format("{} of {}: {}", FamilyName(family), DayText(day), at->status().ToString()));
        return;
      }
      last = *next;
      const std::string damage = at->status().ToString();
      at = Ordered(family);
      at->Seek(ChunkPrefix(day, last));
      if (!at->status().ok()) {
        Unreadable(last, day, damage);
      }
    }
  }

  void Unreadable(SeriesId series, std::int32_t day, std::string_view damage) {
    const auto labels = labels_.find(series);
    Problem(fmt::format("samples of series {} {} on {} cannot be read: {}", Raw(series),
                        labels == labels_.end() ? "" : labels->second.ToString(), DayText(day), damage));
  }

  void Chunk(Family family, std::string_view key, std::string_view value, const Postings& all) {
    ++report_.chunks;
    const auto parsed = ParseChunkKey(key);
    if (!parsed) return Problem(DescribeChunkKey(key));
    samples_.clear();
    HistogramColumns histograms;
    const Status decoded = parsed->histograms ? DecodeHistogramChunk(value, histograms) : DecodeChunk(value, samples_);
    if (!decoded) {
      Problem(fmt::format("{}: {}", DescribeChunkKey(key), decoded.error().message));
      return Drop(family, key);
    }
    const Column<std::int64_t>& times = parsed->histograms ? histograms.times : samples_.times;
    report_.samples += times.size();
    const TimeMs first(times.front()), last(times.back());
    if (first != parsed->first || DayOf(last) != parsed->day) {
      Problem(fmt::format("{} holds samples from {} to {}", DescribeChunkKey(key), first, last));
    }
    SeriesOfRow(DescribeChunkKey(key), parsed->series, all);
  }

  void Tiers() {
    const auto at = Ordered(Family::kTiers);
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      ++report_.tier_rows;
      const auto key = ParseTierKey(ToView(at->key()));
      if (!key) {
        Problem(DescribeTierKey(ToView(at->key())));
        continue;
      }
      const auto row = DecodeTierRow(ToView(at->value()), key->step);
      if (!row) {
        Problem(fmt::format("{}: {}", DescribeTierKey(ToView(at->key())), row.error().message));
        continue;
      }
      const TimeMs first = StartOfDay(key->day), last = StartOfDay(key->day + 1);
      if (!row->buckets.empty() && (row->buckets.front().end < first || row->buckets.back().end > last)) {
        Problem(fmt::format("{} has buckets of another day", DescribeTierKey(ToView(at->key()))));
      }
      if (!labels_.contains(key->series)) {
        Problem(fmt::format("{}: the series has no definition", DescribeTierKey(ToView(at->key()))));
      }
    }
    if (!at->status().ok()) Problem("read of tiers: " + at->status().ToString());
  }

  void Facts() {
    std::unordered_set<std::uint64_t> targets, infos;
    const auto at = Ordered(Family::kFacts);
    const auto collect = [&](FactTag tag, std::unordered_set<std::uint64_t>& numbers) {
      for (at->Seek(std::string(1, tag)); at->Valid() && at->key()[0] == tag; at->Next()) {
        const auto number = ParseNumberKey(tag, ToView(at->key()));
        const std::string_view value = ToView(at->value());
        if (number && (tag == kTargetTag ? DecodeLabels(value).has_value() : DecodeInfo(value).has_value())) {
          numbers.insert(*number);
        } else {
          Problem(DamagedFact(ToView(at->key())).message);
        }
      }
    };
    collect(kTargetTag, targets);
    collect(kInfoTag, infos);
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      const std::string_view key = ToView(at->key()), value = ToView(at->value());
      bool good = true;
      if (key.front() == kExemplarTag) good = ParseExemplarKey(key) && DecodeExemplar(value);
      if (key.front() == kStartTag) good = ParseStartKey(key) && ParseFactTime(value);
      if (key.front() == kFeedTag) {
        std::vector<FeedExemplar> exemplars;
        good = ParseNumberKey(kFeedTag, key) && DecodeFeedExemplars(value, exemplars);
      }
      if (key.front() == kMetadataTag) {
        const auto parsed = ParseMetadataKey(key);
        good = parsed && targets.contains(parsed->target) &&
               (value.empty() || (value.size() == 8 && infos.contains(GetBigEndian<std::uint64_t>(value))));
      }
      if (!good) Problem(DamagedFact(key).message);
    }
    if (!at->status().ok()) Problem("read of facts: " + at->status().ToString());
  }

  void Drop(Family family, std::string_view key) {
    if (!repair_) return;
    rocksdb::WriteBatch batch;
    batch.Delete(database_.family(family), ToSlice(key));
    const Status done = database_.Write(batch, true);
    const std::string what = family == Family::kBundles ? DescribeBundleKey(key) : DescribeChunkKey(key);
    report_.repairs.push_back(done ? "dropped " + what : done.error().message);
  }

  void Journal() {
    const auto watermark = database_.GetNumber(kMetaWatermark);
    if (!watermark) return Problem(watermark.error().message);
    const auto at = Ordered(Family::kJournal);
    JournalRecord record;
    for (at->Seek(JournalKey(*watermark, 1)); at->Valid(); at->Next()) {
      ++report_.journal_records;
      const std::string_view key = ToView(at->key());
      const Status decoded = DecodeRecord(ToView(at->value()), record);
      if (!decoded) {
        const std::uint64_t commit = key.size() == 12 ? GetBigEndian<std::uint64_t>(key) : 0;
        Problem(fmt::format("journal record {}: {}", commit, decoded.error().message));
        continue;
      }
      for (const RowPart& part : record.rows) in_journal_.insert(part.ids.begin(), part.ids.end());
      in_journal_.insert(record.singles.series.begin(), record.singles.series.end());
      for (const AppendBatch::HistogramSample& sample : record.singles.histograms) in_journal_.insert(sample.series);
      for (const CarriedSamples& carried : record.carried) in_journal_.insert(carried.id);
    }
    if (!at->status().ok()) Problem("read of the journal: " + at->status().ToString());
  }

  Database& database_;
  const bool repair_;
  VerifyReport report_;
  std::unordered_map<SeriesId, Labels> labels_;
  /// Who died between a table file of sealed chunks and the batch that indexes them seals the same again later.
  std::unordered_set<SeriesId> in_journal_;
  Columns samples_;
};

}  // namespace

Result<VerifyReport> VerifyStore(const std::string& path, bool repair, rocksdb::Env* env) {
  StorageOptions options;
  options.path = path;
  VEDETTE_TRY(const std::unique_ptr<Database> database,
              Database::Open(options, env, repair ? Access::kWrite : Access::kRead));
  return Verifier(*database, repair).Run();
}

}  // namespace vedette::storage
