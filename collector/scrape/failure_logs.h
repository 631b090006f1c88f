// `scrape_failure_log_file`: where scrapes that failed are written down. Jobs that name the same file share it.
//
// Thread-safe; a scrape that works never comes here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "collector/options.h"
#include "core/json_log.h"
#include "core/result.h"

namespace vedette::collector {

class FailureLogs {
 public:
  using Files = std::map<std::string, std::shared_ptr<JsonLog>, std::less<>>;

  /// Opens the files of all jobs, each anew: one that was moved away is made again. Errors: of JsonLog::Open().
  static Result<Files> Open(std::span<const ScrapeConfig> jobs);
  /// From now on these; those of before are closed when they are written.
  void Use(Files files);

  void Write(const ScrapeConfig& job, const std::string& target_url, const Error& error) const;

 private:
  mutable std::mutex mutex_;
  Files files_;  // guarded by mutex_
};

}  // namespace vedette::collector
