// powersupplyclass and rapl: batteries and mains, and the energy that parts of the CPU have used.
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

constexpr double kPlain = 1, kMicro = 1e6, kTenth = 10;

struct SupplyNumber {
  const char* file;
  std::string_view name;
  double divisor;
};
constexpr auto kSupplyNumbers = std::to_array<SupplyNumber>({
    {"authentic", "authentic", kPlain},
    {"calibrate", "calibrate", kPlain},
    {"capacity", "capacity", kPlain},
    {"capacity_alert_max", "capacity_alert_max", kPlain},
    {"capacity_alert_min", "capacity_alert_min", kPlain},
    {"charge_control_limit", "charge_control_limit", kMicro},
    {"charge_control_limit_max", "charge_control_limit_max", kMicro},
    {"charge_counter", "charge_counter", kMicro},
    {"charge_empty", "charge_empty", kMicro},
    {"charge_empty_design", "charge_empty_design", kMicro},
    {"charge_full", "charge_full", kMicro},
    {"charge_full_design", "charge_full_design", kMicro},
    {"charge_now", "charge_ampere", kMicro},
    {"charge_term_current", "charge_term_current", kMicro},
    {"constant_charge_current", "constant_charge_current", kMicro},
    {"constant_charge_current_max", "constant_charge_current_max", kMicro},
    {"constant_charge_voltage", "constant_charge_voltage", kMicro},
    {"constant_charge_voltage_max", "constant_charge_voltage_max", kMicro},
    {"current_boot", "current_boot", kMicro},
    {"current_max", "current_max", kMicro},
    {"current_now", "current_ampere", kMicro},
    {"cycle_count", "cyclecount", kPlain},
    {"energy_empty", "energy_empty", kMicro},
    {"energy_empty_design", "energy_empty_design", kMicro},
    {"energy_full", "energy_full", kMicro},
    {"energy_full_design", "energy_full_design", kMicro},
    {"energy_now", "energy_watthour", kMicro},
    {"input_current_limit", "input_current_limit", kMicro},
    {"online", "online", kPlain},
    {"power_now", "power_watt", kMicro},
    {"precharge_current", "precharge_current", kMicro},
    {"present", "present", kPlain},
    {"temp", "temp_celsius", kTenth},
    {"temp_alert_max", "temp_alert_max_celsius", kTenth},
    {"temp_alert_min", "temp_alert_min_celsius", kTenth},
    {"temp_ambient", "temp_ambient_celsius", kTenth},
    {"temp_ambient_max", "temp_ambient_max_celsius", kTenth},
    {"temp_ambient_min", "temp_ambient_min_celsius", kTenth},
    {"temp_max", "temp_max_celsius", kTenth},
    {"temp_min", "temp_min_celsius", kTenth},
    {"time_to_empty_now", "time_to_empty_seconds", kPlain},
    {"time_to_full_now", "time_to_full_seconds", kPlain},
    {"voltage_boot", "voltage_boot", kMicro},
    {"voltage_max", "voltage_max", kMicro},
    {"voltage_max_design", "voltage_max_design", kMicro},
    {"voltage_min", "voltage_min", kMicro},
    {"voltage_min_design", "voltage_min_design", kMicro},
    {"voltage_now", "voltage_volt", kMicro},
    {"voltage_ocv", "voltage_ocv", kMicro},
});
/// In the order of the labels; power_supply stands between model_name and scope.
constexpr auto kSupplyTexts =
    std::to_array<const char*>({"capacity_level", "charge_type", "health", "manufacturer", "model_name", "scope",
                                "serial_number", "status", "technology", "type", "usb_type"});

