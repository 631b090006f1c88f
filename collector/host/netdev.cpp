// netdev and netclass: network interfaces, their counters from /proc/net/dev and their properties from /sys/class/net.
#include <array>
#include <charconv>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

/// In the order of the columns of /proc/net/dev.
constexpr std::array<std::string_view, 16> kNetColumns{
    "receive_bytes",  "receive_packets",  "receive_errs",       "receive_drop",
    "receive_fifo",   "receive_frame",    "receive_compressed", "receive_multicast",
    "transmit_bytes", "transmit_packets", "transmit_errs",      "transmit_drop",
    "transmit_fifo",  "transmit_colls",   "transmit_carrier",   "transmit_compressed"};

class NetdevPart final : public HostPart {
 public:
  NetdevPart(HostContext& context, DeviceFilter devices)
      : file_(context.Proc("net/dev")), sys_(context.Sys("class/net")), filter_(std::move(devices)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    VEDETTE_CHECK(Parse(text));
    for (std::size_t column = 0; column < kNetColumns.size(); ++column) {
      Family(kNetColumns[column], out);
      for (const Device& device : devices_) out.Sample({{"device", device.name}}, device.values[column]);
    }
    // Not in /proc/net/dev; node_exporter has it from netlink.
    Family("receive_nohandler", out);
    for (const Device& device : devices_) {
      const auto directory = OpenDirectory(fmt::format("{}/{}/statistics", sys_, device.name));
      if (!directory) continue;
      const auto text_value = ReadAttribute(directory->fd(), "rx_nohandler");
      const auto value = text_value ? ParseCount(*text_value) : std::nullopt;
      if (value) out.Sample({{"device", device.name}}, *value);
    }
    return Ok();
  }

 private:
  struct Device {
    std::string_view name;
    std::array<double, kNetColumns.size()> values{};
  };

  static void Family(std::string_view column, TextFormat& out) {
    out.Family(fmt::format("node_network_{}_total", column), fmt::format("Network device statistic {}.", column),
               FamilyType::kCounter);
  }

  Status Parse(std::string_view text) {
    devices_.clear();
    if (!text.starts_with("Inter-|")) return Fail(Code::kBadData, "{} has an unknown format", file_.path());
    NextLine(text);
    NextLine(text);
    while (const auto line = NextLine(text)) VEDETTE_CHECK(AddDevice(*line));
    return Ok();
  }

  Status AddDevice(std::string_view line) {
    // Aliases contain a colon ("eth0:1: ..."), so the last one counts; counters contain none.
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) return Fail(Code::kBadData, "line '{}' in {}", line, file_.path());
    Device device{Trimmed(line.substr(0, colon))};
    if (!filter_.Wanted(device.name)) return Ok();
    line.remove_prefix(colon + 1);
    for (double& value : device.values) {
      VEDETTE_TRY(value, NeedCount(NextField(line), file_.path()));
    }
    devices_.push_back(device);
    return Ok();
  }

  HostFile file_;
  std::string sys_;
  DeviceFilter filter_;
  std::vector<Device> devices_;
};

struct NetProperty {
  const char* file;
  std::string_view name;
  FamilyType type = FamilyType::kGauge;
  double scale = 1;
};
constexpr double kBytesPerMegabit = 1000.0 * 1000.0 / 8.0;
constexpr auto kNetProperties = std::to_array<NetProperty>({
    {"addr_assign_type", "address_assign_type"},
    {"carrier", "carrier"},
    {"carrier_changes", "carrier_changes_total", FamilyType::kCounter},
    {"carrier_down_count", "carrier_down_changes_total", FamilyType::kCounter},
    {"carrier_up_count", "carrier_up_changes_total", FamilyType::kCounter},
    {"dev_id", "device_id"},
    {"dormant", "dormant"},
    {"flags", "flags"},
    {"ifindex", "iface_id"},
    {"iflink", "iface_link"},
    {"link_mode", "iface_link_mode"},
    {"mtu", "mtu_bytes"},
    {"name_assign_type", "name_assign_type"},
    {"netdev_group", "net_dev_group"},
    {"speed", "speed_bytes", FamilyType::kGauge, kBytesPerMegabit},
    {"tx_queue_len", "transmit_queue_length"},
    {"type", "protocol_type"},
});

/// Attributes are opened for each reading: a machine with a thousand virtual interfaces would need 20,000 open files.
class NetclassPart final : public HostPart {
 public:
  NetclassPart(HostContext& context, NameFilter ignored)
      : root_(context.Sys("class/net")),
        ignored_(std::move(ignored)),
        ignore_invalid_speed_(context.options.netclass_ignore_invalid_speed) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_CHECK(Read());
    out.Family("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
               FamilyType::kGauge);
    for (const Device& device : devices_) {
      out.Sample({{"address", device.address},
                  {"broadcast", device.broadcast},
                  {"device", device.name},
                  {"duplex", device.duplex},
                  {"ifalias", device.alias},
                  {"operstate", device.state}},
                 1);
    }
    out.Family("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", FamilyType::kGauge);
    for (const Device& device : devices_) out.Sample({{"device", device.name}}, device.state == "up" ? 1 : 0);
    for (std::size_t i = 0; i < kNetProperties.size(); ++i) {
      const NetProperty& property = kNetProperties[i];
      out.Family(fmt::format("node_network_{}", property.name),
                 fmt::format("Network device property: {}", property.name), property.type);
      for (const Device& device : devices_) {
        if (device.values[i]) out.Sample({{"device", device.name}}, *device.values[i] * property.scale);
      }
    }
    return Ok();
  }

 private:
  struct Device {
    std::string name, address, broadcast, duplex, alias, state;
    std::array<std::optional<double>, kNetProperties.size()> values;
  };

  Status Read() {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    devices_.clear();
    for (const std::string& name : names) {
      if (ignored_.Found(name)) continue;
      // bonding_masters is a file beside the interfaces, and an interface may go between listing and opening.
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory) continue;
      const int fd = directory->fd();
      const auto text = [fd](const char* file) { return ReadAttribute(fd, file).value_or(""); };
      Device device{name, text("address"), text("broadcast"), text("duplex"), text("ifalias"), text("operstate"), {}};
      for (std::size_t i = 0; i < kNetProperties.size(); ++i) {
        const auto value = ReadAttribute(fd, kNetProperties[i].file);
        if (value) device.values[i] = ParseNumber(Trimmed(*value));
        const bool invalid = device.values[i] && *device.values[i] < 0 && kNetProperties[i].name == "speed_bytes";
        if (invalid && ignore_invalid_speed_) device.values[i].reset();
      }
      devices_.push_back(std::move(device));
    }
    return Ok();
  }

  std::string root_;
  NameFilter ignored_;
  bool ignore_invalid_speed_;
  std::vector<Device> devices_;
};

}  // namespace

HostPartResult MakeNetdevPart(HostContext& context) {
  const HostOptions& options = context.options;
  VEDETTE_TRY(DeviceFilter devices, DeviceFilter::Compile("host.netdev_device", options.netdev_device_exclude,
                                                          options.netdev_device_include));
  return HostPartResult(std::make_unique<NetdevPart>(context, std::move(devices)));
}

HostPartResult MakeNetclassPart(HostContext& context) {
  VEDETTE_TRY(NameFilter ignored, NameFilter::Compile(context.options.netclass_ignored_devices));
  return HostPartResult(std::make_unique<NetclassPart>(context, std::move(ignored)));
}

}  // namespace vedette::collector
