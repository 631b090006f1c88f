// time and timex: what the clock says, what drives it and how well it is kept.
#include <array>
#include <ctime>

#include <sys/timex.h>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

class TimePart final : public HostPart {
 public:
  explicit TimePart(HostContext& context)
      : clock_(context.clock), sources_(context.Sys("devices/system/clocksource")) {}

  Status Collect(TextFormat& out) override {
    const TimeMs now = clock_.Now();
    out.Single({"node_time_seconds", "System time in seconds since epoch (1970)."}, now.Seconds());
    const auto seconds = static_cast<std::time_t>(now.ms / 1000);
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return Fail(Code::kIo, "localtime_r failed");
    out.Family("node_time_zone_offset_seconds", "System time zone offset in seconds.", FamilyType::kGauge);
    out.Sample({{"time_zone", local.tm_zone}}, static_cast<double>(local.tm_gmtoff));
    return WriteSources(out);
  }

 private:
  Status WriteSources(TextFormat& out) const {
    constexpr std::string_view kPrefix = "clocksource";
    VEDETTE_TRY(const std::vector<std::string> names, ListDirectory(sources_));
    for (const bool current : {false, true}) {
      out.Family(current ? "node_time_clocksource_current_info" : "node_time_clocksource_available_info",
                 current ? "Current clocksource read from '/sys/devices/system/clocksource'."
                         : "Available clocksources read from '/sys/devices/system/clocksource'.",
                 FamilyType::kGauge);
      for (const std::string& name : names) {
        if (!name.starts_with(kPrefix)) continue;
        VEDETTE_TRY(const FileHandle directory, OpenDirectory(sources_ + "/" + name));
        const auto text = ReadAttribute(directory.fd(), current ? "current_clocksource" : "available_clocksource");
        if (!text) return Fail(Code::kIo, "cannot read the clock sources in {}/{}", sources_, name);
        std::string_view line = *text;
        const std::string_view device = std::string_view(name).substr(kPrefix.size());
        for (std::string_view source = NextField(line); !source.empty(); source = NextField(line)) {
          out.Sample({{"clocksource", source}, {"device", device}}, 1);
        }
      }
    }
    return Ok();
  }

  const Clock& clock_;
  std::string sources_;
};

class TimexPart final : public HostPart {
 public:
  Status Collect(TextFormat& out) override {
    timex now{};
    const int state = ::adjtimex(&now);
    if (state < 0) return Fail(Code::kIo, "adjtimex is not permitted");
    constexpr double kMicros = 1e6;
    const double fine = (now.status & STA_NANO) != 0 ? 1e9 : kMicros;  // unit of offset and jitter
    constexpr double kScaledPpm = 65536.0 * 1e6;                       // frequencies are ppm with 16 binary places
    const auto number = [](auto value) { return static_cast<double>(value); };
    out.Single({"node_timex_offset_seconds", "Time offset in between local system and reference clock."},
               number(now.offset) / fine);
    out.Single({"node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment."},
               1 + number(now.freq) / kScaledPpm);
    out.Single({"node_timex_maxerror_seconds", "Maximum error in seconds."}, number(now.maxerror) / kMicros);
    out.Single({"node_timex_estimated_error_seconds", "Estimated error in seconds."}, number(now.esterror) / kMicros);
    out.Single({"node_timex_status", "Value of the status array bits."}, now.status);
    out.Single({"node_timex_loop_time_constant", "Phase-locked loop time constant."}, number(now.constant));
    out.Single({"node_timex_tick_seconds", "Seconds between clock ticks."}, number(now.tick) / kMicros);
    out.Single({"node_timex_pps_frequency_hertz", "Pulse per second frequency."}, number(now.ppsfreq) / kScaledPpm);
    out.Single({"node_timex_pps_jitter_seconds", "Pulse per second jitter."}, number(now.jitter) / fine);
    out.Single({"node_timex_pps_shift_seconds", "Pulse per second interval duration."}, now.shift);
    out.Single({"node_timex_pps_stability_hertz", "Pulse per second stability, average of recent frequency changes."},
               number(now.stabil) / kScaledPpm);
    WriteCounters(now, out);
    out.Single({"node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset."}, now.tai);
    out.Single({"node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."},
               state == TIME_ERROR ? 0 : 1);
    return Ok();
  }

 private:
  static void WriteCounters(const timex& now, TextFormat& out) {
    const auto count = [&](std::string_view name, std::string_view help, auto value) {
      out.Single({name, help, FamilyType::kCounter}, static_cast<double>(value));
    };
    count("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.", now.jitcnt);
    count("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.", now.calcnt);
    count("node_timex_pps_error_total", "Pulse per second count of calibration errors.", now.errcnt);
    count("node_timex_pps_stability_exceeded_total", "Pulse per second count of stability limit exceeded events.",
          now.stbcnt);
  }
};

}  // namespace

HostPartResult MakeTimePart(HostContext& context) { return HostPartResult(std::make_unique<TimePart>(context)); }
HostPartResult MakeTimexPart(HostContext&) { return HostPartResult(std::make_unique<TimexPart>()); }

}  // namespace vedette::collector
