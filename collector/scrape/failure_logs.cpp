#include "collector/scrape/failure_logs.h"

#include <utility>

namespace vedette::collector {

Result<FailureLogs::Files> FailureLogs::Open(std::span<const ScrapeConfig> jobs) {
  Files out;
  for (const ScrapeConfig& job : jobs) {
    const std::string& path = job.scrape_failure_log_file;
    if (path.empty() || out.contains(path)) continue;
    VEDETTE_TRY(out[path], JsonLog::Open(path));
  }
  return out;
}

void FailureLogs::Use(Files files) {
  const std::lock_guard lock(mutex_);
  files_.swap(files);  // the old ones are closed behind the lock
}

void FailureLogs::Write(const ScrapeConfig& job, const std::string& target_url, const Error& error) const {
  if (job.scrape_failure_log_file.empty()) return;
  std::shared_ptr<JsonLog> file;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(job.scrape_failure_log_file);
    if (found == files_.end()) return;
    file = found->second;
  }
  file->Write(LogLevel::kError, error.message,
              fmt::format(R"("job_name":{},"target":{})", JsonText(job.job_name), JsonText(target_url)));
}

}  // namespace vedette::collector
