// diskstats: what each block device did, from /proc/diskstats, and what it is, from udev's database.
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

constexpr double kSectorBytes = 512;     // the kernel's unit here, whatever the device's own sector is
constexpr double kTickSeconds = 0.001;   // milliseconds
constexpr std::size_t kFirstColumn = 3;  // after major, minor and name

struct DiskColumn {
  MetricText metric;
  double scale = 1;
};
/// In the order of the columns of /proc/diskstats. Discards are there since 4.18, flushes since 5.5.
constexpr auto kDiskColumns = std::to_array<DiskColumn>({
    {{"node_disk_reads_completed_total", "The total number of reads completed successfully.", FamilyType::kCounter}},
    {{"node_disk_reads_merged_total", "The total number of reads merged.", FamilyType::kCounter}},
    {{"node_disk_read_bytes_total", "The total number of bytes read successfully.", FamilyType::kCounter},
     kSectorBytes},
    {{"node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.", FamilyType::kCounter},
     kTickSeconds},
    {{"node_disk_writes_completed_total", "The total number of writes completed successfully.", FamilyType::kCounter}},
    {{"node_disk_writes_merged_total", "The number of writes merged.", FamilyType::kCounter}},
    {{"node_disk_written_bytes_total", "The total number of bytes written successfully.", FamilyType::kCounter},
     kSectorBytes},
    {{"node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes.",
      FamilyType::kCounter},
     kTickSeconds},
    {{"node_disk_io_now", "The number of I/Os currently in progress."}},
    {{"node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", FamilyType::kCounter}, kTickSeconds},
    {{"node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", FamilyType::kCounter},
     kTickSeconds},
    {{"node_disk_discards_completed_total", "The total number of discards completed successfully.",
      FamilyType::kCounter}},
    {{"node_disk_discards_merged_total", "The total number of discards merged.", FamilyType::kCounter}},
    {{"node_disk_discarded_sectors_total", "The total number of sectors discarded successfully.",
      FamilyType::kCounter}},
    {{"node_disk_discard_time_seconds_total", "This is the total number of seconds spent by all discards.",
      FamilyType::kCounter},
     kTickSeconds},
    {{"node_disk_flush_requests_total", "The total number of flush requests completed successfully",
      FamilyType::kCounter}},
    {{"node_disk_flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests.",
      FamilyType::kCounter},
     kTickSeconds},
});

struct Disk {
  std::string_view major, minor, name;
  std::array<double, kDiskColumns.size()> values{};
  std::size_t columns = 0;  // how many of them the kernel knows
};

class DiskstatsPart final : public HostPart {
 public:
  DiskstatsPart(HostContext& context, DeviceFilter devices)
      : file_(context.Proc("diskstats")), udev_(context.options.udev_data_path), devices_(std::move(devices)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    disks_.clear();
    while (const auto line = NextLine(text)) {
      if (!line->empty()) VEDETTE_CHECK(AddDisk(*line));
    }
    WriteInfo(out);
    for (std::size_t column = 0; column < kDiskColumns.size(); ++column) {
      out.Family(kDiskColumns[column].metric);
      for (const Disk& disk : disks_) {
        if (column < disk.columns) {
          out.Sample({{"device", disk.name}}, disk.values[column] * kDiskColumns[column].scale);
        }
      }
    }
    return Ok();
  }

 private:
  Status AddDisk(std::string_view line) {
    constexpr std::size_t kOldestKernelColumns = 11;
    SplitFields(line, fields_);
    if (fields_.size() < kFirstColumn + kOldestKernelColumns) {
      return Fail(Code::kBadData, "short line '{}' in {}", line, file_.path());
    }
    Disk disk{fields_[0], fields_[1], fields_[2]};
    if (!devices_.Wanted(disk.name)) return Ok();
    disk.columns = std::min(fields_.size() - kFirstColumn, kDiskColumns.size());
    for (std::size_t i = 0; i < disk.columns; ++i) {
      VEDETTE_TRY(disk.values[i], NeedCount(fields_[kFirstColumn + i], file_.path()));
    }
    disks_.push_back(disk);
    return Ok();
  }

