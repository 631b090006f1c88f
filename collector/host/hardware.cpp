// dmi, edac, nvme, selinux and tapestats: what is built in, and how it is doing.
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct DmiLabel {
  std::string_view label;
  const char* file;
};
constexpr auto kDmiLabels = std::to_array<DmiLabel>({
    {"bios_date", "bios_date"},
    {"bios_release", "bios_release"},
    {"bios_vendor", "bios_vendor"},
    {"bios_version", "bios_version"},
    {"board_asset_tag", "board_asset_tag"},
    {"board_name", "board_name"},
    {"board_serial", "board_serial"},
    {"board_vendor", "board_vendor"},
    {"board_version", "board_version"},
    {"chassis_asset_tag", "chassis_asset_tag"},
    {"chassis_serial", "chassis_serial"},
    {"chassis_vendor", "chassis_vendor"},
    {"chassis_version", "chassis_version"},
    {"product_family", "product_family"},
    {"product_name", "product_name"},
    {"product_serial", "product_serial"},
    {"product_sku", "product_sku"},
    {"product_uuid", "product_uuid"},
    {"product_version", "product_version"},
    {"system_vendor", "sys_vendor"},
});

/// Read once: it changes with a screwdriver only.
class DmiPart final : public HostPart {
 public:
  explicit DmiPart(HostContext& context) : root_(context.Sys("class/dmi/id")) {
    const auto directory = OpenDirectory(root_);
    if (!directory) return;
    for (std::size_t i = 0; i < kDmiLabels.size(); ++i) {
      const auto text = ReadAttribute(directory->fd(), kDmiLabels[i].file);  // serial numbers: for root only
      if (text) values_[i] = Trimmed(*text);
    }
  }

  Status Collect(TextFormat& out) override {
    std::vector<LabelView> labels;
    for (std::size_t i = 0; i < kDmiLabels.size(); ++i) {
      if (values_[i]) labels.push_back({kDmiLabels[i].label, *values_[i]});
    }
    if (labels.empty()) return Fail(Code::kNotFound, "nothing in {}", root_);
    out.Family("node_dmi_info",
               "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, "
               "board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, "
               "chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, "
               "product_sku, product_uuid, product_version, system_vendor if provided by DMI.",
               FamilyType::kGauge);
    out.Sample(labels, 1);
    return Ok();
  }

 private:
  std::string root_;
  std::array<std::optional<std::string>, kDmiLabels.size()> values_;
};

class EdacPart final : public HostPart {
 public:
  explicit EdacPart(HostContext& context) : root_(context.Sys("devices/system/edac/mc")) {}

  Status Collect(TextFormat& out) override {
    FamilyTable table;
    for (const std::string& controller : ListNumbered(root_, "mc")) {
      VEDETTE_CHECK(AddController(controller.substr(2), root_ + "/" + controller, table));
    }
    table.Write(out);
    return Ok();
  }

 private:
  static Status AddController(const std::string& number, const std::string& path, FamilyTable& table) {
    constexpr auto kCount = FamilyType::kCounter;
    VEDETTE_CHECK(Add(path, "ce_count",
                      {"node_edac_correctable_errors_total", "Total correctable memory errors.", kCount},
                      {{"controller", number}}, table));
    VEDETTE_CHECK(Add(path, "ue_count",
                      {"node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors.", kCount},
                      {{"controller", number}}, table));
    VEDETTE_CHECK(
        AddRow(path, "ce_noinfo_count", "ue_noinfo_count", {{"controller", number}, {"csrow", "unknown"}}, table));
    for (const std::string& row : ListNumbered(path, "csrow")) {
      const std::string_view row_number = std::string_view(row).substr(5);
      VEDETTE_CHECK(
          AddRow(path + "/" + row, "ce_count", "ue_count", {{"controller", number}, {"csrow", row_number}}, table));
    }
    return Ok();
  }

  static Status AddRow(const std::string& path, const char* correctable, const char* uncorrectable,
                       std::initializer_list<LabelView> labels, FamilyTable& table) {
    VEDETTE_CHECK(Add(path, correctable,
                      {"node_edac_csrow_correctable_errors_total", "Total correctable memory errors for this csrow.",
                       FamilyType::kCounter},
                      labels, table));
    return Add(path, uncorrectable,
               {"node_edac_csrow_uncorrectable_errors_total", "Total uncorrectable memory errors for this csrow.",
                FamilyType::kCounter},
               labels, table);
  }

  static Status Add(const std::string& path, const char* file, const MetricText& metric,
                    std::initializer_list<LabelView> labels, FamilyTable& table) {
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(path));
    const auto value = ReadNumber(directory.fd(), file);
    if (!value) return Fail(Code::kIo, "cannot read {}/{}", path, file);
    table.Add(metric, labels, *value);
    return Ok();
  }

  std::string root_;
};

