// systemd: states of its units, asked of systemd over D-Bus as `systemctl list-units` does.
#include <array>
#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "collector/host/dbus.h"
#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kManagerPath = "/org/freedesktop/systemd1";
constexpr std::string_view kManagerInterface = "org.freedesktop.systemd1.Manager";
constexpr std::array<std::string_view, 5> kUnitStates{"activating", "active", "deactivating", "failed", "inactive"};

struct SystemdUnit {
  std::string name, load_state, active_state, path;
};

/// The reply of ListUnits, a(ssssssouso).
Result<std::vector<SystemdUnit>> ParseSystemdUnits(const DbusReply& reply) {
  if (reply.signature != "a(ssssssouso)") return Fail(Code::kBadData, "ListUnits answers '{}'", reply.signature);
  DbusReader in = reply.Reader();
  VEDETTE_TRY(const std::uint32_t size, in.Array(8));
  const std::size_t end = in.at() + size;
  std::vector<SystemdUnit> units;
  while (in.at() < end) {
    VEDETTE_CHECK(in.Align(8));
    SystemdUnit unit;
    VEDETTE_TRY(unit.name, in.String());
    VEDETTE_CHECK(in.String());  // description
    VEDETTE_TRY(unit.load_state, in.String());
    VEDETTE_TRY(unit.active_state, in.String());
    VEDETTE_CHECK(in.String());  // sub state
    VEDETTE_CHECK(in.String());  // what it follows
    VEDETTE_TRY(unit.path, in.String());
    VEDETTE_CHECK(in.U32());     // job
    VEDETTE_CHECK(in.String());  // its type
    VEDETTE_CHECK(in.String());  // its path
    units.push_back(std::move(unit));
  }
  return units;
}

class SystemdPart final : public HostPart {
 public:
  SystemdPart(HostContext& context, NameFilter include, NameFilter exclude)
      : options_(context.options), include_(std::move(include)), exclude_(std::move(exclude)) {}

  Status Collect(TextFormat& out) override {
    // Systemd may have been restarted since: one more try with a new connection.
    for (const bool again : {false, true}) {
      VEDETTE_CHECK(Connect());
      FamilyTable table;
      const Status status = Ask(table);
      if (status) {
        table.Write(out);
        return Ok();
      }
      connection_.reset();
      if (again) return status;
    }
    return Ok();
  }

 private:
  static constexpr Millis kCallTimeout = std::chrono::seconds(2);
  /// Of all calls: there is one for each service.
  static constexpr Millis kReadingTimeout = std::chrono::seconds(5);

  Status Connect() {
    const auto deadline = std::chrono::steady_clock::now() + kReadingTimeout;
    if (connection_) {
      connection_->AnswerBy(deadline);
      return Ok();
    }
    auto direct = DbusConnection::Open(options_.systemd_private_path, false, kCallTimeout);
    if (direct) {
      connection_ = *std::move(direct);
      connection_->AnswerBy(deadline);
      return Ok();
    }
    VEDETTE_TRY(connection_, DbusConnection::Open(options_.systemd_bus_path, true, kCallTimeout));
    connection_->AnswerBy(deadline);
    return Ok();
  }

  Status Ask(FamilyTable& table) {
    VEDETTE_TRY(const DbusReply listed,
                connection_->Call({"org.freedesktop.systemd1", kManagerPath, kManagerInterface, "ListUnits"}));
    VEDETTE_TRY(const std::vector<SystemdUnit> units, ParseSystemdUnits(listed));
    AddSummary(units, table);
    std::set<std::string> seen;
    for (const SystemdUnit& unit : units) {
      if (unit.load_state != "loaded" || !include_.Found(unit.name) || exclude_.Found(unit.name)) continue;
      seen.insert(unit.name);
      VEDETTE_CHECK(AddUnit(unit, table));
    }
    std::erase_if(types_, [&](const auto& entry) { return !seen.contains(entry.first); });
    VEDETTE_TRY(const std::string state, TextProperty(kManagerPath, kManagerInterface, "SystemState"));
    table.Add({"node_systemd_system_running", "Whether the system is operational (see 'systemctl is-system-running')"},
              {}, state == "running" ? 1 : 0);
    VEDETTE_TRY(const std::string version, TextProperty(kManagerPath, kManagerInterface, "Version"));
    AddVersion(version, table);
    return Ok();
  }

  static void AddSummary(const std::vector<SystemdUnit>& units, FamilyTable& table) {
    std::map<std::string_view, double> counts;
    for (const std::string_view state : kUnitStates) counts[state] = 0;
    for (const SystemdUnit& unit : units) ++counts[unit.active_state];
    for (const auto& [state, count] : counts) {
      table.Add({"node_systemd_units", "Summary of systemd unit states"}, {{"state", state}}, count);
    }
  }

