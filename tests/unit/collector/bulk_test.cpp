// Import and export: what one writes the other reads, in every format; lines in odd places, bad ones, small buffers.
#include "collector/bulk/exporter.h"
#include "collector/bulk/importer.h"
#include "collector/bulk/json_series.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/storage/random_histogram.h"

namespace vedette::collector {
namespace {

struct Store {
  test::FakeClock clock{TimeMs::FromSeconds(1'700'000'000)};
  storage::StorageOptions options = [] {
    storage::StorageOptions out;
    out.retention = Millis(0);
    return out;
  }();
  std::unique_ptr<storage::MemoryStore> store = storage::NewMemoryStorage(options, clock);
};

ImportReport ImportText(storage::MemoryStore& store, BulkFormat format, std::string_view text, std::size_t piece = 7,
                        std::size_t max_buffered = 1000) {
  const auto writer = store.NewBulkWriter();
  Importer importer(*writer, format, max_buffered);
  for (std::size_t at = 0; at < text.size(); at += piece) MustSucceed(importer.Feed(text.substr(at, piece)));
  return MustHave(importer.Finish());
}

std::string ExportText(const storage::Storage& store, BulkFormat format) {
  const auto querier = store.NewQuerier({});
  Exporter exporter = MustHave(Exporter::Start(*querier, {}, format));
  std::string out;
  exporter.Begin(out);
  for (std::size_t i = 0; i < exporter.entries().size(); ++i) MustSucceed(exporter.Append(i, out));
  exporter.End(out);
  return out;
}

constexpr std::string_view kText =
    "a_total{host=\"x\"} 1 1699999000000\n"
    "a_total{host=\"x\"} 2.5 1699999000001\n"
    "b 1e+30 -5\n"
    "{\"c.d\",\"l.x\"=\"q\\\"u\\no\\\\te, comma\"} NaN 0\n"
    "b +Inf 1699999000000\n";

TEST_CASE("what export writes import reads, in every format and cut anywhere", "[bulk]") {
  Store from;
  const ImportReport first = ImportText(*from.store, BulkFormat::kText, kText);
  for (const auto& bad : first.first_bad) FAIL_CHECK(bad.number << ": " << bad.error);
  CHECK(first.samples == 5);
  CHECK(first.series == 3);
  CHECK(first.outcome.stored == 5);
  const std::string all = ExportText(*from.store, BulkFormat::kText);
  for (const BulkFormat format :
       {BulkFormat::kText, BulkFormat::kOpenMetrics, BulkFormat::kJsonLines, BulkFormat::kCsv}) {
    if (format == BulkFormat::kCsv) MustSucceed(from.store->Delete(std::vector{Matcher::Equal("__name__", "c.d")}, {}));
    const std::string text = ExportText(*from.store, format);
    INFO(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, text.size()}) {
      Store to;
      const ImportReport report = ImportText(*to.store, format, text, piece, 2);
      for (const auto& bad : report.first_bad) FAIL_CHECK(bad.number << ": " << bad.error);
      CHECK(ExportText(*to.store, BulkFormat::kText) == ExportText(*from.store, BulkFormat::kText));
    }
  }
}

TEST_CASE("bad lines are numbered and left out, the others are taken", "[bulk]") {
  Store to;
  const ImportReport report = ImportText(*to.store, BulkFormat::kText,
                                         "# HELP a Help.\n"
                                         "# TYPE a counter\n"
                                         "\n"
                                         "a 1 1000\n"
                                         "a 2\n"
                                         "a two 2000\n"
                                         "a{ 3 3000\n"
                                         "a 4 4000 5\n"
                                         "a 5 5000\r\n"
                                         "a 6 6000\n"
                                         "a -7");
  CHECK(report.lines == 11);
  CHECK(report.samples == 3);
  REQUIRE(report.bad_lines == 5);
  std::vector<std::uint64_t> numbers;
  for (const auto& bad : report.first_bad) numbers.push_back(bad.number);
  CHECK(numbers == std::vector<std::uint64_t>{5, 6, 7, 8, 11});
  CHECK(ExportText(*to.store, BulkFormat::kText) == "a{} 1 1000\na{} 5 5000\na{} 6 6000\n");
}

TEST_CASE("series of the same labels written differently are one", "[bulk]") {
  Store to;
  const ImportReport report =
      ImportText(*to.store, BulkFormat::kText, "a{x=\"1\",y=\"2\"} 1 1000\na{y=\"2\", x=\"1\"} 2 2000\n");
  CHECK(report.samples == 2);
  CHECK(ExportText(*to.store, BulkFormat::kText) == "a{x=\"1\",y=\"2\"} 1 1000\na{x=\"1\",y=\"2\"} 2 2000\n");
}

TEST_CASE("JSON lines as VictoriaMetrics writes them", "[bulk]") {
  const JsonSeries series = MustHave(ParseJsonSeries(
      R"({"metric":{"__name__":"up","job":"\u00e4\ud83d\ude00\n"},"values":[1,null,-2.5e-3,"NaN","Infinity"],)"
      R"("timestamps":[1,2,3,4,5]})"));
  CHECK(series.labels.back() == std::pair<std::string, std::string>("job", "\u00e4\U0001F600\n"));
  CHECK(series.samples.times == std::vector<std::int64_t>{1, 3, 4, 5});
  CHECK(series.samples.values[1] == -2.5e-3);
  CHECK(std::isnan(series.samples.values[2]));
  CHECK(std::isinf(series.samples.values[3]));
  for (const char* bad :
       {"", "{", "[]", R"({"metric":{"a":1},"values":[],"timestamps":[]})", R"({"values":[1],"timestamps":[]})",
        R"({"values":[1],"timestamps":[1]} x)", R"({"other":[1]})", R"({"values":[1,],"timestamps":[1,2]})",
        R"({"metric":{"a":"\x"}})", R"({"timestamps":[99999999999999999999]})"}) {
    INFO(bad);
    CHECK(!ParseJsonSeries(bad));
  }
}

TEST_CASE("native histograms go through JSON lines; what a foreign line says of them is checked", "[bulk]") {
  Store from;
  const auto appender = from.store->NewAppender();
  const storage::SeriesId id = MustHave(appender->Series({{"__name__", "latency"}}));
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) appender->AddHistogram(id, TimeMs(i), storage::RandomHistogram(random));
  appender->Add(id, TimeMs(1000), 1);
  CHECK(MustHave(appender->Commit()).stored == 201);
  const std::string text = ExportText(*from.store, BulkFormat::kJsonLines);
  Store to;
  const ImportReport report = ImportText(*to.store, BulkFormat::kJsonLines, text, 1000, 500);
  for (const auto& bad : report.first_bad) FAIL_CHECK(bad.number << ": " << bad.error);
  CHECK(report.outcome.stored == report.samples);
  storage::Columns floats;
  storage::HistogramColumns want, got;
  MustSucceed(from.store->NewQuerier({})->ReadMixed(id, {}, floats, want));
  MustSucceed(to.store->NewQuerier({})->ReadMixed(storage::SeriesId(1), {}, floats, got));
  CHECK(floats.times == std::vector<std::int64_t>{1000, 1000});
  CHECK(got.size() > 150);
  std::size_t at = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (IsStaleHistogram(want.histograms[i])) continue;
    REQUIRE(at < got.size());
    CHECK(got.times[at] == want.times[i]);
    CHECK(SameHistogram(got.histograms[at++], want.histograms[i]));
  }
  CHECK(at == got.size());
  CHECK(ExportText(*from.store, BulkFormat::kText) == "latency{} 1 1000\n");

