// infiniband and fibrechannel: ports of storage and cluster networks.
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

/// Data counters count 32-bit words: octets are four times as many.
constexpr double kLanes = 4;

struct PortCounter {
  const char* file;  // below the port's directory
  MetricText metric;
  double scale = 1;
};
constexpr auto kPortCounters = std::to_array<PortCounter>({
    {"counters/excessive_buffer_overrun_errors",
     {"node_infiniband_excessive_buffer_overrun_errors_total",
      "Number of times that OverrunErrors consecutive flow control update periods occurred, each having at least one "
      "overrun error.",
      FamilyType::kCounter}},
    {"counters_ext/port_rcv_data_64",
     {"node_infiniband_legacy_data_received_bytes_total", "Number of data octets received on all links",
      FamilyType::kCounter},
     kLanes},
    {"counters_ext/port_xmit_data_64",
     {"node_infiniband_legacy_data_transmitted_bytes_total", "Number of data octets transmitted on all links",
      FamilyType::kCounter},
     kLanes},
    {"counters_ext/port_multicast_rcv_packets",
     {"node_infiniband_legacy_multicast_packets_received_total", "Number of multicast packets received",
      FamilyType::kCounter}},
    {"counters_ext/port_multicast_xmit_packets",
     {"node_infiniband_legacy_multicast_packets_transmitted_total", "Number of multicast packets transmitted",
      FamilyType::kCounter}},
    {"counters_ext/port_rcv_packets_64",
     {"node_infiniband_legacy_packets_received_total", "Number of data packets received on all links",
      FamilyType::kCounter}},
    {"counters_ext/port_xmit_packets_64",
     {"node_infiniband_legacy_packets_transmitted_total", "Number of data packets received on all links",
      FamilyType::kCounter}},
    {"counters_ext/port_unicast_rcv_packets",
     {"node_infiniband_legacy_unicast_packets_received_total", "Number of unicast packets received",
      FamilyType::kCounter}},
    {"counters_ext/port_unicast_xmit_packets",
     {"node_infiniband_legacy_unicast_packets_transmitted_total", "Number of unicast packets transmitted",
      FamilyType::kCounter}},
    {"counters/link_downed",
     {"node_infiniband_link_downed_total",
      "Number of times the link failed to recover from an error state and went down", FamilyType::kCounter}},
    {"counters/link_error_recovery",
     {"node_infiniband_link_error_recovery_total",
      "Number of times the link successfully recovered from an error state", FamilyType::kCounter}},
    {"counters/local_link_integrity_errors",
     {"node_infiniband_local_link_integrity_errors_total",
      "Number of times that the count of local physical errors exceeded the threshold specified by LocalPhyErrors.",
      FamilyType::kCounter}},
    {"counters/multicast_rcv_packets",
     {"node_infiniband_multicast_packets_received_total", "Number of multicast packets received (including errors)",
      FamilyType::kCounter}},
    {"counters/multicast_xmit_packets",
     {"node_infiniband_multicast_packets_transmitted_total",
      "Number of multicast packets transmitted (including errors)", FamilyType::kCounter}},
    {"counters/port_rcv_constraint_errors",
     {"node_infiniband_port_constraint_errors_received_total",
      "Number of packets received on the switch physical port that are discarded", FamilyType::kCounter}},
    {"counters/port_xmit_constraint_errors",
     {"node_infiniband_port_constraint_errors_transmitted_total",
      "Number of packets not transmitted from the switch physical port", FamilyType::kCounter}},
    {"counters/port_rcv_data",
     {"node_infiniband_port_data_received_bytes_total", "Number of data octets received on all links",
      FamilyType::kCounter},
     kLanes},
    {"counters/port_xmit_data",
     {"node_infiniband_port_data_transmitted_bytes_total", "Number of data octets transmitted on all links",
      FamilyType::kCounter},
     kLanes},
    {"counters/port_rcv_discards",
     {"node_infiniband_port_discards_received_total",
      "Number of inbound packets discarded by the port because the port is down or congested", FamilyType::kCounter}},
    {"counters/port_xmit_discards",
     {"node_infiniband_port_discards_transmitted_total",
      "Number of outbound packets discarded by the port because the port is down or congested", FamilyType::kCounter}},
    {"counters/port_rcv_errors",
     {"node_infiniband_port_errors_received_total",
      "Number of packets containing an error that were received on this port", FamilyType::kCounter}},
    {"counters/port_rcv_packets",
     {"node_infiniband_port_packets_received_total",
      "Number of packets received on all VLs by this port (including errors)", FamilyType::kCounter}},
    {"counters/port_xmit_packets",
     {"node_infiniband_port_packets_transmitted_total",
      "Number of packets transmitted on all VLs from this port (including errors)", FamilyType::kCounter}},
    {"counters/port_rcv_remote_physical_errors",
     {"node_infiniband_port_receive_remote_physical_errors_total",
      "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
      FamilyType::kCounter}},
    {"counters/port_rcv_switch_relay_errors",
     {"node_infiniband_port_receive_switch_relay_errors_total",
      "Number of packets that could not be forwarded by the switch.", FamilyType::kCounter}},
    {"counters/port_xmit_wait",
     {"node_infiniband_port_transmit_wait_total",
      "Number of ticks during which the port had data to transmit but no data was sent during the entire tick",
      FamilyType::kCounter}},
    {"counters/symbol_error",
     {"node_infiniband_symbol_error_total", "Number of minor link errors detected on one or more physical lanes.",
      FamilyType::kCounter}},
    {"counters/unicast_rcv_packets",
     {"node_infiniband_unicast_packets_received_total", "Number of unicast packets received (including errors)",
      FamilyType::kCounter}},
    {"counters/unicast_xmit_packets",
     {"node_infiniband_unicast_packets_transmitted_total", "Number of unicast packets transmitted (including errors)",
      FamilyType::kCounter}},
    {"counters/VL15_dropped",
     {"node_infiniband_vl15_dropped_total", "Number of incoming VL15 packets dropped due to resource limitations.",
      FamilyType::kCounter}},
});

