#include "storage/rocks/log_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <rocksdb/env.h>

#include "storage/rocks/database.h"
#include "storage/rocks/log_records.h"

namespace vedette::storage {
namespace {

/// A log may be as large as everything that is open; it is not held in memory as a whole.
constexpr std::size_t kReadBytes = 32 * kLogBlockBytes;

rocksdb::Status ReadLog(rocksdb::Env& env, const std::string& name, LogSummary& log) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status = env.NewSequentialFile(name, &file, rocksdb::EnvOptions());
  const auto buffer = std::make_unique<char[]>(kReadBytes);
  for (bool more = true; status.ok() && more;) {
    std::size_t filled = 0;
    while (status.ok() && more && filled < kReadBytes) {
      rocksdb::Slice part;
      status = file->Read(kReadBytes - filled, &part, buffer.get() + filled);
      if (!status.ok()) break;
      if (part.data() != buffer.get() + filled) std::memmove(buffer.get() + filled, part.data(), part.size());
      filled += part.size();
      more = !part.empty();
    }
    if (status.ok() && filled > 0) SummarizeMore({buffer.get(), filled}, log);
  }
  return status;
}

}  // namespace

Result<LogState> CheckLogs(rocksdb::Env& env, const std::string& path) {
  LogState out;
  std::vector<std::string> names;
  if (!env.GetChildren(path, &names).ok()) return out;  // a new database
  std::vector<std::pair<unsigned long long, std::string>> logs;
  for (const std::string& name : names) {
    if (name.ends_with(".log")) logs.emplace_back(std::strtoull(name.c_str(), nullptr, 10), path + "/" + name);
  }
  std::ranges::sort(logs);
  std::string torn;  // a log whose end is not whole, and the batch that has to follow
  std::uint64_t next = 0;
  for (const auto& [number, name] : logs) {
    LogSummary log;
    const rocksdb::Status read = ReadLog(env, name, log);
    if (read.IsNotFound() || read.IsPathNotFound()) continue;
    if (!read.ok()) return ToError(read, "read of " + name);
    // A start after a crash goes on where it could read to; a log of the same process knows what came in between.
    if (!torn.empty() && log.first > next) out.damaged.push_back(torn + " is damaged at its end");
    if (log.first != 0) torn.clear();
    out.torn = out.torn || log.whole < log.size;
    if (log.followed) {
      out.damaged.push_back(fmt::format("{} is damaged from byte {} of {} on", name, log.whole, log.size));
    } else if (log.whole < log.size && log.next != 0) {
      torn = name;
    }
    if (log.next != 0) next = log.next;
  }
  return out;
}

}  // namespace vedette::storage