  /// "252.30-1~deb12u2": the number is 252.3, as far as it is one.
  static void AddVersion(const std::string& version, FamilyTable& table) {
    const std::size_t start = std::min(version.find_first_of("0123456789"), version.size());
    std::size_t end = std::min(version.find_first_not_of("0123456789", start), version.size());
    if (end + 1 < version.size() && version[end] == '.' && IsDigit(version[end + 1])) {
      end = std::min(version.find_first_not_of("0123456789", end + 1), version.size());
    }
    const auto number = ParseFloat(std::string_view(version).substr(start, end - start));
    table.Add({"node_systemd_version", "Detected systemd version"}, {{"version", version}}, number.value_or(0));
  }

  Status AddUnit(const SystemdUnit& unit, FamilyTable& table) {
    std::string_view type;
    if (unit.name.ends_with(".service")) {
      VEDETTE_TRY(type, TypeOf(unit, "org.freedesktop.systemd1.Service"));
    } else if (unit.name.ends_with(".mount")) {
      VEDETTE_TRY(type, TypeOf(unit, "org.freedesktop.systemd1.Mount"));
    }
    for (const std::string_view state : kUnitStates) {
      table.Add({"node_systemd_unit_state", "Systemd unit"}, {{"name", unit.name}, {"state", state}, {"type", type}},
                unit.active_state == state ? 1 : 0);
    }
    if (unit.name.ends_with(".timer")) return AddTimer(unit, table);
    return unit.name.ends_with(".socket") ? AddSocket(unit, table) : Ok();
  }

  /// Asked once: it is part of the unit's file.
  Result<std::string_view> TypeOf(const SystemdUnit& unit, std::string_view interface) {
    const auto known = types_.find(unit.name);
    if (known != types_.end()) return std::string_view(known->second);
    auto type = TextProperty(unit.path, interface, "Type");
    if (!type && type.error().code != Code::kUnavailable) return type.error();
    return std::string_view(types_.emplace(unit.name, type ? *type : std::string()).first->second);
  }

  Status AddTimer(const SystemdUnit& unit, FamilyTable& table) {
    auto reply = Property(unit.path, "org.freedesktop.systemd1.Timer", "LastTriggerUSec");
    if (!reply) return reply.error().code == Code::kUnavailable ? Ok() : Status(reply.error());
    DbusReader in = reply->Reader();
    VEDETTE_TRY(const std::string_view signature, in.Signature());
    if (signature != "t") return Fail(Code::kBadData, "LastTriggerUSec is '{}'", signature);
    VEDETTE_TRY(const std::uint64_t micros, in.U64());
    table.Add({"node_systemd_timer_last_trigger_seconds", "Seconds since epoch of last trigger."},
              {{"name", unit.name}}, static_cast<double>(micros) / 1e6);
    return Ok();
  }

  Status AddSocket(const SystemdUnit& unit, FamilyTable& table) {
    struct Number {
      std::string_view property;
      MetricText metric;
    };
    static constexpr std::array<Number, 3> kNumbers{{
        {"NAccepted",
         {"node_systemd_socket_accepted_connections_total", "Total number of accepted socket connections",
          FamilyType::kCounter}},
        {"NConnections", {"node_systemd_socket_current_connections", "Current number of socket connections"}},
        {"NRefused", {"node_systemd_socket_refused_connections_total", "Total number of refused socket connections"}},
    }};
    for (const Number& number : kNumbers) {
      auto reply = Property(unit.path, "org.freedesktop.systemd1.Socket", number.property);
      if (!reply && reply.error().code == Code::kUnavailable) continue;  // not in older versions
      if (!reply) return reply.error();
      DbusReader in = reply->Reader();
      VEDETTE_TRY(const std::string_view signature, in.Signature());
      if (signature != "u") return Fail(Code::kBadData, "{} is '{}'", number.property, signature);
      VEDETTE_TRY(const std::uint32_t value, in.U32());
      table.Add(number.metric, {{"name", unit.name}}, value);
    }
    return Ok();
  }

  Result<DbusReply> Property(std::string_view path, std::string_view interface, std::string_view name) {
    return connection_->Call(
        {"org.freedesktop.systemd1", path, "org.freedesktop.DBus.Properties", "Get", {interface, name}});
  }

  Result<std::string> TextProperty(std::string_view path, std::string_view interface, std::string_view name) {
    VEDETTE_TRY(const DbusReply reply, Property(path, interface, name));
    DbusReader in = reply.Reader();
    VEDETTE_TRY(const std::string_view signature, in.Signature());
    if (signature != "s") return Fail(Code::kBadData, "{} is '{}'", name, signature);
    VEDETTE_TRY(const std::string_view text, in.String());
    return std::string(text);
  }

  const HostOptions& options_;
  NameFilter include_, exclude_;
  std::unique_ptr<DbusConnection> connection_;
  std::map<std::string, std::string, std::less<>> types_;  // of services, by name
};

}  // namespace

HostPartResult MakeSystemdPart(HostContext& context) {
  VEDETTE_TRY(NameFilter include, NameFilter::Compile(context.options.systemd_unit_include));
  VEDETTE_TRY(NameFilter exclude, NameFilter::Compile(context.options.systemd_unit_exclude));
  return HostPartResult(std::make_unique<SystemdPart>(context, std::move(include), std::move(exclude)));
}

}  // namespace vedette::collector