class InfinibandPart final : public HostPart {
 public:
  explicit InfinibandPart(HostContext& context) : root_(context.Sys("class/infiniband")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    for (const std::string& name : names) {
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory) continue;
      const auto text = [&](const char* file) {
        return std::string(Trimmed(ReadAttribute(directory->fd(), file).value_or("")));
      };
      table.Add({"node_infiniband_info", "Non-numeric data from /sys/class/infiniband/<device>, value is always 1."},
                {{"board_id", text("board_id")},
                 {"device", name},
                 {"firmware_version", text("fw_ver")},
                 {"hca_type", text("hca_type")}},
                1);
      for (const std::string& port : ListNumbered(root_ + "/" + name + "/ports", "")) {
        VEDETTE_CHECK(AddPort(name, port, table));
      }
    }
    table.Write(out);
    return Ok();
  }

 private:
  Status AddPort(const std::string& device, const std::string& port, FamilyTable& table) const {
    VEDETTE_TRY(const FileHandle directory, OpenDirectory(fmt::format("{}/{}/ports/{}", root_, device, port)));
    const std::initializer_list<LabelView> labels{{"device", device}, {"port", port}};
    const auto number = [&](const char* file) -> std::optional<double> {  // "4: ACTIVE", "40 Gb/sec (4X QDR)"
      const auto text = ReadAttribute(directory.fd(), file);
      return text ? ParseFloat(std::string_view(*text).substr(0, text->find_first_of(": "))) : std::nullopt;
    };
    const auto state = number("state"), physical = number("phys_state"), rate = number("rate");
    if (!state || !physical || !rate) return Fail(Code::kBadData, "state of port {} of {}", port, device);
    table.Add({"node_infiniband_state_id",
               "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)"},
              labels, *state);
    table.Add(
        {"node_infiniband_physical_state_id",
         "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link "
         "up, 6: link error recover, 7: phytest)"},
        labels, *physical);
    constexpr double kBytesPerGigabit = 125e6;
    table.Add({"node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate"}, labels,
              *rate * kBytesPerGigabit);
    for (const PortCounter& counter : kPortCounters) {
      const auto value = ReadNumber(directory.fd(), counter.file);  // "N/A (no PMA)" is no number
      if (value) table.Add(counter.metric, labels, *value * counter.scale);
    }
    return Ok();
  }

  std::string root_;
};

