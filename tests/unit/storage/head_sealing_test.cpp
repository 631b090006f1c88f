// What the sealer takes out of the head.
#include <vector>

#include "storage/head/commit_plan.h"
#include "storage/head/head.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

constexpr TimeMs kSealStart(1'700'000'000'000);

TEST_CASE("the record of a sealed block follows those of all its rows", "[storage][sealing]") {
  Head head(120, Millis(3'600'000), 30);
  std::vector<SeriesId> ids;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    head.table().Insert(SeriesId(i), Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
    ids.push_back(SeriesId(i));
  }
  // Rows of commits that are not visible: what the sealer meets when they come while it looks around.
  std::uint64_t commit = 0;
  for (; commit < 3; ++commit) {
    AppendBatch batch;
    const TimeMs now(kSealStart.ms + static_cast<std::int64_t>(commit) * 1000);
    batch.AddRow(now, ids, std::vector<double>(ids.size(), 1));
    CommitPlan plan(head);
    plan.TakeRest(batch, now);
    REQUIRE(plan.drafts().rows.size() == 1);
    AppendOutcome outcome;
    head.Apply(plan, commit + 1, outcome);
  }
  head.CloseBlocks([](const RowGroup&, const RowGroup::Extent&) { return Head::GroupFate::kCloseBlock; });
  const std::vector<FreezeBatch> batches = head.ClosedBlocks(1000);
  REQUIRE(batches.size() == 1);
  REQUIRE(batches[0].blocks.size() == 1);
  CHECK(batches[0].blocks[0].block->rows() == 3);
  CHECK(batches[0].through == commit);
}

}  // namespace
}  // namespace vedette::storage
