// bcache: disks that cache other disks, from /sys/fs/bcache.
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

struct BcacheNumber {
  const char* file;  // or the first word of a line
  MetricText metric;
  double scale = 1;
};
constexpr auto kSetNumbers = std::to_array<BcacheNumber>({
    {"average_key_size", {"node_bcache_average_key_size_sectors", "Average data per key in the btree (sectors)."}},
    {"btree_cache_size", {"node_bcache_btree_cache_size_bytes", "Amount of memory currently used by the btree cache."}},
    {"cache_available_percent",
     {"node_bcache_cache_available_percent",
      "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data)."}},
    {"congested", {"node_bcache_congested", "Congestion."}},
    {"root_usage_percent",
     {"node_bcache_root_usage_percent",
      "Percentage of the root btree node in use (tree depth increases if too high)."}},
    {"tree_depth", {"node_bcache_tree_depth", "Depth of the btree."}},
    {"internal/active_journal_entries",
     {"node_bcache_active_journal_entries", "Number of journal entries that are newer than the index."}},
    {"internal/btree_nodes", {"node_bcache_btree_nodes", "Total nodes in the btree."}},
    {"internal/btree_read_average_duration_us",
     {"node_bcache_btree_read_average_duration_seconds", "Average btree read duration."},
     1e-9},
    {"internal/cache_read_races",
     {"node_bcache_cache_read_races_total",
      "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. "
      "where the pointer was stale after the read completed.",
      FamilyType::kCounter}},
});
constexpr auto kBackingNumbers = std::to_array<BcacheNumber>({
    {"dirty_data", {"node_bcache_dirty_data_bytes", "Amount of dirty data for this backing device in the cache."}},
    {"stats_total/bypassed",
     {"node_bcache_bypassed_bytes_total", "Amount of IO (both reads and writes) that has bypassed the cache.",
      FamilyType::kCounter}},
    {"stats_total/cache_hits",
     {"node_bcache_cache_hits_total", "Hits counted per individual IO as bcache sees them.", FamilyType::kCounter}},
    {"stats_total/cache_misses",
     {"node_bcache_cache_misses_total", "Misses counted per individual IO as bcache sees them.", FamilyType::kCounter}},
    {"stats_total/cache_bypass_hits",
     {"node_bcache_cache_bypass_hits_total", "Hits for IO intended to skip the cache.", FamilyType::kCounter}},
    {"stats_total/cache_bypass_misses",
     {"node_bcache_cache_bypass_misses_total", "Misses for IO intended to skip the cache.", FamilyType::kCounter}},
    {"stats_total/cache_miss_collisions",
     {"node_bcache_cache_miss_collisions_total",
      "Instances where data insertion from cache miss raced with write (data already present).", FamilyType::kCounter}},
    {"stats_total/cache_readaheads",
     {"node_bcache_cache_readaheads_total", "Count of times readahead occurred.", FamilyType::kCounter}},
});
/// Lines of writeback_rate_debug.
constexpr auto kWritebackLines = std::to_array<BcacheNumber>({
    {"target:",
     {"node_bcache_dirty_target_bytes", "Current dirty data target threshold for this backing device in bytes."}},
    {"rate:", {"node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes."}},
    {"proportional:",
     {"node_bcache_writeback_rate_proportional_term",
      "Current result of proportional controller, part of writeback rate"}},
    {"integral:",
     {"node_bcache_writeback_rate_integral_term", "Current result of integral controller, part of writeback rate"}},
    {"change:", {"node_bcache_writeback_change", "Last writeback rate change step for this backing device."}},
});
constexpr auto kCacheNumbers = std::to_array<BcacheNumber>({
    {"io_errors", {"node_bcache_io_errors", "Number of errors that have occurred, decayed by io_error_halflife."}},
    {"metadata_written",
     {"node_bcache_metadata_written_bytes_total", "Sum of all non data writes (btree writes and all other metadata).",
      FamilyType::kCounter}},
    {"written",
     {"node_bcache_written_bytes_total", "Sum of all data that has been written to the cache.", FamilyType::kCounter}},
});
/// Lines of priority_stats, which is dear: the kernel looks at every bucket.
constexpr auto kPriorityLines = std::to_array<BcacheNumber>({
    {"Unused:",
     {"node_bcache_priority_stats_unused_percent", "The percentage of the cache that doesn't contain any data."}},
    {"Metadata:", {"node_bcache_priority_stats_metadata_percent", "Bcache's metadata overhead."}},
});

