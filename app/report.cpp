// `vedette report capacity`: when each filesystem that a running agent watches is full.
#include <cstdio>

#include "analytics/capacity/report.h"
#include "app/api_client.h"
#include "app/commands.h"
#include "core/clock.h"

namespace vedette::app {
namespace {

Result<std::string> MakeReport(const CapacityCommand& command) {
  VEDETTE_TRY(const analytics::ReportFormat format, analytics::ParseReportFormat(command.format));
  ApiClient client(command.server);
  analytics::CapacityOptions options;
  options.history = command.history;
  const TimeMs now = SystemClock().Now();
  VEDETTE_TRY(const auto rows, analytics::FilesystemReport(client.Query(), now, options));
  return analytics::RenderReport(rows, now, format);
}

}  // namespace

int ReportCapacity(const CapacityCommand& command) {
  const auto report = MakeReport(command);
  if (!report) {
    fmt::print(stderr, "vedette report capacity: {}\n", report.error().message);
    return 1;
  }
  std::fputs(report->c_str(), stdout);
  return 0;
}

}  // namespace vedette::app
