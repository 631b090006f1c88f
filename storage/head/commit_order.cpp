#include "storage/head/commit_order.h"

#include <algorithm>
#include <utility>

namespace vedette::storage {

void CommitOrder::Restart(std::uint64_t last) {
  next_ = last + 1;
  visible_ = last;
}

std::uint64_t CommitOrder::Begin() { return next_.fetch_add(1); }

std::unique_lock<std::mutex> CommitOrder::AwaitTurn(std::uint64_t commit) {
  std::unique_lock lock(apply_mutex_);
  turn_came_.wait(lock, [&] { return visible_.load(std::memory_order_relaxed) + 1 == commit; });
  return lock;
}

void CommitOrder::Finish(std::uint64_t commit, std::unique_lock<std::mutex> turn) {
  visible_.store(commit, std::memory_order_release);
  turn.unlock();
  turn_came_.notify_all();
}

ReaderRegistry::Reader ReaderRegistry::Register(const CommitOrder& order) {
  const std::lock_guard lock(mutex_);
  const Reader reader{order.visible(), round_};
  commits_.insert(reader.commit);
  rounds_.insert(reader.round);
  return reader;
}

void ReaderRegistry::Unregister(const Reader& reader) {
  const std::lock_guard lock(mutex_);
  commits_.erase(commits_.find(reader.commit));
  rounds_.erase(rounds_.find(reader.round));
}

std::uint64_t ReaderRegistry::OldestCommit(std::uint64_t visible) const {
  const std::lock_guard lock(mutex_);
  return commits_.empty() ? visible : std::min(visible, *commits_.begin());
}

std::uint64_t ReaderRegistry::CompleteRound(bool& has_older_readers) {
  const std::lock_guard lock(mutex_);
  ++round_;
  has_older_readers = !rounds_.empty();
  return round_;
}

std::uint64_t ReaderRegistry::OldestRound() const {
  const std::lock_guard lock(mutex_);
  return rounds_.empty() ? round_ : *rounds_.begin();
}

}  // namespace vedette::storage