/// "1.5k", "-3.2M", "99%", "1.1M/sec": numbers as bcache prints them for people. What follows the point is the binary
/// fraction in 1024ths divided by 100, so that "1.10" is more than "1.9".
std::optional<double> ParseHumanSize(std::string_view text) {
  constexpr std::string_view kUnits = "kMGTPEZY";
  for (const std::string_view tail : {"/sec", "%", "ms"}) {
    if (text.ends_with(tail)) text.remove_suffix(tail.size());
  }
  const double sign = text.starts_with('-') ? -1 : 1;
  if (sign < 0) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double unit = 1;
  const std::size_t power = kUnits.find(text.back());
  if (power == std::string_view::npos) {
    const auto plain = ParseFloat(text);
    return plain ? std::optional(sign * std::trunc(*plain)) : std::nullopt;
  }
  unit = std::pow(1024.0, static_cast<double>(power + 1));
  text.remove_suffix(1);
  const std::size_t point = text.find('.');
  const auto whole = ParseFloat(text.substr(0, point));
  const auto fraction = point == std::string_view::npos ? std::optional(0.0) : ParseFloat(text.substr(point + 1));
  if (!whole || !fraction) return std::nullopt;
  constexpr double kFractionUnit = 10.24;
  return sign * std::trunc((*whole + *fraction / kFractionUnit) * unit);
}

class BcachePart final : public HostPart {
 public:
  explicit BcachePart(HostContext& context)
      : root_(context.Sys("fs/bcache")), priority_(context.options.bcache_priority_stats) {}

  Status Collect(TextFormat& out) override {
    FamilyTable table;
    for (const std::string& uuid : NamesIn(root_)) {
      if (uuid.find('-') == std::string::npos) continue;  // register and its like
      const std::string path = root_ + "/" + uuid;
      VEDETTE_CHECK(AddNumbers(path, kSetNumbers, {{"uuid", uuid}}, table));
      for (const std::string& name : ListNumbered(path, "bdev")) {
        const std::initializer_list<LabelView> labels{{"backing_device", name}, {"uuid", uuid}};
        VEDETTE_CHECK(AddNumbers(path + "/" + name, kBackingNumbers, labels, table));
        VEDETTE_CHECK(AddLines(path + "/" + name + "/writeback_rate_debug", kWritebackLines, labels, table));
      }
      for (const std::string& name : ListNumbered(path, "cache")) {
        const std::initializer_list<LabelView> labels{{"cache_device", name}, {"uuid", uuid}};
        VEDETTE_CHECK(AddNumbers(path + "/" + name, kCacheNumbers, labels, table));
        if (priority_) VEDETTE_CHECK(AddLines(path + "/" + name + "/priority_stats", kPriorityLines, labels, table));
      }
    }
    table.Write(out);
    return Ok();
  }

 private:
  static Status AddNumbers(const std::string& path, std::span<const BcacheNumber> numbers,
                           std::initializer_list<LabelView> labels, FamilyTable& table) {
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(path));
    for (const BcacheNumber& number : numbers) {
      const auto text = ReadAttribute(directory.fd(), number.file);
      const auto value = text ? ParseHumanSize(Trimmed(*text)) : std::optional(0.0);
      if (!value) return Fail(Code::kBadData, "'{}' in {}/{} is not a number", *text, path, number.file);
      table.Add(number.metric, labels, *value * number.scale);
    }
    return Ok();
  }

  static Status AddLines(const std::string& path, std::span<const BcacheNumber> numbers,
                         std::initializer_list<LabelView> labels, FamilyTable& table) {
    VEDETTE_TRY(const std::string text, ReadHostFile(path));
    std::string_view rest = text;
    while (auto line = NextLine(rest)) {
      const std::string_view key = NextField(*line);
      for (const BcacheNumber& number : numbers) {
        if (key != number.file) continue;
        const std::string_view field = Trimmed(*line).substr(Trimmed(*line).rfind(' ') + 1);
        const auto value = ParseHumanSize(field);
        if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", field.substr(0, 64), path);
        table.Add(number.metric, labels, *value);
      }
    }
    return Ok();
  }

  std::string root_;
  bool priority_;
};

}  // namespace

HostPartResult MakeBcachePart(HostContext& context) { return HostPartResult(std::make_unique<BcachePart>(context)); }

}  // namespace vedette::collector
