#include "collector/host/mount_guard.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <sys/statvfs.h>

namespace vedette::collector {

std::optional<FileSystemStats> StatFileSystem(const std::string& path) {
  struct statvfs raw {};
  if (::statvfs(path.c_str(), &raw) != 0) return std::nullopt;
  // f_frsize is the unit of the block counts; f_bsize may be the preferred size of a transfer instead.
  const auto bytes = [&](fsblkcnt_t blocks) { return static_cast<double>(blocks) * static_cast<double>(raw.f_frsize); };
  return FileSystemStats{bytes(raw.f_blocks), bytes(raw.f_bfree), bytes(raw.f_bavail), static_cast<double>(raw.f_files),
                         static_cast<double>(raw.f_ffree)};
}

/// A detached thread and the one question it is working on. The thread shares the ownership, because a thread that
/// hangs in the kernel may outlive the guard.
struct MountGuard::Helper {
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  std::string path;
  bool asked = false, answered = false, quit = false;
  std::optional<FileSystemStats> answer;

  static std::shared_ptr<Helper> Start(const StatFunction& stat) {
    auto helper = std::make_shared<Helper>();
    std::thread([helper, stat] { helper->Work(stat); }).detach();
    return helper;
  }

  void Work(const StatFunction& stat) {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return asked || quit; });
      if (quit) return;
      const std::string question = path;
      lock.unlock();
      const auto result = stat(question);
      lock.lock();
      answer = result;
      asked = false;
      answered = true;
      changed.notify_all();
    }
  }

  void Quit() {
    const std::lock_guard lock(mutex);
    quit = true;
    changed.notify_all();
  }
};

MountGuard::MountGuard(Millis timeout, StatFunction stat) : timeout_(timeout), stat_(std::move(stat)) {}

MountGuard::~MountGuard() {
  if (helper_) helper_->Quit();
  for (const auto& helper : stuck_) helper->Quit();
}

std::vector<std::optional<FileSystemStats>> MountGuard::Ask(const std::vector<std::string>& paths) {
  std::erase_if(stuck_, [](const std::shared_ptr<Helper>& helper) {
    {
      const std::lock_guard lock(helper->mutex);
      if (!helper->answered) return false;
    }
    helper->Quit();
    return true;
  });
  std::vector<std::optional<FileSystemStats>> answers(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto hangs = [&](const std::shared_ptr<Helper>& helper) { return helper->path == paths[i]; };
    if (std::any_of(stuck_.begin(), stuck_.end(), hangs)) continue;
    if (!AskOne(paths[i], answers[i])) stuck_.push_back(std::exchange(helper_, nullptr));
  }
  return answers;
}

bool MountGuard::AskOne(const std::string& path, std::optional<FileSystemStats>& answer) {
  if (!helper_) helper_ = Helper::Start(stat_);
  Helper& helper = *helper_;
  std::unique_lock lock(helper.mutex);
  helper.path = path;
  helper.asked = true;
  helper.answered = false;
  helper.changed.notify_all();
  if (!helper.changed.wait_for(lock, timeout_, [&] { return helper.answered; })) return false;
  answer = helper.answer;
  return true;
}

}  // namespace vedette::collector
