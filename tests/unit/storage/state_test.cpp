// The state tables and their change streams, both engines.
#include <thread>

#include "storage/memory/memory_storage.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

struct TextCodec {
  static std::string Encode(const std::string& text) { return "t" + text; }
  static Result<std::string> Decode(std::string_view bytes) {
    if (!bytes.starts_with('t')) return Fail(Code::kCorruption, "not a text");
    return std::string(bytes.substr(1));
  }
};

StateBatch Put(std::string_view table, std::string_view key, std::string_view value) {
  StateBatch batch;
  batch.Put(table, key, value);
  return batch;
}

std::vector<std::uint64_t> Numbers(const ChangePage& page) {
  std::vector<std::uint64_t> out;
  for (const StateChanges& batch : page.batches) out.push_back(batch.sequence);
  return out;
}

void CheckStream(StateStore& state) {
  MustSucceed(state.Write(Put("a", "k1", "1")));
  MustSucceed(state.Write(Put("b", "k1", "2")));
  StateBatch both = Put("a", "k2", "3");
  both.Put("b", "k2", "4");
  both.Delete("a", "k1");
  MustSucceed(state.Write(both));
  MustSucceed(state.Write(StateBatch()));  // nothing happens
  const ChangePage all = MustHave(state.Changes("", 0, 0));
  CHECK(Numbers(all) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(all.next == 3);
  const ChangePage of_a = MustHave(state.Changes("a", 0, 1));
  CHECK(Numbers(of_a) == std::vector<std::uint64_t>{1});
  CHECK(of_a.next == 1);
  const ChangePage rest = MustHave(state.Changes("a", of_a.next, 0));
  REQUIRE(Numbers(rest) == std::vector<std::uint64_t>{3});
  REQUIRE(rest.batches[0].changes.size() == 2);
  CHECK(rest.batches[0].changes[0].value == "3");
  CHECK(rest.batches[0].changes[1].key == "k1");
  CHECK(!rest.batches[0].changes[1].value);
  CHECK(MustHave(state.Changes("a", 3, 0)).batches.empty());
  CHECK(MustHave(state.Changes("a", 4, 0)).too_old);  // of another store

  const auto view = state.NewView();
  MustSucceed(state.Write(Put("a", "k2", "changed")));
  CHECK(view->sequence() == 3);
  CHECK(MustHave(view->Get("a", "k2")) == "3");
  CHECK(MustHave(state.Get("a", "k2")) == "changed");
  CHECK(Numbers(MustHave(state.Changes("a", view->sequence(), 0))) == std::vector<std::uint64_t>{4});
  CHECK(state.AwaitChange(3, {}, Millis(0)));
  CHECK(!state.AwaitChange(4, {}, Millis(0)));
}

TEST_CASE("a subscriber gets the batches that touched its table, in order", "[storage][state]") {
  SECTION("memory") { CheckStream(*NewMemoryStateStore()); }
  SECTION("rocks") {
    RocksFixture fixture;
    CheckStream(fixture.Open());
    // Also after a restart, and numbers go on.
    RocksStorage& again = fixture.Open();
    CHECK(Numbers(MustHave(again.Changes("b", 1, 0))) == std::vector<std::uint64_t>{2, 3});
    MustSucceed(again.Write(Put("a", "k", "v")));
    CHECK(Numbers(MustHave(again.Changes("", 4, 0))) == std::vector<std::uint64_t>{5});
    CHECK(again.NewView()->sequence() == 5);
  }
}

/// After `n` batches a subscriber of number 0 is too old, one of a recent number is not.
void CheckBounded(StateStore& state, int n) {
  for (int i = 0; i < n; ++i) MustSucceed(state.Write(Put("t", std::to_string(i), std::string(10, 'x'))));
  CHECK(MustHave(state.Changes("t", 0, 0)).too_old);
  const std::uint64_t last = state.NewView()->sequence();
  CHECK(Numbers(MustHave(state.Changes("t", last - 2, 0))) == std::vector<std::uint64_t>{last - 1, last});
  // A batch larger than the whole history: everybody reads anew.
  MustSucceed(state.Write(Put("t", "large", std::string(5000, 'x'))));
  CHECK(MustHave(state.Changes("t", last, 0)).too_old);
  const auto view = state.NewView();
  CHECK(view->sequence() == last + 1);
  CHECK(MustHave(view->Get("t", "large"))->size() == 5000);
  const ChangePage none = MustHave(state.Changes("t", view->sequence(), 0));
  CHECK(!none.too_old);
  CHECK(none.batches.empty());
}

TEST_CASE("the history is bounded, and who comes too late is told", "[storage][state]") {
  const StateHistory small{16, 4000};
  SECTION("memory") { CheckBounded(*NewMemoryStateStore(small), 40); }
  SECTION("rocks") {
    RocksFixture fixture;
    fixture.tuning.state_history = small;
    CheckBounded(fixture.Open(), 40);
    RocksStorage& again = fixture.Open();
    CHECK(MustHave(again.Changes("t", 40, 0)).too_old);
    CHECK(again.NewView()->sequence() == 41);
    MustSucceed(again.Write(Put("t", "k", "v")));
    CHECK(Numbers(MustHave(again.Changes("t", 41, 0))) == std::vector<std::uint64_t>{42});
  }
}

TEST_CASE("a typed table decodes its changes, and names the row that it cannot", "[storage][state]") {
  const auto state = NewMemoryStateStore();
  const TypedTable<std::string, TextCodec> table(*state, "texts");
  StateBatch batch;
  table.Put(batch, "a", "x");
  table.Delete(batch, "b");
  batch.Put("other", "a", "y");
  MustSucceed(state->Write(batch));
  const auto page = MustHave(table.Changes(0));
  REQUIRE(page.changes.size() == 2);
  CHECK(page.changes[0].row == "x");
  CHECK(!page.changes[1].row);
  CHECK(page.next == 1);
  MustSucceed(state->Write(Put("texts", "bad", "?")));
  const auto bad = table.Changes(page.next);
  REQUIRE(!bad);
  CHECK(bad.error().message.find("table texts, key bad") != std::string::npos);
}

TEST_CASE("subscribers beside writers see every batch once", "[storage][state][threads]") {
  RocksFixture fixture;
  fixture.tuning.state_history = {64, 1 << 20};
  RocksStorage& store = fixture.Open();
  constexpr int kBatches = 150;
  std::stop_source stop;
  std::map<std::string, std::string> copy;
  std::uint64_t at = 0;
  int failures = 0;
  std::thread subscriber([&] {
    while (store.AwaitChange(at, stop.get_token(), Millis(60'000))) {
      const auto page = store.Changes("t", at, 7);
      if (!page) {
        ++failures;
        return;
      }
      if (page->too_old) {
        const auto view = store.NewView();
        copy.clear();
        (void)view->Scan("t", "", [&](std::string_view key, std::string_view value) {
          copy.emplace(key, value);
          return true;
        });
        at = view->sequence();
        continue;
      }
      for (const StateChanges& batch : page->batches) {
        if (batch.sequence <= at) ++failures;
        at = batch.sequence;
        for (const auto& change : batch.changes) copy[change.key] = *change.value;
      }
      at = page->next;
    }
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kBatches; ++i) {
        (void)store.Write(Put("t", std::to_string(w) + "-" + std::to_string(i % 20), std::to_string(i)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::uint64_t last = store.NewView()->sequence();
  CHECK(last == 2 * kBatches);
  stop.request_stop();
  subscriber.join();
  CHECK(failures == 0);
  // What was missed when it stopped, then the copy is the table.
  const ChangePage rest = MustHave(store.Changes("t", at, 1000));
  if (!rest.too_old) {
    for (const StateChanges& batch : rest.batches) {
      for (const auto& change : batch.changes) copy[change.key] = *change.value;
    }
    for (const auto& [key, value] : copy) CHECK(MustHave(store.Get("t", key)) == value);
    CHECK(copy.size() == 40);
  }
}

}  // namespace
}  // namespace vedette::storage
