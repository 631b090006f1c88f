// btrfs: how Btrfs file systems have divided their devices, from /sys/fs/btrfs.
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

/// Bytes on the devices for one byte of data.
double AllocationRatio(std::string_view mode, double devices) {
  if (mode == "single" || mode == "raid0") return 1;
  if (mode == "dup" || mode == "raid1" || mode == "raid10") return 2;
  if (mode == "raid1c3") return 3;
  if (mode == "raid1c4") return 4;
  if (mode == "raid5") return devices / (devices - 1);
  return mode == "raid6" ? devices / (devices - 2) : 0;
}

class BtrfsPart final : public HostPart {
 public:
  explicit BtrfsPart(HostContext& context) : root_(context.Sys("fs/btrfs")) {}

  Status Collect(TextFormat& out) override {
    FamilyTable table;
    for (const std::string& name : NamesIn(root_)) {
      if (name.find('-') != std::string::npos) VEDETTE_CHECK(AddFileSystem(name, table));  // "features" is none
    }
    table.Write(out);
    return Ok();
  }

 private:
  static std::string ReadText(int directory, const char* file) {
    return std::string(Trimmed(ReadAttribute(directory, file).value_or("")));
  }

  Status AddFileSystem(const std::string& name, FamilyTable& table) const {
    const std::string path = root_ + "/" + name;
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(path));
    std::string uuid = ReadText(directory.fd(), "metadata_uuid");
    if (uuid.empty()) uuid = name;
    VEDETTE_TRY(const std::vector<std::string> devices, ListDirectory(path + "/devices"));
    constexpr double kSector = 512;
    for (const std::string& device : devices) {
      const auto sectors = ReadNumber(directory.fd(), ("devices/" + device + "/size").c_str());
      table.Add({"node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem."},
                {{"device", device}, {"uuid", uuid}}, sectors.value_or(0) * kSector);
    }
    table.Add({"node_btrfs_global_rsv_size_bytes", "Size of global reserve."}, {{"uuid", uuid}},
              ReadNumber(directory.fd(), "allocation/global_rsv_size").value_or(0));
    table.Add({"node_btrfs_info", "Filesystem information"},
              {{"label", ReadText(directory.fd(), "label")}, {"uuid", uuid}}, 1);
    for (const char* type : {"data", "metadata", "system"}) {
      VEDETTE_CHECK(AddAllocation(path + "/allocation/" + type, type, uuid, devices.size(), table));
    }
    return Ok();
  }

  static Status AddAllocation(const std::string& path, std::string_view type, const std::string& uuid,
                              std::size_t devices, FamilyTable& table) {
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(path));
    table.Add({"node_btrfs_reserved_bytes", "Amount of space reserved for a data type"},
              {{"block_group_type", type}, {"uuid", uuid}}, ReadNumber(directory.fd(), "bytes_reserved").value_or(0));
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(path));
    for (const std::string& mode : names) {
      const auto layout = OpenDirectory(path + "/" + mode);
      if (!layout) continue;  // a file of `path` itself
      const std::initializer_list<LabelView> labels{{"block_group_type", type}, {"mode", mode}, {"uuid", uuid}};
      table.Add({"node_btrfs_allocation_ratio", "Data allocation ratio for a layout/data type"}, labels,
                AllocationRatio(mode, static_cast<double>(devices)));
      table.Add({"node_btrfs_size_bytes", "Amount of space allocated for a layout/data type"}, labels,
                ReadNumber(layout->fd(), "total_bytes").value_or(0));
      table.Add({"node_btrfs_used_bytes", "Amount of used space by a layout/data type"}, labels,
                ReadNumber(layout->fd(), "used_bytes").value_or(0));
    }
    return Ok();
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeBtrfsPart(HostContext& context) { return HostPartResult(std::make_unique<BtrfsPart>(context)); }

}  // namespace vedette::collector
