// hwmon: temperatures, fans, voltages and currents that drivers offer below /sys/class/hwmon.
#include <array>
#include <filesystem>
#include <map>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr auto kSensorTypes =
    std::to_array<std::string_view>({"vrm", "beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp", "curr",
                                     "power", "energy", "humidity", "intrusion"});

/// A file name taken apart: "temp1_crit_alarm" is sensor "temp1" of type "temp" with the property "crit_alarm".
struct SensorFile {
  std::string_view type, property;
  std::string sensor;
};

std::optional<SensorFile> ParseSensorFile(std::string_view name) {
  SensorFile file;
  const std::size_t digits = std::min(name.find_first_of("0123456789"), name.size());
  const std::size_t end = std::min(name.find_first_not_of("0123456789", digits), name.size());
  std::string_view number = name.substr(digits, end - digits);
  std::string_view rest = name.substr(end);
  file.type = name.substr(0, digits);
  if (!rest.empty() && (rest.size() < 2 || rest.front() != '_')) return std::nullopt;
  if (!rest.empty()) file.property = rest.substr(1);
  if (std::ranges::find(kSensorTypes, file.type) == kSensorTypes.end()) return std::nullopt;
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  constexpr std::size_t kMaxDigits = 9;
  if (number.size() > kMaxDigits) return std::nullopt;
  file.sensor = fmt::format("{}{}", file.type, number.empty() ? "0" : number);
  return file;
}

/// What remains of a name as part of a metric name or as a chip's label.
std::string CleanedName(std::string_view name) {
  std::string clean;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool stays = (lower >= 'a' && lower <= 'z') || IsDigit(lower) || lower == ':' || lower == '_';
    clean += stays ? lower : '_';
  }
  const std::size_t start = clean.find_first_not_of('_');
  if (start == std::string::npos) return {};
  return clean.substr(start, clean.find_last_not_of('_') - start + 1);
}

struct SensorUnit {
  std::string_view type;
  std::string_view elements;  // blank-separated; empty: all
  std::string_view suffix;
  std::string_view help;  // {}: the element
  double scale;
  FamilyType kind = FamilyType::kGauge;
};
/// The first row that fits gives the unit.
constexpr auto kSensorUnits = std::to_array<SensorUnit>({
    {"in", "", "_volts", "Hardware monitor for voltage ({})", 0.001},
    {"cpu", "", "_volts", "Hardware monitor for voltage ({})", 0.001},
    {"temp", "", "_celsius", "Hardware monitor for temperature ({})", 0.001},
    {"curr", "", "_amps", "Hardware monitor for current ({})", 0.001},
    {"energy", "", "_joule_total", "Hardware monitor for joules used so far ({})", 1e-6, FamilyType::kCounter},
    {"power", "accuracy", "", "Hardware monitor power meter accuracy, as a ratio", 1e-6},
    {"power", "average_interval average_interval_min average_interval_max", "_seconds",
     "Hardware monitor power usage update interval ({})", 0.001},
    {"power", "", "_watt", "Hardware monitor for power usage in watts ({})", 1e-6},
    {"humidity", "", "",
     "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) ({})", 1e-6},
    {"fan", "input min max target", "_rpm", "Hardware monitor for fan revolutions per minute ({})", 1},
});

bool IsOneOf(std::string_view words, std::string_view word) {
  for (std::string_view next = NextField(words); !next.empty(); next = NextField(words)) {
    if (next == word) return true;
  }
  return false;
}

using Properties = std::map<std::string, std::string, std::less<>>;
struct Sensor {
  std::string type;
  Properties properties;
};
using Sensors = std::map<std::string, Sensor, std::less<>>;

/// 1000 and 1e6 are exact where 0.001 and 1e-6 are not; Go multiplies by the one and divides by the other.
double ScaledBy(double value, double scale) { return scale == 1e-6 ? value / 1e6 : value * scale; }

/// A sensor that is one number by itself.
void AddSingleSensor(const Sensor& sensor, std::initializer_list<LabelView> labels, FamilyTable& table) {
  const auto own = sensor.properties.find("");
  const std::string_view text = own == sensor.properties.end() ? std::string_view() : own->second;
  if (sensor.type == "beep_enable") {
    table.Add({"node_hwmon_beep_enabled", "Hardware beep enabled"}, labels, text == "1" ? 1 : 0);
    return;
  }
  const auto value = ParseFloat(text);
  if (!value) return;
  if (sensor.type == "vrm") {
    table.Add({"node_hwmon_voltage_regulator_version", "Hardware voltage regulator"}, labels, *value);
  } else {
    table.Add({"node_hwmon_update_interval_seconds", "Hardware monitor update interval"}, labels, *value * 0.001);
  }
}

