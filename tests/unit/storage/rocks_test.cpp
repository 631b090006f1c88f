// What is particular to the RocksDB store: refusing to start, retention, eviction, limits, state tables, a full disk.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "storage/rocks/inspect.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/postings_merge.h"
#include "tests/unit/storage/rocks_fixture.h"

namespace vedette::storage {
namespace {

const Labels kUp{{"__name__", "up"}, {"job", "a"}};

/// Changes the database behind the store's back.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path, bool add_family = false) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name :
         {"default", "meta", "series", "index", "chunks", "journal", "state", "blocks", "facts", "tiers", "bundles"}) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    // Without it the replay of RocksDB's log would end, silently, at the first index row.
    for (auto& family : families) family.options.merge_operator = NewPostingsMergeOperator();
    rocksdb::DB* db = nullptr;
    REQUIRE(rocksdb::DB::Open(rocksdb::DBOptions(), path + "/db", families, &handles_, &db).ok());
    db_.reset(db);
    if (add_family) {
      handles_.push_back(nullptr);
      REQUIRE(db_->CreateColumnFamily({}, "of_a_later_release", &handles_.back()).ok());
    }
  }
  ~RawDatabase() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }
  rocksdb::ColumnFamilyHandle* Family(const std::string& name) {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle->GetName() == name) return handle;
    }
    return nullptr;
  }
  void Put(const std::string& family, const std::string& key, const std::string& value) {
    REQUIRE(db_->Put({}, Family(family), key, value).ok());
  }
  std::string FirstKey(const std::string& family) {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, Family(family)));
    at->SeekToFirst();
    return at->Valid() ? at->key().ToString() : "";
  }
  void Drop(const std::string& family) { REQUIRE(db_->DropColumnFamily(Family(family)).ok()); }
  void Delete(const std::string& family, const std::string& key) { REQUIRE(db_->Delete({}, Family(family), key).ok()); }

 private:
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::unique_ptr<rocksdb::DB> db_;
};

void CheckRefused(RocksFixture& fixture, Code code, const std::vector<std::string>& parts) {
  const auto opened = fixture.TryOpen();
  REQUIRE(!opened);
  INFO(opened.error().message);
  CHECK(opened.error().code == code);
  for (const std::string& part : parts) CHECK(opened.error().message.find(part) != std::string::npos);
}

TEST_CASE("a directory in use, of a later format or without rights is refused with the reason", "[storage][rocks]") {
  RocksFixture fixture;
  SECTION("in use") {
    fixture.Open();
    CheckRefused(fixture, Code::kUnavailable, {fixture.options.path, "in use by another process"});
  }
  SECTION("later format, with families this program does not know") {
    fixture.Open();
    fixture.store.reset();
    RawDatabase(fixture.options.path, true).Put("meta", "format_version", std::string("\0\0\0\0\0\0\0\x09", 8));
    CheckRefused(fixture, Code::kBadData, {fixture.options.path, "version 9", "newer than 4"});
  }
  SECTION("no rights") {
    fixture.options.path = fixture.dir.Write("file", "not a directory") + "/data";
    CheckRefused(fixture, Code::kIo, {fixture.options.path});
  }
  SECTION("bad options") {
    fixture.options.chunk_samples = 0;
    CheckRefused(fixture, Code::kBadData, {"chunk_samples"});
  }
}

TEST_CASE("a directory of format version 2 is opened and becomes version 4", "[storage][rocks]") {
  RocksFixture fixture;
  const SeriesId id = AppendOne(fixture.Open(), kUp, fixture.clock.Now(), 1);
  fixture.store.reset();
  {
    RawDatabase raw(fixture.options.path);
    raw.Drop("facts");
    raw.Drop("tiers");
    raw.Drop("bundles");
    raw.Put("meta", "format_version", std::string("\0\0\0\0\0\0\0\x02", 8));
  }
  CHECK(ReadAll(fixture.Open(), id).values == std::vector<double>{1});
  fixture.store.reset();
  CHECK(MustHave(InspectStore(fixture.options.path)).format_version == 4);
}

