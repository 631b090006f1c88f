#include <cstdio>
#include <exception>

#include "app/commands.h"

using namespace vedette::app;

namespace {

int Run(const ServeCommand& command) { return Serve(command); }
int Run(const CheckConfigCommand& command) { return CheckConfig(command); }
int Run(const CheckRulesCommand& command) { return CheckRules(command); }
int Run(const CheckMetricsCommand& command) { return CheckMetrics(command); }
int Run(const QueryCommand& command) { return Query(command); }
int Run(const CapacityCommand& command) { return ReportCapacity(command); }
int Run(const ImportCommand& command) { return Import(command); }
int Run(const ExportCommand& command) { return Export(command); }
int Run(const BackupCommand& command) { return Backup(command); }
int Run(const RestoreCommand& command) { return Restore(command); }
int Run(const StorageCommand& command) { return StorageTool(command); }
int Run(const PrintCommand& command) {
  std::fputs(command.text.c_str(), command.exit_code == 0 ? stdout : stderr);
  return command.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    return std::visit([](const auto& command) { return Run(command); }, ParseCommandLine(args));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vedette: unexpected: %s\n", error.what());
    return 1;
  }
}
