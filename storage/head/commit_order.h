// Numbers commits, applies them one after the other in that order, and knows what readers may still look at.
//
// A commit takes a number, writes its journal record (several at once: RocksDB groups them into one log write), then
// waits for its turn, changes the head and becomes visible. Readers remember the last commit they may see and the seal
// round they started in; what they need is kept until they are gone. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>

namespace vedette::storage {

class CommitOrder {
 public:
  /// Numbers go on after `last`, which counts as visible. Before the first commit only.
  void Restart(std::uint64_t last);

  std::uint64_t Begin();
  /// Blocks until every earlier commit is finished and the head is not paused.
  std::unique_lock<std::mutex> AwaitTurn(std::uint64_t commit);
  /// The commit, applied or failed, is done; `turn` is what AwaitTurn() gave.
  void Finish(std::uint64_t commit, std::unique_lock<std::mutex> turn);

  /// No commit is applied while this is held: the head stands at exactly visible().
  std::unique_lock<std::mutex> Pause() { return std::unique_lock(apply_mutex_); }
  std::uint64_t visible() const { return visible_.load(std::memory_order_acquire); }

 private:
  std::mutex apply_mutex_;
  std::condition_variable turn_came_;
  std::atomic<std::uint64_t> next_{1};
  std::atomic<std::uint64_t> visible_{0};  // written under apply_mutex_
};

/// The queriers that are alive.
class ReaderRegistry {
 public:
  struct Reader {
    std::uint64_t commit = 0;  // a lower bound of the last commit it sees
    std::uint64_t round = 0;   // seal rounds completed when it started
  };
  /// `order` tells the commit to start from. Call before taking the database snapshot.
  Reader Register(const CommitOrder& order);
  void Unregister(const Reader& reader);

  /// No reader looks further back than this commit; `visible` when there is none.
  std::uint64_t OldestCommit(std::uint64_t visible) const;
  /// A seal round is on disk. Returns its number and whether readers that started before it are alive.
  std::uint64_t CompleteRound(bool& has_older_readers);
  /// Readers of all rounds below this one are gone.
  std::uint64_t OldestRound() const;

 private:
  mutable std::mutex mutex_;
  std::multiset<std::uint64_t> commits_, rounds_;
  std::uint64_t round_ = 1;
};

}  // namespace vedette::storage