TEST_CASE("damaged rows are named, and nothing is read past them", "[storage][rocks]") {
  RocksFixture fixture;
  const SeriesId id = AppendOne(fixture.Open(), kUp, fixture.clock.Now(), 1);
  SECTION("journal record") {
    fixture.store.reset();
    {
      RawDatabase raw(fixture.options.path);
      raw.Put("journal", raw.FirstKey("journal"), "\x01\xff\xff");
    }
    CheckRefused(fixture, Code::kCorruption, {"journal record 1.0"});
  }
  SECTION("series definition gone") {
    fixture.store.reset();
    {
      RawDatabase raw(fixture.options.path);
      raw.Delete("series", raw.FirstKey("series"));
    }
    CheckRefused(fixture, Code::kCorruption, {"definition of series 1"});
    Status behind = Ok();
    fixture.tuning.loading_failed = [&](const Error& error) { behind = error; };
    fixture.Open();
    fixture.store.reset();
    REQUIRE(!behind);
    CHECK(behind.error().code == Code::kCorruption);
    CHECK(behind.error().message.find(fixture.options.path + ": definition of series 1") != std::string::npos);
  }
  SECTION("bundle") {
    MustSucceed(fixture.store->Flush());
    fixture.store.reset();
    {
      RawDatabase raw(fixture.options.path);
      raw.Put("bundles", raw.FirstKey("bundles"), "\x01\x0f?");
    }
    const auto querier = fixture.Open().NewQuerier(TimeRange());
    Columns out;
    const Status status = querier->Read(id, TimeRange(), out);
    REQUIRE(!status);
    CHECK(status.error().code == Code::kCorruption);
    CHECK(status.error().message.find("bundle up to series 1, day 2023-11-14") != std::string::npos);
    CHECK(out.size() == 0);
  }
}

TEST_CASE("who comes while labels are read behind a start gets whole answers", "[storage][rocks]") {
  RocksFixture fixture;
  fixture.options.chunk_samples = 120;
  fixture.tuning.journal_samples = 1 << 20;
  RocksStorage& first = fixture.Open();
  const auto label = [](std::size_t i) { return Labels{{"__name__", "up"}, {"instance", std::to_string(i)}}; };
  const auto appender = first.NewAppender();
  constexpr std::size_t kSeries = 3000;
  for (std::size_t i = 0; i < kSeries; ++i) {
    appender->Add(MustHave(appender->Series(label(i))), fixture.clock.Now(), static_cast<double>(i));
    if (i % 1000 == 999) {
      (void)MustHave(appender->Commit());
      if (i == 999) MustSucceed(first.RunMaintenance(fixture.clock.Now()));  // these are in blocks, the rest in records
    }
  }
  fixture.tuning.loading_failed = [](const Error& error) {
    fmt::print(stderr, "{}\n", error.message);
    std::abort();
  };
  fixture.tuning.maintenance_interval = Millis(1);
  for (int round = 0; round < 3; ++round) {
    RocksStorage& store = fixture.Open();
    const std::vector<Matcher> up{Matcher::Equal("__name__", "up")};
    CHECK(MustHave(store.NewQuerier(TimeRange())->Select(up)).size() == kSeries);
    const SeriesId again = AppendOne(store, label(kSeries / 2), fixture.clock.Now() + Millis(round + 1), 1);
    CHECK(ReadAll(store, again).size() == static_cast<std::size_t>(round) + 2);
    CHECK(store.Stats(1).head_series == kSeries);
  }
}

