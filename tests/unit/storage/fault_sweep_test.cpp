// A fault at every write, sync, rename, creation and deletion of a load and of a start: refused, survived, and nothing
// acknowledged is lost (docs/operations.md, "When things go wrong"). VEDETTE_FAULT_SWEEP=N: every place of
// a load from number N on; without it those at the beginning and fewer and fewer behind them.
#include <cstdlib>

#include "storage/rocks/verify.h"
#include "tests/support/effort.h"
#include "tests/unit/storage/bad_luck.h"

namespace vedette::test {
namespace {

constexpr std::uint64_t kForever = 1'000'000'000;

/// What a unit test has time for.
constexpr std::uint64_t kLastPlace = Repetitions<std::uint64_t>(30, 0);

bool EveryPlace() {
  static const bool all = std::getenv("VEDETTE_FAULT_SWEEP") != nullptr;
  return all;
}

std::uint64_t FirstPlace() { return EveryPlace() ? std::strtoull(std::getenv("VEDETTE_FAULT_SWEEP"), nullptr, 10) : 0; }

/// The place after `at` that is tried; kForever: none.
std::uint64_t NextPlace(std::uint64_t at) {
  if (EveryPlace()) return at + 1;
  return at < kLastPlace ? at * 5 + 1 : kForever;
}

struct Trouble {
  FileOp op;
  Fault::Problem problem;
  std::uint64_t times;
  FileKind kind = FileKind::kAny;
  std::string Text(std::uint64_t after) const {
    return fmt::format("{} number {} of {}, {}, {}", NameOf(op), after, NameOf(kind),
                       problem == Fault::Problem::kNoSpace ? "no space" : "I/O error",
                       times == 1 ? "once" : "for good");
  }
};

std::vector<Trouble> AllTroubles() {
  std::vector<Trouble> out;
  for (const std::uint64_t times : {std::uint64_t{1}, kForever}) {
    for (const FileOp op : {FileOp::kWrite, FileOp::kSync, FileOp::kCreate, FileOp::kRename, FileOp::kDelete}) {
      out.push_back({op, Fault::Problem::kIoError, times});
    }
    for (const FileOp op : {FileOp::kWrite, FileOp::kSync, FileOp::kCreate}) {
      out.push_back({op, Fault::Problem::kNoSpace, times});
    }
  }
  return out;
}

void Verify(BadLuck& luck) {
  luck.Close();
  const storage::VerifyReport report = MustHave(storage::VerifyStore(luck.dir.Sub("data"), false, luck.env.get()));
  for (const std::string& problem : report.problems) CHECK(problem == "");
}

/// False: the load is over before that many operations.
bool SweepLoad(const Trouble& trouble, std::uint64_t after) {
  INFO(trouble.Text(after));
  BadLuck luck;
  luck.Open();
  luck.Commit(10);
  luck.files->Inject({{trouble.op, trouble.kind}, after, trouble.times, trouble.problem});
  luck.full = trouble.problem == Fault::Problem::kNoSpace;
  for (int i = 0; i < 6; ++i) {
    luck.Commit(6);
    (void)luck.store->RunMaintenance(luck.clock.Now());
    if (i == 4) (void)luck.store->Flush();
  }
  const bool hit = luck.files->hits() > 0;
  luck.files->Heal();
  luck.full = false;
  // Writing is tried again every second; these stand for the first seconds.
  (void)luck.store->RunMaintenance(luck.clock.Now());
  std::size_t before = 0;
  for (int i = 0; i < 5 && luck.starts_asked == 0; ++i) {
    (void)luck.store->RunMaintenance(luck.clock.Now());
    before = luck.refused.size();
    luck.Commit(1);
    if (luck.refused.size() == before) break;
  }
  if (luck.refused.size() > before || luck.starts_asked > 0) {  // asked for perhaps with the load's last operation
    // An error that RocksDB takes for fatal, which a log that cannot be created is whatever the reason: a restart
    // helps.
    INFO(luck.why);
    CHECK((trouble.problem == Fault::Problem::kIoError || trouble.op == FileOp::kCreate || luck.starts_asked > 0));
    luck.Open();
    MustSucceed(luck.Check(*luck.store));
  }
  const std::size_t after_restart = luck.refused.size();
  luck.Commit(20);
  CHECK(luck.refused.size() == after_restart);
  MustSucceed(luck.store->RunMaintenance(luck.clock.Now()));
  MustSucceed(luck.Check(*luck.store));
  luck.Open();
  MustSucceed(luck.Check(*luck.store));
  Verify(luck);
  return hit;
}

TEST_CASE("a fault at any operation of a load loses nothing that was acknowledged", "[storage][faults][long]") {
  for (const Trouble& trouble : AllTroubles()) {
    for (std::uint64_t after = FirstPlace(); after != kForever && SweepLoad(trouble, after);) after = NextPlace(after);
  }
}

TEST_CASE("a fault at any operation of a start refuses it or is survived, and the next start has everything",
          "[storage][faults][long]") {
  BadLuck luck;
  luck.Open();
  luck.Commit(60);
  MustSucceed(luck.store->Flush());
  luck.Commit(30);
  MustSucceed(luck.store->RunMaintenance(luck.clock.Now()));
  luck.Commit(10);
  luck.files->Kill();
  luck.Close();
  luck.files->Restart(Loss::kNothing);
  for (const Trouble& trouble : AllTroubles()) {
    for (std::uint64_t after = 0; after != kForever; after = NextPlace(after)) {
      INFO(trouble.Text(after));
      const auto files = luck.files->Clone(after);
      const auto env = FaultyFileSystem::NewEnv(files);
      files->Inject({{trouble.op, trouble.kind}, after, trouble.times, trouble.problem});
      if (auto opened = luck.TryOpen(*env)) {
        MustSucceed(luck.Check(**opened));
      } else {
        CHECK(!opened.error().message.empty());
        CHECK(opened.error().code != Code::kInternal);
      }
      const bool hit = files->hits() > 0;
      files->Heal();
      const auto opened = MustHave(luck.TryOpen(*env));
      MustSucceed(luck.Check(*opened));
      CommitWriter writer(*opened, luck.workload, luck.clock);
      MustSucceed(writer.Write(luck.next));
      if (!hit) break;
    }
  }
}

/// Asks for everything in every way and counts the errors; what is answered must be right.
std::size_t AskEverything(BadLuck& luck) {
  std::size_t errors = 0;
  const auto failed = [&](const auto& result) {
    if (result) return false;
    ++errors;
    INFO(result.error().message);
    CHECK((result.error().code == Code::kIo || result.error().code == Code::kCorruption));
    CHECK(!result.error().message.empty());
    return true;
  };
  const auto querier = luck.store->NewQuerier({});
  std::set<std::string> names, metrics_of_host;
  for (const auto& [labels, samples] : luck.expected.series()) {
    if (labels.Get("instance") == "host-1") metrics_of_host.emplace(labels.Get("__name__"));
    std::vector<Matcher> matchers;
    for (const LabelView label : labels) {
      matchers.push_back(Matcher::Equal(std::string(label.name), std::string(label.value)));
      names.emplace(label.name);
    }
    const auto found = querier->Select(matchers);
    if (failed(found)) continue;
    REQUIRE(found->size() == 1);
    storage::Columns got;
    if (failed(ReadSeries(*querier, found->front(), got))) continue;
    std::vector<std::int64_t> times;
    for (const auto& [time, value] : samples) times.push_back(time);
    CHECK(got.times == times);
  }
  if (const auto got = querier->LabelNames({}); !failed(got)) {
    CHECK(*got == std::vector<std::string>(names.begin(), names.end()));
  }
  const Matcher host = Matcher::Equal("instance", "host-1");
  if (const auto got = querier->LabelValues("__name__", std::span(&host, 1)); !failed(got)) {
    CHECK(*got == std::vector<std::string>(metrics_of_host.begin(), metrics_of_host.end()));
  }
  if (const auto got = querier->Select({}); !failed(got)) CHECK(got->size() == luck.expected.series().size());
  return errors;
}

TEST_CASE("a read that fails or lies is an error of that query and never a short answer", "[storage][faults]") {
  const auto problem = GENERATE(Fault::Problem::kIoError, Fault::Problem::kFlippedBit);
  BadLuck luck;
  luck.Open();
  luck.Commit(60);
  MustSucceed(luck.store->Flush());
  std::size_t errors = 0;
  for (std::uint64_t after = 0;; ++after) {  // they are few
    INFO("read number " << after);
    luck.Open();  // with empty caches
    luck.files->Inject({{FileOp::kRead, FileKind::kTable}, after, 1, problem});
    errors += AskEverything(luck);
    const bool hit = luck.files->hits() > 0;
    luck.files->Heal();
    CHECK(AskEverything(luck) == 0);
    if (!hit) break;
  }
  CHECK(errors > 1);
  luck.Close();
}

TEST_CASE("a table file that does not read back is not taken in", "[storage][faults]") {
  const auto problem = GENERATE(Fault::Problem::kIoError, Fault::Problem::kFlippedBit);
  for (std::uint64_t after = 0; after < 12; ++after) {
    INFO("read number " << after);
    BadLuck luck;
    luck.Open();
    luck.Commit(40);
    // From some read of a table on, all fail: also those of a file that is on its way into the database.
    luck.files->Inject({{FileOp::kRead, FileKind::kTable}, after, kForever, problem});
    (void)luck.store->RunMaintenance(luck.clock.Now());
    (void)luck.store->Flush();
    luck.files->Heal();
    for (int i = 0; i < 2; ++i) (void)luck.store->RunMaintenance(luck.clock.Now());
    MustSucceed(luck.Check(*luck.store));
    luck.Commit(10);
    luck.Open();
    MustSucceed(luck.store->Flush());
    MustSucceed(luck.Check(*luck.store));
    Verify(luck);
  }
}

}  // namespace
}  // namespace vedette::test