  const auto line = [](const std::string& histogram) {
    return R"({"metric":{"a":"b"},"histograms":[)" + histogram + R"(],"timestamps":[1]})";
  };
  CHECK(ParseJsonSeries(line(R"({"schema":0,"positive_spans":[1,2],"positive":[1,2]})")).has_value());
  for (const char* bad :
       {R"({"schema":0,"positive_spans":[1,2],"positive":[1]})", R"({"schema":99,"positive_spans":[],"positive":[]})",
        R"({"schema":0,"positive_spans":[1],"positive":[]})", R"({"schema":0,"count":0.5,"integers":true})",
        R"({"positive_spans":[0,2000000000]})", R"({"reset":4})", R"({"what":1})", "1", "{}, {}"}) {
    INFO(bad);
    CHECK(!ParseJsonSeries(line(bad)));
  }
}

TEST_CASE("CSV names its columns; what is missing is said once", "[bulk]") {
  Store to;
  const ImportReport report = ImportText(*to.store, BulkFormat::kCsv,
                                         "__name__,timestamp,job,value\n"
                                         "up,1000,\"a,\"\"b\",1\n"
                                         "up,1000,b\n"
                                         "up,soon,b,1\n"
                                         "up,2000,,3\n");
  CHECK(report.samples == 2);
  CHECK(report.bad_lines == 2);
  CHECK(ExportText(*to.store, BulkFormat::kText) == "up{} 3 2000\nup{job=\"a,\\\"b\"} 1 1000\n");
  Store other;
  CHECK(ImportText(*other.store, BulkFormat::kCsv, "a,b\n1,2\n").bad_lines == 2);
  CHECK(ParseBulkFormat("parquet").error().code == Code::kBadData);
}

}  // namespace
}  // namespace vedette::collector