TEST_CASE("days beyond the retention go, with the series that have nothing else", "[storage][rocks]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24 * 3);
  RocksStorage& store = fixture.Open();
  const Labels gone{{"__name__", "gone"}};
  const SeriesId id = AppendOne(store, kUp, fixture.clock.Now(), 1);
  AppendOne(store, gone, fixture.clock.Now(), 2);
  {
    const auto appender = store.NewAppender();
    appender->Add(id, TimeMs(0), 1);
    appender->Add(id, fixture.clock.Now() + std::chrono::hours(1), 1);
    const AppendOutcome outcome = MustHave(appender->Commit());
    CHECK(outcome.too_old == 1);
    CHECK(outcome.too_new == 1);
  }
  for (int day = 0; day < 5; ++day) {
    fixture.clock.Advance(std::chrono::hours(24));
    AppendOne(store, kUp, fixture.clock.Now(), day);
    MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  }
  const auto found = MustHave(store.NewQuerier(TimeRange())->Select({}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].labels == kUp);
  CHECK(ReadAll(store, id).size() == 4);
  CHECK(MustHave(store.NewQuerier(TimeRange())->LabelValues("__name__", {})) == std::vector<std::string>{"up"});

  // The forgotten id is not given again, also not after a restart.
  fixture.clock.Advance(std::chrono::hours(24 * 9));
  AppendOne(fixture.Open(), kUp, fixture.clock.Now(), 9);
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  const SeriesId again = AppendOne(fixture.Open(), gone, fixture.clock.Now(), 3);
  CHECK(static_cast<std::uint64_t>(again) > 2);
}

TEST_CASE("an evicted series comes back by id and by labels with its samples", "[storage][rocks]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const SeriesId by_id = AppendOne(store, kUp, fixture.clock.Now(), 1);
  const Labels other{{"__name__", "other"}};
  const SeriesId by_labels = AppendOne(store, other, fixture.clock.Now(), 2);
  const SeriesId never_used = MustHave(store.NewAppender()->Series({{"__name__", "named"}}));
  fixture.clock.Advance(std::chrono::hours(2));
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  CHECK(store.Stats(10).head_series == 0);
  CHECK(ReadAll(store, by_id).values == std::vector<double>{1});
  CHECK(MustHave(store.NewQuerier(TimeRange())->Select({})).size() == 2);

  const auto appender = store.NewAppender();
  appender->Add(by_id, fixture.clock.Now(), 3);
  appender->Add(never_used, fixture.clock.Now(), 4);
  appender->Add(SeriesId(999), fixture.clock.Now(), 5);
  CHECK(MustHave(appender->Series(other)) == by_labels);
  const AppendOutcome outcome = MustHave(appender->Commit());
  CHECK(outcome.stored == 2);
  CHECK(outcome.unknown == 1);
  CHECK(ReadAll(store, by_id).values == std::vector<double>{1, 3});
  CHECK(ReadAll(store, never_used).values == std::vector<double>{4});
  CHECK(store.Stats(10).head_series == 3);
}

TEST_CASE("series beyond the limit are refused and counted, known ones go on", "[storage][rocks]") {
  RocksFixture fixture;
  fixture.options.max_series = 2;
  RocksStorage& store = fixture.Open();
  const auto appender = store.NewAppender();
  MustHave(appender->Series({{"a", "1"}}));
  MustHave(appender->Series({{"a", "2"}}));
  CHECK(appender->Series({{"a", "3"}}).error().code == Code::kLimit);
  MustHave(appender->Series({{"a", "1"}}));
  CHECK(appender->Series({}).error().code == Code::kBadData);
  CHECK(appender->Series({{"a", "\xff"}}).error().code == Code::kBadData);
  bool counted = false;
  for (const auto& family : fixture.registry->Collect()) {
    if (family.name != "vedette_storage_refused_total") continue;
    for (const auto& metric : family.metric) {
      counted = counted || (metric.label.at(0).value == "max_series" && metric.counter.value == 1);
    }
  }
  CHECK(counted);
}

