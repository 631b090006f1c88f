// uname, os and thermal_zone: what machine this is, and how warm.
#include <array>

#include <sys/utsname.h>

#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

class UnamePart final : public HostPart {
 public:
  Status Collect(TextFormat& out) override {
    utsname names{};
    if (::uname(&names) != 0) return Fail(Code::kIo, "uname failed");
    out.Family("node_uname_info", "Labeled system information as provided by the uname system call.",
               FamilyType::kGauge);
#ifdef _GNU_SOURCE
    const char* const domain = names.domainname;
#else
    const char* const domain = names.__domainname;
#endif
    out.Sample({{"domainname", domain},
                {"machine", names.machine},
                {"nodename", names.nodename},
                {"release", names.release},
                {"sysname", names.sysname},
                {"version", names.version}},
               1);
    return Ok();
  }
};

/// The value of KEY=value, KEY="value" or KEY='value' in os-release(5), which is shell syntax.
std::string OsField(std::string_view text, std::string_view key) {
  std::string value;
  while (auto line = NextLine(text)) {
    std::string_view rest = Trimmed(*line);
    if (!rest.starts_with(key) || !rest.substr(key.size()).starts_with('=')) continue;
    rest.remove_prefix(key.size() + 1);
    const char quote = rest.starts_with('"') || rest.starts_with('\'') ? rest.front() : '\0';
    if (quote != '\0') rest.remove_prefix(1);
    value.clear();
    for (std::size_t i = 0; i < rest.size() && (quote == '\0' || rest[i] != quote); ++i) {
      if (rest[i] == '\\' && quote != '\'' && i + 1 < rest.size()) ++i;
      value += rest[i];
    }
  }
  return value;
}

class OsPart final : public HostPart {
 public:
  explicit OsPart(HostContext& context) : root_(context.options.rootfs_path) {}

  Status Collect(TextFormat& out) override {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kFields{{
        {"build_id", "BUILD_ID"},
        {"id", "ID"},
        {"id_like", "ID_LIKE"},
        {"image_id", "IMAGE_ID"},
        {"image_version", "IMAGE_VERSION"},
        {"name", "NAME"},
        {"pretty_name", "PRETTY_NAME"},
        {"variant", "VARIANT"},
        {"variant_id", "VARIANT_ID"},
        {"version", "VERSION"},
        {"version_codename", "VERSION_CODENAME"},
        {"version_id", "VERSION_ID"},
    }};
    auto text = ReadHostFile(root_ + "/etc/os-release");
    if (!text) text = ReadHostFile(root_ + "/usr/lib/os-release");
    if (!text) return text.error();
    std::array<std::string, kFields.size()> values;
    std::array<LabelView, kFields.size()> labels;
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      values[i] = OsField(*text, kFields[i].second);
      labels[i] = {kFields[i].first, values[i]};
    }
    out.Family("node_os_info",
               "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, "
               "pretty_name, variant, variant_id, version, version_codename, version_id.",
               FamilyType::kGauge);
    out.Sample(labels, 1);
    WriteVersion(*text, out);
    return Ok();
  }

 private:
  /// Major and minor of "22.04.1" as a number; distributions without a version ("rolling") have no such series.
  static void WriteVersion(std::string_view text, TextFormat& out) {
    const std::string version = OsField(text, "VERSION_ID");
    const std::size_t major = std::min(version.find_first_not_of("0123456789"), version.size());
    std::size_t end = major;
    if (version.substr(major).starts_with('.')) {
      end = std::min(version.find_first_not_of("0123456789", major + 1), version.size());
    }
    const auto number = major == 0 ? std::nullopt : ParseFloat(version.substr(0, end));
    if (!number) return;
    out.Family("node_os_version", "Metric containing the major.minor part of the OS version.", FamilyType::kGauge);
    out.Sample({{"id", OsField(text, "ID")}, {"id_like", OsField(text, "ID_LIKE")}, {"name", OsField(text, "NAME")}},
               *number);
  }

  std::string root_;
};

class ThermalZonePart final : public HostPart {
 public:
  explicit ThermalZonePart(HostContext& context) : root_(context.Sys("class/thermal")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(root_));
    out.Family("node_thermal_zone_temp", "Zone temperature in Celsius", FamilyType::kGauge);
    constexpr double kMilli = 1000;
    Write(names, {"thermal_zone", "zone", "temp", kMilli}, out);
    out.Family("node_cooling_device_cur_state", "Current throttle state of the cooling device", FamilyType::kGauge);
    Write(names, {"cooling_device", "name", "cur_state", 1}, out);
    out.Family("node_cooling_device_max_state", "Maximum throttle state of the cooling device", FamilyType::kGauge);
    Write(names, {"cooling_device", "name", "max_state", 1}, out);
    return Ok();
  }

 private:
  struct Attribute {
    std::string_view prefix;  // of the directory; what follows it is the value of `label`
    std::string_view label;
    const char* file;
    double divisor;
  };

  void Write(const std::vector<std::string>& names, const Attribute& attribute, TextFormat& out) const {
    for (const std::string& name : names) {
      if (!name.starts_with(attribute.prefix)) continue;
      const auto directory = OpenDirectory(root_ + "/" + name);
      if (!directory) continue;
      const auto type = ReadAttribute(directory->fd(), "type");
      const auto text = ReadAttribute(directory->fd(), attribute.file);
      const auto value = text ? ParseCount(*text) : std::nullopt;  // a sensor that is asleep refuses to be read
      if (!type || !value) continue;
      const std::string_view number = std::string_view(name).substr(attribute.prefix.size());
      out.Sample({{attribute.label, number}, {"type", *type}}, *value / attribute.divisor);
    }
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeUnamePart(HostContext&) { return HostPartResult(std::make_unique<UnamePart>()); }
HostPartResult MakeOsPart(HostContext& context) { return HostPartResult(std::make_unique<OsPart>(context)); }
HostPartResult MakeThermalZonePart(HostContext& context) {
  return HostPartResult(std::make_unique<ThermalZonePart>(context));
}

}  // namespace vedette::collector
