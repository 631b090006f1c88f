// `vedette backup` and `vedette restore`.
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>

#include "app/api_client.h"
#include "app/commands.h"
#include "app/offline_store.h"
#include "storage/rocks/snapshot.h"

namespace vedette::app {
namespace {

/// Takes the snapshot over into `to`; the snapshot itself goes in any case.
Status TakeOver(const std::string& snapshot, const std::string& to) {
  const Status copied = storage::CopyDataDirectory(snapshot, to, true);
  std::error_code ignored;
  std::filesystem::remove_all(snapshot, ignored);
  return copied;
}

Status BackUp(const BackupCommand& command) {
  std::error_code error;
  // Before anything is done for nothing.
  if (std::filesystem::exists(command.directory + "/db", error)) {
    return Fail(Code::kBadData, "{} holds a backup already", command.directory);
  }
  if (!command.storage_path.empty()) {
    VEDETTE_TRY(const OfflineStore store, OfflineStore::Open(command.storage_path, false));
    VEDETTE_TRY(const std::string snapshot, store->Snapshot());
    return TakeOver(snapshot, command.directory);
  }
  ApiClient client(command.server);
  VEDETTE_TRY(const std::string reply, client.Post("admin/tsdb/snapshot", {}));
  const nlohmann::json parsed = nlohmann::json::parse(reply, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("data") || !parsed["data"].contains("path")) {
    return Fail(Code::kBadData, "{} is not an agent of this program: {}", command.server, reply.substr(0, 200));
  }
  const std::string path = parsed["data"]["path"];
  if (!std::filesystem::exists(path, error)) {
    return Fail(Code::kNotFound, "the snapshot is in {} of the agent's machine, which is not this one", path);
  }
  return TakeOver(path, command.directory);
}

}  // namespace

int Backup(const BackupCommand& command) {
  const Status done = BackUp(command);
  if (!done) {
    fmt::print(stderr, "vedette backup: {}\n", done.error().message);
    return 1;
  }
  fmt::print("backup in {}\n", command.directory);
  return 0;
}

int Restore(const RestoreCommand& command) {
  // Copied: a data directory must not share files with its backup, which may lie on a medium of its own.
  const Status done = storage::CopyDataDirectory(command.directory, command.storage_path, false);
  if (!done) {
    fmt::print(stderr, "vedette restore: {}\n", done.error().message);
    return 1;
  }
  const auto opened = OfflineStore::Open(command.storage_path, false);
  if (!opened) {
    fmt::print(stderr, "vedette restore: the backup cannot be opened: {}\n", opened.error().message);
    return 1;
  }
  fmt::print("restored to {}\n", command.storage_path);
  return 0;
}

}  // namespace vedette::app