TEST_CASE("a store of a hundred years takes samples of 1970", "[storage][rocks]") {
  RocksFixture fixture;
  fixture.options.retention = std::chrono::hours(24 * 365 * 100);
  const SeriesId id = AppendOne(fixture.Open(), kUp, TimeMs(0), 1);
  MustSucceed(fixture.store->Flush());
  MustSucceed(fixture.store->RunMaintenance(fixture.clock.Now()));
  fixture.Open();
  CHECK(ReadAll(*fixture.store, id).times == std::vector<std::int64_t>{0});
  const auto appender = fixture.store->NewAppender({.allow_future = true});
  appender->Add(id, TimeMs::Min(), 1);
  appender->Add(id, TimeMs::Max(), 1);
  const AppendOutcome outcome = MustHave(appender->Commit());
  CHECK(outcome.too_old == 1);
  CHECK(outcome.too_new == 1);
}

TEST_CASE("state tables keep to their table, their order and their batches", "[storage][state]") {
  RocksFixture fixture;
  const auto check = [&](StateStore& state) {
    StateBatch batch;
    batch.Put("outbox", std::string("k\0\xff", 3), "v");
    batch.Put("outbox", "a", "1");
    batch.Put("outbox", "b", "2");
    batch.Put("outbox_2", "a", "other");
    batch.Delete("outbox", "b");
    MustSucceed(state.Write(batch));
    CHECK(MustHave(state.Get("outbox", "a")) == "1");
    CHECK(MustHave(state.Get("outbox", "b")) == std::nullopt);
    std::vector<std::string> keys;
    MustSucceed(state.Scan("outbox", "", [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    CHECK(keys == std::vector<std::string>{"a", std::string("k\0\xff", 3)});
  };
  check(fixture.Open());
  CHECK(MustHave(fixture.Open().Get("outbox", "a")) == "1");
}

TEST_CASE("when the journal is cut, series with few samples are carried along", "[storage][rocks]") {
  RocksFixture fixture;
  RocksStorage* store = &fixture.Open();
  const Labels slow{{"__name__", "slow"}};
  const SeriesId few = AppendOne(*store, slow, fixture.clock.Now() - Millis(500), 0.5);
  AppendOne(*store, slow, fixture.clock.Now() - Millis(900), 7);  // late
  SeriesId many = SeriesId::kNone;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 250; ++i) {
      fixture.clock.Advance(Millis(1));
      many = AppendOne(*store, kUp, fixture.clock.Now(), i);
    }
    MustSucceed(store->RunMaintenance(fixture.clock.Now()));
    fixture.store.reset();
    const std::string first = RawDatabase(fixture.options.path).FirstKey("journal");
    CHECK(first > JournalKey(static_cast<std::uint64_t>(250 * (round + 1)), 0));
    store = &fixture.Open();
    CHECK(store->Stats(1).head_series == 1);
    CHECK(ReadAll(*store, few).values == std::vector<double>{7, 0.5});
    CHECK(ReadAll(*store, many).size() == static_cast<std::size_t>(250 * (round + 1)));
  }
}

TEST_CASE("samples that were carried along are deleted, also when nothing was committed since", "[storage][rocks]") {
  RocksFixture fixture;
  RocksStorage& store = fixture.Open();
  const Labels slow{{"__name__", "slow"}};
  const SeriesId few = AppendOne(store, slow, fixture.clock.Now() - Millis(500), 0.5);
  for (int i = 0; i < 250; ++i) {
    fixture.clock.Advance(Millis(1));
    AppendOne(store, kUp, fixture.clock.Now(), i);
  }
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  const Matcher matcher = Matcher::Equal("__name__", "slow");
  MustSucceed(store.Delete(std::span(&matcher, 1), TimeRange()));
  CHECK(ReadAll(store, few).size() == 0);
  CHECK(ReadAll(fixture.Open(), few).size() == 0);
}

/// A file system whose disk is full when told so.
class FullDisk final : public rocksdb::FileSystemWrapper {
 public:
  FullDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FullDisk"; }
  std::atomic<bool> full{false};

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out,
                                    rocksdb::IODebugContext* context) override {
    if (full) return rocksdb::IOStatus::NoSpace("no space left");
    const rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, out, context);
    if (status.ok()) *out = std::make_unique<File>(std::move(*out), full);
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& file, const std::atomic<bool>& full)
        : FSWritableFileOwnerWrapper(std::move(file)), full_(full) {}
    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (full_) return rocksdb::IOStatus::NoSpace("no space left");
      return FSWritableFileOwnerWrapper::Append(data, options, context);
    }

   private:
    const std::atomic<bool>& full_;
  };
};

