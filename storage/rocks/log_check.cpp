#include "storage/rocks/log_check.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <rocksdb/env.h>

#include "storage/rocks/database.h"
#include "storage/rocks/log_records.h"

namespace vedette::storage {

Result<std::vector<std::string>> DamagedLogs(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> out, names;
  if (!env.GetChildren(path, &names).ok()) return out;  // a new database
  std::vector<std::pair<unsigned long long, std::string>> logs;
  for (const std::string& name : names) {
    if (name.ends_with(".log")) logs.emplace_back(std::strtoull(name.c_str(), nullptr, 10), path + "/" + name);
  }
  std::ranges::sort(logs);
  std::string torn;  // a log whose end is not whole, and the batch that has to follow
  std::uint64_t next = 0;
  for (const auto& [number, name] : logs) {
    std::string content;
    const rocksdb::Status read = rocksdb::ReadFileToString(&env, name, &content);
    if (read.IsNotFound() || read.IsPathNotFound()) continue;
    if (!read.ok()) return ToError(read, "read of " + name);
    const LogSummary log = SummarizeLog(content);
    // A start after a crash goes on where it could read to; a log of the same process knows what came in between.
    if (!torn.empty() && log.first > next) out.push_back(torn + " is damaged at its end");
    if (log.first != 0) torn.clear();
    if (log.followed) {
      out.push_back(fmt::format("{} is damaged from byte {} of {} on", name, log.whole, content.size()));
    } else if (log.whole < content.size() && log.next != 0) {
      torn = name;
    }
    if (log.next != 0) next = log.next;
  }
  return out;
}

}  // namespace vedette::storage