void AddElement(const Sensor& sensor, std::string_view element, double value, std::initializer_list<LabelView> labels,
                FamilyTable& table) {
  std::string name = "node_hwmon_" + sensor.type;
  if (element == "input") {
    if (sensor.properties.contains("")) name += "_input";  // else the input is the value
  } else if (!element.empty()) {
    name += "_" + CleanedName(element);
  }
  if (element == "fault" || element == "alarm") {
    table.Add({name, fmt::format("Hardware sensor {} status ({})", element, sensor.type)}, labels, value);
    return;
  }
  if (element == "beep") {
    table.Add({name + "_enabled", "Hardware monitor sensor has beeping enabled"}, labels, value);
    return;
  }
  for (const SensorUnit& unit : kSensorUnits) {
    if (unit.type != sensor.type || (!unit.elements.empty() && !IsOneOf(unit.elements, element))) continue;
    if (unit.type == "temp" && element == "type") break;
    const std::string_view shown = unit.type == "temp" && element.empty() ? "input" : element;
    table.Add({name + std::string(unit.suffix), fmt::format(fmt::runtime(unit.help), shown), unit.kind}, labels,
              ScaledBy(value, unit.scale));
    return;
  }
  table.Add({name, fmt::format("Hardware monitor {} element {}", sensor.type, element)}, labels, value);
}

class HwmonPart final : public HostPart {
 public:
  explicit HwmonPart(HostContext& context) : root_(context.Sys("class/hwmon")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    FamilyTable table;
    for (const std::string& name : names) AddChip(root_ + "/" + name, table);
    table.Write(out);
    return Ok();
  }

 private:
  static void AddChip(const std::string& path, FamilyTable& table) {
    const auto directory = OpenDirectory(path);
    if (!directory) return;
    const std::string human = CleanedName(ReadAttribute(directory->fd(), "name").value_or(""));
    const std::string chip = ChipName(path, human);
    if (chip.empty()) return;
    Sensors sensors;
    ReadSensors(path, sensors);
    ReadSensors(path + "/device", sensors);
    if (!human.empty()) {
      table.Add({"node_hwmon_chip_names", "Annotation metric for human-readable chip names"},
                {{"chip", chip}, {"chip_name", human}}, 1);
    }
    for (const auto& [name, sensor] : sensors) AddSensor(chip, name, sensor, table);
  }

  /// Numbers of hwmon directories change from boot to boot, the place of the device does not.
  static std::string ChipName(const std::string& path, const std::string& human) {
    std::error_code error;
    const std::filesystem::path device = std::filesystem::canonical(path + "/device", error);
    if (!error) {
      const std::string name = CleanedName(device.filename().string());
      const std::string bus = CleanedName(device.parent_path().filename().string());
      if (!name.empty()) return bus.empty() ? name : bus + "_" + name;
    }
    if (!human.empty()) return human;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    return error ? std::string() : CleanedName(real.filename().string());
  }

  static void ReadSensors(const std::string& path, Sensors& sensors) {
    const auto directory = OpenDirectory(path);
    if (!directory) return;
    for (const std::string& name : NamesIn(path)) {
      const std::optional<SensorFile> file = ParseSensorFile(name);
      if (!file) continue;
      auto value = ReadAttribute(directory->fd(), name.c_str());
      if (!value) continue;
      Sensor& sensor = sensors[file->sensor];
      sensor.type = file->type;
      sensor.properties[std::string(file->property)] = *std::move(value);
    }
  }

  static void AddSensor(const std::string& chip, const std::string& name, const Sensor& sensor, FamilyTable& table) {
    if (const auto label = sensor.properties.find("label"); label != sensor.properties.end()) {
      table.Add({"node_hwmon_sensor_label", "Label for given chip and sensor"},
                {{"chip", chip}, {"label", label->second}, {"sensor", name}}, 1);
    }
    if (sensor.type == "beep_enable" || sensor.type == "vrm" || sensor.type == "update_interval") {
      AddSingleSensor(sensor, {{"chip", chip}, {"sensor", name}}, table);
      return;
    }
    for (const auto& [element, text] : sensor.properties) {
      const auto value = element == "label" ? std::nullopt : ParseFloat(text);
      if (value) AddElement(sensor, element, *value, {{"chip", chip}, {"sensor", name}}, table);
    }
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeHwmonPart(HostContext& context) { return HostPartResult(std::make_unique<HwmonPart>(context)); }

}  // namespace vedette::collector