struct FcCounter {
  const char* file;
  MetricText metric;
};
constexpr auto kFcCounters = std::to_array<FcCounter>({
    {"statistics/dumped_frames",
     {"node_fibrechannel_dumped_frames_total", "Number of dumped frames", FamilyType::kCounter}},
    {"statistics/error_frames",
     {"node_fibrechannel_error_frames_total", "Number of errors in frames", FamilyType::kCounter}},
    {"statistics/fcp_packet_aborts",
     {"node_fibrechannel_fcp_packet_aborts_total", "Number of aborted packets", FamilyType::kCounter}},
    {"statistics/invalid_crc_count",
     {"node_fibrechannel_invalid_crc_total", "Invalid Cyclic Redundancy Check count", FamilyType::kCounter}},
    {"statistics/invalid_tx_word_count",
     {"node_fibrechannel_invalid_tx_words_total", "Number of invalid words transmitted by host port",
      FamilyType::kCounter}},
    {"statistics/link_failure_count",
     {"node_fibrechannel_link_failure_total", "Number of times the host port link has failed", FamilyType::kCounter}},
    {"statistics/loss_of_signal_count",
     {"node_fibrechannel_loss_of_signal_total", "Number of times signal has been lost", FamilyType::kCounter}},
    {"statistics/loss_of_sync_count",
     {"node_fibrechannel_loss_of_sync_total", "Number of failures on either bit or transmission word boundaries",
      FamilyType::kCounter}},
    {"statistics/nos_count",
     {"node_fibrechannel_nos_total", "Number Not_Operational Primitive Sequence received by host port",
      FamilyType::kCounter}},
    {"statistics/rx_frames", {"node_fibrechannel_rx_frames_total", "Number of frames received", FamilyType::kCounter}},
    {"statistics/rx_words",
     {"node_fibrechannel_rx_words_total", "Number of words received by host port", FamilyType::kCounter}},
    {"statistics/seconds_since_last_reset",
     {"node_fibrechannel_seconds_since_last_reset_total", "Number of seconds since last host port reset",
      FamilyType::kCounter}},
    {"statistics/tx_frames",
     {"node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port", FamilyType::kCounter}},
    {"statistics/tx_words",
     {"node_fibrechannel_tx_words_total", "Number of words transmitted by host port", FamilyType::kCounter}},
});

class FibrechannelPart final : public HostPart {
 public:
  explicit FibrechannelPart(HostContext& context) : root_(context.Sys("class/fc_host")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    for (const std::string& name : names) {
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory) continue;
      AddInfo(name, directory->fd(), table);
      for (const FcCounter& counter : kFcCounters) {
        const auto value = ReadNumber(directory->fd(), counter.file);
        constexpr double kNotCounted = 18446744073709551615.0;  // all bits set: the driver does not know
        if (value && *value != kNotCounted) table.Add(counter.metric, {{"fc_host", name}}, *value);
      }
    }
    table.Write(out);
    return Ok();
  }

 private:
  static void AddInfo(const std::string& name, int directory, FamilyTable& table) {
    const auto text = [&](const char* file) {
      return std::string(Trimmed(ReadAttribute(directory, file).value_or("")));
    };
    const auto hex = [&](const char* file) {  // without its 0x
      const std::string value = text(file);
      return value.size() > 2 ? value.substr(2) : value;
    };
    table.Add({"node_fibrechannel_info", "Non-numeric data from /sys/class/fc_host/<host>, value is always 1."},
              {{"dev_loss_tmo", text("dev_loss_tmo")},
               {"fabric_name", hex("fabric_name")},
               {"fc_host", name},
               {"port_id", hex("port_id")},
               {"port_name", hex("port_name")},
               {"port_state", text("port_state")},
               {"port_type", text("port_type")},
               {"speed", text("speed")},
               {"supported_classes", text("supported_classes")},
               {"supported_speeds", text("supported_speeds")},
               {"symbolic_name", text("symbolic_name")}},
              1);
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeInfinibandPart(HostContext& context) {
  return HostPartResult(std::make_unique<InfinibandPart>(context));
}
HostPartResult MakeFibrechannelPart(HostContext& context) {
  return HostPartResult(std::make_unique<FibrechannelPart>(context));
}

}  // namespace vedette::collector