class PowerSupplyPart final : public HostPart {
 public:
  PowerSupplyPart(HostContext& context, NameFilter ignored)
      : root_(context.Sys("class/power_supply")), ignored_(std::move(ignored)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    for (const std::string& name : names) {
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory || ignored_.Found(name)) continue;
      for (const SupplyNumber& number : kSupplyNumbers) {
        const auto value = ReadNumber(directory->fd(), number.file);
        if (!value) continue;
        table.Add({fmt::format("node_power_supply_{}", number.name),
                   fmt::format("{} value of /sys/class/power_supply/<power_supply>.", number.name)},
                  {{"power_supply", name}}, *value / number.divisor);
      }
      AddInfo(name, directory->fd(), table);
    }
    table.Write(out);
    return Ok();
  }

 private:
  static void AddInfo(const std::string& name, int directory, FamilyTable& table) {
    std::map<std::string_view, std::string> texts{{"power_supply", name}};
    for (const char* file : kSupplyTexts) {
      const auto text = ReadAttribute(directory, file);
      if (text && !Trimmed(*text).empty()) texts.emplace(file, Trimmed(*text));
    }
    std::vector<LabelView> labels;
    for (const auto& [label, text] : texts) labels.push_back({label, text});
    table.Add({"node_power_supply_info", "info of /sys/class/power_supply/<power_supply>."}, labels, 1);
  }

  std::string root_;
  NameFilter ignored_;
};

class RaplPart final : public HostPart {
 public:
  explicit RaplPart(HostContext& context)
      : root_(context.Sys("class/powercap")), zone_label_(context.options.rapl_zone_label) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    std::map<std::string, int> uses;  // zones without a number in their name are counted
    for (const std::string& name : names) {
      const std::string path = root_ + "/" + name;
      const auto directory = OpenDirectory(path);
      const auto zone = directory ? ReadAttribute(directory->fd(), "name") : std::nullopt;
      if (!zone) continue;
      const auto [base, index] = SplitZone(std::string(Trimmed(*zone)), uses);
      const auto value = ReadNumber(directory->fd(), "energy_uj");
      // Readable for root only since the counters were found to leak secrets.
      if (!value) return Fail(Code::kIo, "cannot read {}/energy_uj", path);
      Add({path, base, index}, *value / 1e6, table);
    }
    table.Write(out);
    return Ok();
  }

 private:
  struct Zone {
    std::string path, name, index;
  };

  /// "package-0" is number 0 of "package".
  static std::pair<std::string, std::string> SplitZone(const std::string& name, std::map<std::string, int>& uses) {
    const std::size_t dash = name.rfind('-');
    if (dash != std::string::npos && dash > 0 && ParseCount(std::string_view(name).substr(dash + 1)) &&
        name.back() != '-') {
      return {name.substr(0, dash), name.substr(dash + 1)};
    }
    return {name, std::to_string(uses[name]++)};
  }

  void Add(const Zone& zone, double joules, FamilyTable& table) const {
    if (zone_label_) {
      table.Add({"node_rapl_joules_total", "Current RAPL value in joules", FamilyType::kCounter},
                {{"index", zone.index}, {"path", zone.path}, {"rapl_zone", zone.name}}, joules);
      return;
    }
    std::string metric = "node_rapl_" + zone.name + "_joules_total";
    const auto legal = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    };
    std::replace_if(
        metric.begin(), metric.end(), [&](char c) { return !legal(c); }, '_');
    table.Add({metric, fmt::format("Current RAPL {} value in joules", zone.name), FamilyType::kCounter},
              {{"index", zone.index}, {"path", zone.path}}, joules);
  }

  std::string root_;
  bool zone_label_;
};

}  // namespace

HostPartResult MakePowerSupplyPart(HostContext& context) {
  VEDETTE_TRY(NameFilter ignored, NameFilter::Compile(context.options.powersupply_ignored));
  return HostPartResult(std::make_unique<PowerSupplyPart>(context, std::move(ignored)));
}
HostPartResult MakeRaplPart(HostContext& context) { return HostPartResult(std::make_unique<RaplPart>(context)); }

}  // namespace vedette::collector