TEST_CASE("a full disk refuses samples, loses nothing acknowledged, and goes on when there is room",
          "[storage][rocks]") {
  const auto disk = std::make_shared<FullDisk>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  RocksFixture fixture;
  fixture.tuning.env = env.get();
  fixture.tuning.guard_interval = Millis(0);
  fixture.tuning.free_disk_bytes = [&] { return disk->full ? 0 : std::uint64_t{1} << 30; };
  RocksStorage& store = fixture.Open();
  const SeriesId id = AppendOne(store, kUp, fixture.clock.Now(), 1);
  const auto append = [&](double value) {
    fixture.clock.Advance(Millis(1000));
    const auto appender = store.NewAppender();
    appender->Add(id, fixture.clock.Now(), value);
    return appender->Commit();
  };
  disk->full = true;
  for (int i = 0; i < 3; ++i) {
    const auto refused = append(100);
    REQUIRE(!refused);
    CHECK(refused.error().code == Code::kUnavailable);
    CHECK(refused.error().message.find("full") != std::string::npos);
  }
  StateBatch batch;
  batch.Put("t", "k", "v");
  CHECK(!store.Write(batch));
  (void)store.RunMaintenance(fixture.clock.Now());
  CHECK(ReadAll(store, id).values == std::vector<double>{1});

  disk->full = false;
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  (void)MustHave(append(2));
  CHECK(ReadAll(store, id).values == std::vector<double>{1, 2});
  MustSucceed(store.Flush());
  fixture.Open();
  const Columns kept = ReadAll(*fixture.store, id);
  CHECK(kept.values.front() == 1);
  CHECK(kept.values.back() == 2);
  fixture.store.reset();
}

TEST_CASE("a row that could not be written leaves no trace in those that follow", "[storage][rocks][rows]") {
  RocksFixture fixture;
  fixture.options.chunk_samples = 100;
  const auto disk = std::make_shared<FullDisk>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  fixture.tuning.env = env.get();
  fixture.tuning.guard_interval = Millis(0);
  RocksStorage* store = &fixture.Open();
  std::vector<SeriesId> ids;
  std::map<std::int64_t, double> kept;
  const auto scrape = [&](std::size_t series, double value) {
    fixture.clock.Advance(Millis(1000));
    const auto appender = store->NewAppender();
    while (ids.size() < series) ids.push_back(MustHave(appender->Series({{"i", std::to_string(ids.size())}})));
    std::vector<double> values(ids.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value + static_cast<double>(i);
    appender->AddRow(fixture.clock.Now(), ids, values);
    const auto outcome = appender->Commit();
    if (outcome) kept[fixture.clock.Now().ms] = value;
    return outcome.has_value();
  };
  const auto check = [&] {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const Columns got = ReadAll(*store, ids[i]);
      for (std::size_t n = 0; n < got.size(); ++n) {
        CHECK(got.values[n] == kept[got.times[n]] + static_cast<double>(i));
      }
      if (i < 20) CHECK(got.size() == kept.size());
    }
  };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) CHECK(scrape(20 + static_cast<std::size_t>(round), i * 100));
    disk->full = true;
    // New columns, too: what was said about them in the lost record has to be said again.
    for (int i = 0; i < 3; ++i) CHECK(!scrape(21 + static_cast<std::size_t>(round), i * 7));
    // As the store does every second. The disk says that it has room (a quota would): resuming must not be tried.
    (void)store->RunMaintenance(fixture.clock.Now());
    disk->full = false;
    // A flush of RocksDB's own may have met the full disk, too, and fail the first attempt to resume.
    Status resumed = store->RunMaintenance(fixture.clock.Now());
    for (int i = 0; i < 3 && !resumed; ++i) resumed = store->RunMaintenance(fixture.clock.Now());
    MustSucceed(resumed);
    for (int i = 0; i < 5; ++i) CHECK(scrape(21 + static_cast<std::size_t>(round), i));
    check();
    store = &fixture.Open();
    check();
  }
  fixture.store.reset();
}