class NvmePart final : public HostPart {
 public:
  explicit NvmePart(HostContext& context) : root_(context.Sys("class/nvme")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    out.Family("node_nvme_info", "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
               FamilyType::kGauge);
    for (const std::string& name : names) {
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory) continue;
      const auto text = [&](const char* file) {
        return std::string(Trimmed(ReadAttribute(directory->fd(), file).value_or("")));
      };
      out.Sample({{"device", name},
                  {"firmware_revision", text("firmware_rev")},
                  {"model", text("model")},
                  {"serial", text("serial")},
                  {"state", text("state")}},
                 1);
    }
    return Ok();
  }

 private:
  std::string root_;
};

class SelinuxPart final : public HostPart {
 public:
  explicit SelinuxPart(HostContext& context)
      : enforce_(context.Sys("fs/selinux/enforce")), config_(context.options.rootfs_path + "/etc/selinux/config") {}

  Status Collect(TextFormat& out) override {
    const auto text = enforce_.Read();
    out.Single({"node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false"}, text ? 1 : 0);
    if (!text) return Ok();
    VEDETTE_TRY(const double mode, NeedCount(Trimmed(*text), enforce_.path()));
    out.Single({"node_selinux_config_mode", "Configured SELinux enforcement mode"}, ConfiguredMode());
    out.Single({"node_selinux_current_mode", "Current SELinux enforcement mode"}, mode);
    return Ok();
  }

 private:
  double ConfiguredMode() const {
    const auto text = ReadHostFile(config_);
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (const auto line = NextLine(rest)) {
      const std::string_view setting = Trimmed(*line);
      if (setting == "SELINUX=enforcing") return 1;
      if (setting == "SELINUX=permissive") return 0;
    }
    return -1;
  }

  HostFile enforce_;
  std::string config_;
};

struct TapeNumber {
  const char* file;
  MetricText metric;
  double divisor = 1;
};
constexpr double kNanosPerSecond = 1e9;
constexpr auto kTapeNumbers = std::to_array<TapeNumber>({
    {"in_flight", {"node_tape_io_now", "The number of I/Os currently outstanding to this device."}},
    {"other_cnt",
     {"node_tape_io_others_total",
      "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these "
      "commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
      FamilyType::kCounter}},
    {"io_ns",
     {"node_tape_io_time_seconds_total",
      "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape "
      "movement "
      "commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape "
      "devices are used.",
      FamilyType::kCounter},
     kNanosPerSecond},
    {"read_byte_cnt",
     {"node_tape_read_bytes_total", "The number of bytes read from the tape drive.", FamilyType::kCounter}},
    {"read_ns",
     {"node_tape_read_time_seconds_total", "The amount of time spent waiting for read requests to complete.",
      FamilyType::kCounter},
     kNanosPerSecond},
    {"read_cnt",
     {"node_tape_reads_completed_total", "The number of read requests issued to the tape drive.",
      FamilyType::kCounter}},
    {"resid_cnt",
     {"node_tape_residual_total",
      "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a "
      "program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
      FamilyType::kCounter}},
    {"write_ns",
     {"node_tape_write_time_seconds_total", "The amount of time spent waiting for write requests to complete.",
      FamilyType::kCounter},
     kNanosPerSecond},
    {"write_cnt",
     {"node_tape_writes_completed_total", "The number of write requests issued to the tape drive.",
      FamilyType::kCounter}},
    {"write_byte_cnt",
     {"node_tape_written_bytes_total", "The number of bytes written to the tape drive.", FamilyType::kCounter}},
});

class TapestatsPart final : public HostPart {
 public:
  TapestatsPart(HostContext& context, NameFilter ignored)
      : root_(context.Sys("class/scsi_tape")), ignored_(std::move(ignored)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(OpenDirectory(root_));
    FamilyTable table;
    // "st0"; nst0, st0a and their like are the same drive.
    for (const std::string& name : ListNumbered(root_, "st")) {
      const auto directory = OpenDirectory(root_ + "/" + name + "/stats");
      if (!directory || ignored_.Found(name)) continue;
      for (const TapeNumber& number : kTapeNumbers) {
        const auto value = ReadNumber(directory->fd(), number.file);
        if (value) table.Add(number.metric, {{"device", name}}, *value / number.divisor);
      }
    }
    table.Write(out);
    return Ok();
  }

 private:
  std::string root_;
  NameFilter ignored_;
};

}  // namespace

HostPartResult MakeDmiPart(HostContext& context) { return HostPartResult(std::make_unique<DmiPart>(context)); }
HostPartResult MakeEdacPart(HostContext& context) { return HostPartResult(std::make_unique<EdacPart>(context)); }
HostPartResult MakeNvmePart(HostContext& context) { return HostPartResult(std::make_unique<NvmePart>(context)); }
HostPartResult MakeSelinuxPart(HostContext& context) { return HostPartResult(std::make_unique<SelinuxPart>(context)); }
HostPartResult MakeTapestatsPart(HostContext& context) {
  VEDETTE_TRY(NameFilter ignored, NameFilter::Compile(context.options.tapestats_ignored_devices));
  return HostPartResult(std::make_unique<TapestatsPart>(context, std::move(ignored)));
}

}  // namespace vedette::collector
