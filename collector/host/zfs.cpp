// zfs: caches, transactions, pools and datasets of OpenZFS, from /proc/spl/kstat/zfs.
#include <algorithm>
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct ZfsFile {
  std::string_view file, subsystem;
};
constexpr auto kZfsFiles = std::to_array<ZfsFile>({
    {"abdstats", "zfs_abd"},
    {"arcstats", "zfs_arc"},
    {"dbuf_stats", "zfs_dbuf"},
    {"dmu_tx", "zfs_dmu_tx"},
    {"dnodestats", "zfs_dnode"},
    {"fm", "zfs_fm"},
    {"vdev_cache_stats", "zfs_vdev_cache"},
    {"vdev_mirror_stats", "zfs_vdev_mirror"},
    {"xuio_stats", "zfs_xuio"},
    {"zfetchstats", "zfs_zfetch"},
    {"zil", "zfs_zil"},
});

constexpr std::string_view kKstatUint64 = "4";  // KSTAT_DATA_UINT64

/// Names of the kernel module as part of a metric name.
std::string KstatMetricName(std::string_view subsystem, std::string_view name) {
  std::string metric = fmt::format("node_{}_{}", subsystem, name);
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::replace_if(
      metric.begin(), metric.end(), [&](char c) { return !legal(c); }, '_');
  return metric;
}

/// Calls `add(name, type, value)` for every row below the line "name type data". Errors: kBadData without that line.
template <class Add>
Status ForEachKstat(std::string_view text, const std::string& path, const Add& add) {
  bool head = false;
  while (auto line = NextLine(text)) {
    const std::string_view name = NextField(*line), type = NextField(*line), value = NextField(*line);
    if (!head) {
      head = name == "name" && type == "type" && value == "data";
    } else if (!value.empty()) {
      VEDETTE_CHECK(add(name, type, value));
    }
  }
  if (!head) return Fail(Code::kBadData, "{} has an unknown format", path);
  return Ok();
}

class ZfsPart final : public HostPart {
 public:
  explicit ZfsPart(HostContext& context) : root_(context.Proc("spl/kstat/zfs")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    for (const ZfsFile& file : kZfsFiles) VEDETTE_CHECK(AddFile(file, table));
    for (const std::string& name : names) {
      if (!OpenDirectory(root_ + "/" + name)) continue;  // pools are directories
      VEDETTE_CHECK(AddPool(name, table));
    }
    table.Write(out);
    return Ok();
  }

 private:
  Status AddFile(const ZfsFile& file, FamilyTable& table) const {
    const std::string path = fmt::format("{}/{}", root_, file.file);
    const auto text = ReadHostFile(path);
    if (!text) return Ok();  // other versions have other files
    return ForEachKstat(*text, path,
                        [&](std::string_view name, std::string_view type, std::string_view value) -> Status {
                          if (type != kKstatUint64) return Ok();
                          VEDETTE_TRY(const double number, NeedCount(value, path));
                          table.Add({KstatMetricName(file.subsystem, name),
                                     fmt::format("kstat.zfs.misc.{}.{}", file.file, name), FamilyType::kUntyped},
                                    {}, number);
                          return Ok();
                        });
  }

  Status AddPool(const std::string& pool, FamilyTable& table) const {
    const std::string path = root_ + "/" + pool;
    if (const auto text = ReadHostFile(path + "/io")) VEDETTE_CHECK(AddPoolIo(*text, pool, table));
    for (const std::string& file : NamesIn(path)) {
      if (!file.starts_with("objset-")) continue;
      const auto text = ReadHostFile(path + "/" + file);  // datasets come and go
      if (text) VEDETTE_CHECK(AddDataset(*text, path + "/" + file, pool, table));
    }
    const auto state = ReadHostFile(path + "/state");
    if (!state) return Ok();
    std::string actual(Trimmed(*state));
    for (char& c : actual) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const std::string_view name : {"online", "degraded", "faulted", "offline", "removed", "unavail"}) {
      table.Add({"node_zfs_zpool_state", "kstat.zfs.misc.state"}, {{"state", name}, {"zpool", pool}},
                actual == name ? 1 : 0);
    }
    return Ok();
  }

  /// A line of names that begins with nread, and a line of values.
  static Status AddPoolIo(std::string_view text, const std::string& pool, FamilyTable& table) {
    std::vector<std::string_view> names, values;
    while (const auto line = NextLine(text)) {
      SplitFields(*line, values);
      if (names.empty()) {
        if (!values.empty() && values.front() == "nread") names = values;
        continue;
      }
      if (values.size() < names.size())
        return Fail(Code::kBadData, "short line '{}' in the io of pool {}", *line, pool);
      for (std::size_t i = 0; i < names.size(); ++i) {
        VEDETTE_TRY(const double number, NeedCount(values[i], pool));
        table.Add({KstatMetricName("zfs_zpool", names[i]), fmt::format("kstat.zfs.misc.io.{}", names[i]),
                   FamilyType::kUntyped},
                  {{"zpool", pool}}, number);
      }
    }
    return Ok();
  }

  static Status AddDataset(std::string_view text, const std::string& path, const std::string& pool,
                           FamilyTable& table) {
    std::string_view dataset;
    return ForEachKstat(text, path,
                        [&](std::string_view name, std::string_view type, std::string_view value) -> Status {
                          if (name == "dataset_name") {
                            dataset = value;
                          } else if (type == kKstatUint64) {
                            VEDETTE_TRY(const double number, NeedCount(value, path));
                            table.Add({KstatMetricName("zfs_zpool_dataset", name),
                                       fmt::format("kstat.zfs.misc.objset.{}", name), FamilyType::kUntyped},
                                      {{"dataset", dataset}, {"zpool", pool}}, number);
                          }
                          return Ok();
                        });
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeZfsPart(HostContext& context) { return HostPartResult(std::make_unique<ZfsPart>(context)); }

}  // namespace vedette::collector