TEST_CASE("ingestion stops below the free space that must stay, and starts again by itself", "[storage][rocks]") {
  RocksFixture fixture;
  std::atomic<std::uint64_t> free_bytes{1 << 30};
  fixture.options.min_free_disk_bytes = 1 << 20;
  fixture.tuning.free_disk_bytes = [&] { return free_bytes.load(); };
  RocksStorage& store = fixture.Open();
  const SeriesId id = AppendOne(store, kUp, fixture.clock.Now(), 1);
  free_bytes = 1000;
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  const auto appender = store.NewAppender();
  appender->Add(id, fixture.clock.Now() + Millis(1), 2);
  const auto refused = appender->Commit();
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::kUnavailable);
  CHECK(refused.error().message.find("1000 bytes free") != std::string::npos);
  free_bytes = 1 << 30;
  MustSucceed(store.RunMaintenance(fixture.clock.Now()));
  appender->Add(id, fixture.clock.Now() + Millis(1), 2);
  CHECK(MustHave(appender->Commit()).stored == 1);
}

}  // namespace
TEST_CASE("series read one after another have what each has alone", "[storage]") {
  RocksFixture f;
  RocksStorage& store = f.Open();
  std::mt19937_64 random(11);
  std::vector<SeriesId> ids;
  const TimeMs start = StartOfDay(DayOf(f.clock.Now()));
  for (int i = 0; i < 120; ++i) {
    const auto appender = store.NewAppender();
    const SeriesId id = MustHave(appender->Series({{"__name__", "x"}, {"i", std::to_string(i)}}));
    ids.push_back(id);
    // None, a few, or more rows than are stepped over; over midnight; here and there with a histogram.
    const int samples = i % 7 == 3 ? 0 : i % 11 == 5 ? 300 : static_cast<int>(random() % 30);
    for (int n = 0; n < samples; ++n) {
      appender->Add(id, start + Millis(15'000 * n - 60'000), static_cast<double>(random() % 100));
    }
    if (i % 13 == 1) appender->AddHistogram(id, start + Millis(7), Histogram());
    MustHave(appender->Commit());
  }
  MustSucceed(store.Flush());
  const auto all = store.NewQuerier(TimeRange());
  std::size_t seen = 0;
  const auto check = [&](SeriesId id, TimeRange range) {
    Columns got, expected;
    HistogramColumns got_histograms, expected_histograms;
    MustSucceed(all->ReadMixed(id, range, got, got_histograms));
    MustSucceed(store.NewQuerier(TimeRange())->ReadMixed(id, range, expected, expected_histograms));
    CHECK(got.times == expected.times);
    CHECK(got.values == expected.values);
    CHECK(got_histograms.times == expected_histograms.times);
    seen += got.size() + got_histograms.size();
  };
  const TimeRange late{start + Millis(120'000), start + Millis(900'000)};
  for (const SeriesId id : ids) check(id, TimeRange());
  CHECK(seen > 3000);
  for (const SeriesId id : ids) check(id, late);
  for (std::size_t i = 0; i < ids.size(); i += 3) check(ids[i], TimeRange());
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) check(*id, late);
  std::ranges::shuffle(ids, random);
  for (const SeriesId id : ids) check(id, TimeRange());
}

}  // namespace vedette::storage
