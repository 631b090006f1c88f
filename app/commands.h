// The subcommands, one function each. They print to standard output and return the exit status: 0 good, 1 failed.
#pragma once

#include "app/command_line.h"

namespace vedette::app {

int Serve(const ServeCommand& command);
int CheckConfig(const CheckConfigCommand& command);
int CheckRules(const CheckRulesCommand& command);
/// 0: good; 1: not what the format says; 3: good, with remarks.
int CheckMetrics(const CheckMetricsCommand& command);
int Query(const QueryCommand& command);
int ReportCapacity(const CapacityCommand& command);
int Import(const ImportCommand& command);
int Export(const ExportCommand& command);
int Backup(const BackupCommand& command);
int Restore(const RestoreCommand& command);
int StorageTool(const StorageCommand& command);

}  // namespace vedette::app
