// Writing that RocksDB does not resume by itself. Not under the thread sanitizer, which does not see the locks of
// RocksDB's pool: what its threads run for this test would look unsynchronised.
#if !defined(__SANITIZE_THREAD__)
#include <algorithm>
#include <functional>
#include <latch>
#include <memory>
#include <utility>

#include <rocksdb/env.h>

#include "tests/unit/storage/bad_luck.h"

namespace vedette::test {
namespace {

/// The threads that flush, of all databases in this process. Held back, a flush that is due waits for Release().
class FlushThreads {
 public:
  FlushThreads() : count_(std::max(env_.GetBackgroundThreads(rocksdb::Env::HIGH), 1)) {
    env_.SetBackgroundThreads(count_, rocksdb::Env::HIGH);
  }
  void Hold() {
    // Shared: a thread may still be inside when the last one has arrived.
    const auto held = std::make_shared<std::latch>(count_);
    for (int i = 0; i < count_; ++i)
      Run([this, held] {
        held->count_down();
        release_.wait();
      });
    held->wait();
  }
  bool HasWork() const { return env_.GetThreadPoolQueueLen(rocksdb::Env::HIGH) > 0; }
  void Release() { release_.count_down(); }
  /// Returns when what was due before has ended.
  void Drain() {
    const auto ran = std::make_shared<std::latch>(count_);
    for (int i = 0; i < count_; ++i) Run([ran] { ran->arrive_and_wait(); });
    ran->wait();
  }

 private:
  void Run(std::function<void()> work) {
    env_.Schedule(
        [](void* of) {
          const std::unique_ptr<std::function<void()>> own(static_cast<std::function<void()>*>(of));
          (*own)();
        },
        new std::function<void()>(std::move(work)), rocksdb::Env::HIGH);
  }
  rocksdb::Env& env_ = *rocksdb::Env::Default();
  const int count_;
  std::latch release_{1};
};

TEST_CASE("a flush that begins after writing was stopped does not keep it stopped for ever", "[storage][faults]") {
  BadLuck luck;
  luck.Open();
  FlushThreads flushes;
  flushes.Hold();
  for (int i = 0; i < 20'000 && !flushes.HasWork(); ++i) luck.Commit(1);
  REQUIRE(flushes.HasWork());
  luck.files->Inject({{FileOp::kWrite, FileKind::kLog}, 0, 1, Fault::Problem::kNoSpace});
  luck.Commit(1);
  CHECK(luck.refused.size() == 1);
  // The flush finds writing stopped and ends. RocksDB 7.8 then knows of it and never begins it again.
  flushes.Release();
  flushes.Drain();
  luck.files->Heal();
  (void)luck.store->RunMaintenance(luck.clock.Now());
  luck.Commit(1);
  if (luck.refused.size() > 1) {
    CHECK(luck.starts_asked == 1);
    (void)luck.store->RunMaintenance(luck.clock.Now());
    CHECK(luck.starts_asked == 1);
    MustSucceed(luck.Check(*luck.store));
    luck.Open();
  }
  MustSucceed(luck.Check(*luck.store));
  const std::size_t refused = luck.refused.size();
  luck.Commit(10);
  CHECK(luck.refused.size() == refused);
  MustSucceed(luck.store->RunMaintenance(luck.clock.Now()));
  MustSucceed(luck.Check(*luck.store));
}

}  // namespace
}  // namespace vedette::test
#endif