  void WriteInfo(TextFormat& out) const {
    FamilyTable udev;
    out.Family("node_disk_info", "Info of /sys/block/<block_device>.", FamilyType::kGauge);
    for (const Disk& disk : disks_) {
      const std::string entry = UdevEntry(disk);
      AddUdev(disk.name, entry, udev);
      std::string_view serial = Property(entry, "SCSI_IDENT_SERIAL");
      if (serial.empty()) serial = Property(entry, "ID_SERIAL_SHORT");
      out.Sample({{"device", disk.name},
                  {"major", disk.major},
                  {"minor", disk.minor},
                  {"model", Property(entry, "ID_MODEL")},
                  {"path", Property(entry, "ID_PATH")},
                  {"revision", Property(entry, "ID_REVISION")},
                  {"serial", serial},
                  {"wwn", Property(entry, "ID_WWN")}},
                 1);
    }
    udev.Write(out);
  }

  /// The file system, the logical volume and the ATA properties of a device, as far as udev knows them.
  static void AddUdev(std::string_view device, std::string_view entry, FamilyTable& table) {
    const auto property = [&](std::string_view key) { return Property(entry, key); };
    if (!property("ID_FS_TYPE").empty()) {
      table.Add({"node_disk_filesystem_info", "Info about disk filesystem."},
                {{"device", device},
                 {"type", property("ID_FS_TYPE")},
                 {"usage", property("ID_FS_USAGE")},
                 {"uuid", property("ID_FS_UUID")},
                 {"version", property("ID_FS_VERSION")}},
                1);
    }
    if (!property("DM_NAME").empty()) {
      table.Add({"node_disk_device_mapper_info", "Info about disk device mapper."},
                {{"device", device},
                 {"lv_layer", property("DM_LV_LAYER")},
                 {"lv_name", property("DM_LV_NAME")},
                 {"name", property("DM_NAME")},
                 {"uuid", property("DM_UUID")},
                 {"vg_name", property("DM_VG_NAME")}},
                1);
    }
    if (property("ID_ATA").empty()) return;
    static constexpr std::array<std::pair<std::string_view, MetricText>, 3> kAta{{
        {"ID_ATA_ROTATION_RATE_RPM",
         {"node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."}},
        {"ID_ATA_WRITE_CACHE", {"node_disk_ata_write_cache", "ATA disk has a write cache."}},
        {"ID_ATA_WRITE_CACHE_ENABLED", {"node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."}},
    }};
    for (const auto& [key, metric] : kAta) {
      if (const auto value = ParseCount(property(key))) table.Add(metric, {{"device", device}}, *value);
    }
  }

  /// Empty where udev does not run, as in most containers.
  std::string UdevEntry(const Disk& disk) const {
    auto text = ReadHostFile(fmt::format("{}/b{}:{}", udev_, disk.major, disk.minor));
    return text ? *std::move(text) : std::string();
  }

  /// Value of the line "E:<key>=<value>".
  static std::string_view Property(std::string_view entry, std::string_view key) {
    while (auto line = NextLine(entry)) {
      if (!line->starts_with("E:")) continue;
      line->remove_prefix(2);
      if (line->starts_with(key) && line->substr(key.size()).starts_with('=')) return line->substr(key.size() + 1);
    }
    return {};
  }

  HostFile file_;
  std::string udev_;
  DeviceFilter devices_;
  std::vector<std::string_view> fields_;
  std::vector<Disk> disks_;
};

}  // namespace

HostPartResult MakeDiskstatsPart(HostContext& context) {
  const HostOptions& options = context.options;
  VEDETTE_TRY(DeviceFilter devices, DeviceFilter::Compile("host.diskstats_device", options.diskstats_device_exclude,
                                                          options.diskstats_device_include));
  return HostPartResult(std::make_unique<DiskstatsPart>(context, std::move(devices)));
}

}  // namespace vedette::collector
