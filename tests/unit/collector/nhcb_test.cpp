// convert_classic_histograms_to_nhcb in the text formats.
#include <limits>

#include "collector/exposition/classic_histogram.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/appender_fixture.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kText =
    "# TYPE h histogram\n"
    "h_bucket{a=\"1\",le=\"1\"} 2\nh_bucket{a=\"1\",le=\"+Inf\"} 5\nh_sum{a=\"1\"} 7.5\nh_count{a=\"1\"} 5\n"
    "h_bucket{a=\"2\",le=\"1\"} 0\nh_bucket{a=\"2\",le=\"+Inf\"} 1\nh_sum{a=\"2\"} 2\nh_count{a=\"2\"} 1\n"
    "# TYPE g gauge\ng 4\n";
constexpr std::string_view kConverted = "h{a=\"1\"} -53/0 5 7.5 0 <1 | 0:2 1:3\nh{a=\"2\"} -53/0 1 2 0 <1 | 0:0 1:1\n";

class ConvertingFixture : public AppenderFixture {
 public:
  ConvertingFixture() { target.histograms.convert_classic = true; }
  std::string Store(std::string_view text, ExpositionFormat format = ExpositionFormat::kText) {
    outcome = Scrape(text, format);
    return outcome.status ? Stored() : outcome.status.error().message;
  }
  ScrapeOutcome outcome;
};

}  // namespace

TEST_CASE("classic histograms of text become native ones", "[nhcb]") {
  ConvertingFixture f;
  for (int i = 0; i < 3; ++i) {
    CHECK(f.Store(kText) == "g 4\n" + std::string(kConverted));
    CHECK(f.outcome.scraped == 3);
    CHECK(f.outcome.added == (i == 0 ? 3 : 0));
  }
  // One goes, the other moves.
  CHECK(f.Store("# TYPE g gauge\ng 4\n# TYPE h histogram\nh_count{a=\"2\"} 1\nh_bucket{a=\"2\",le=\"+Inf\"} 1\n") ==
        "g 4\nh{a=\"1\"} stale histogram\nh{a=\"2\"} -53/0 1 0 0 | 0:1\n");
  CHECK(f.Store(kText) == "g 4\n" + std::string(kConverted));
  CHECK_FALSE(f.Fail(vedette::Fail(Code::kTimeout, "no answer")).status.has_value());
  CHECK(f.Stored() == "g stale\nh{a=\"1\"} stale histogram\nh{a=\"2\"} stale histogram\n");
}

TEST_CASE("with the classic series kept, both are stored", "[nhcb]") {
  ConvertingFixture f;
  f.target.histograms.always_classic = true;
  CHECK(f.Store("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 3\nh_sum 4\n") ==
        "h -53/0 3 4 0 <1 | 0:2 1:1\nh_bucket{le=\"1.0\"} 2\nh_count 3\nh_sum 4\n");
  CHECK(f.outcome.scraped == 4);
  f.target.histograms = {};
  f.appender().Reset();
  CHECK(f.Store("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 3\nh_sum 4\n") ==
        "h stale histogram\nh_bucket{le=\"1.0\"} 2\nh_count 3\nh_sum 4\n");
}

TEST_CASE("only what a TYPE line calls a histogram is converted", "[nhcb]") {
  ConvertingFixture f;
  CHECK(f.Store("h_bucket{le=\"1\"} 2\nh_count 3\n") == "h_bucket{le=\"1\"} 2\nh_count 3\n");
  // The same texts behind another TYPE line, and back.
  CHECK(f.Store("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 3\n") ==
        "h -53/0 3 0 0 <1 | 0:2 1:1\nh_bucket{le=\"1\"} stale\nh_count stale\n");
  CHECK(f.Store("# TYPE h gauge\nh_bucket{le=\"1\"} 2\nh_count 3\n") ==
        "h stale histogram\nh_bucket{le=\"1\"} 2\nh_count 3\n");
  CHECK(
      f.Store("# TYPE other histogram\nh_bucket{le=\"1\"} 2\nh_count 3\n# TYPE h histogram\nh_other 1\nh_bucket 1\n") ==
      "h_bucket 1\nh_bucket{le=\"1\"} 2\nh_count 3\nh_other 1\n");
}

TEST_CASE("a classic histogram that contradicts itself is left out, the rest is stored", "[nhcb]") {
  ConvertingFixture f;
  CHECK(f.Store("# TYPE h histogram\nh_bucket{le=\"1\"} 4\nh_bucket{le=\"2\"} 3\nh_count 4\n# TYPE g gauge\ng 1\n") ==
        "g 1\n");
  CHECK(f.outcome.scraped == 1);
  CHECK(f.Store("# TYPE h histogram\nh_bucket{le=\"2\"} 4.5\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 9\n") ==
        "g stale\nh -53/0 4.5 0 0 <1 <2 | 0:1 1:3.5 2:0 floats\n");
}

TEST_CASE("relabelling, limits and times hold for converted histograms", "[nhcb]") {
  ConvertingFixture f;
  RelabelConfig rule;
  rule.action = RelabelAction::kDrop;
  rule.source_labels = {"a"};
  rule.regex = MustHave(Regex::Compile("2"));
  f.job.metric_relabel_configs = {rule};
  CHECK(f.Store(kText) == "g 4\nh{a=\"1\"} -53/0 5 7.5 0 <1 | 0:2 1:3\n");
  CHECK(f.outcome.scraped == 3);
  CHECK(f.outcome.kept == 2);
  f.job.native_histogram_bucket_limit = 1;
  CHECK(f.Store(kText) == "histogram bucket limit exceeded (limit: 1)");
  f.job.native_histogram_bucket_limit = 0;
  const TimeMs past = f.clock().Now();
  MustSucceed(f.Scrape(fmt::format("# TYPE h histogram\nh_count 1 {0}\nh_bucket{{le=\"1\"}} 1 {0}\n", past.ms)).status);
  CHECK(f.Stored(past).find("h -53/0 1 0 0 <1 | 0:1 1:0\n") != std::string::npos);
}

TEST_CASE("a converted histogram has the exemplars of its buckets that say when they were", "[nhcb]") {
  ConvertingFixture f;
  const std::string_view text =
      "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {t=\"a\"} 0.5 1699999990\n"
      "h_bucket{le=\"2.0\"} 2 # {t=\"untimed\"} 1.5\nh_bucket{le=\"+Inf\"} 3 # {t=\"b\"} 3 1699999980\n"
      "h_count 3\n# EOF\n";
  for (int i = 0; i < 2; ++i)
    CHECK(f.Store(text, ExpositionFormat::kOpenMetrics) == "h -53/0 3 0 0 <1 <2 | 0:1 1:1 2:1\n");
  CHECK(f.Exemplars() == "h {t=\"b\"} 3 -40\nh {t=\"a\"} 0.5 -30\n");
}

TEST_CASE("errors of a conversion are Prometheus'", "[nhcb]") {
  LayoutCache layouts;
  ClassicHistogram classic;
  const auto error = [&] { return classic.Convert(layouts).error().message; };
  classic.SetCount(-1);
  CHECK(error() == "count must be non-negative: count=-1");
  classic.Clear();
  classic.SetBucket(1, -2);
  classic.SetBucket(2, 5);
  CHECK(error() == "bucket count must be non-negative: le=1, count=-2");
  classic.Clear();
  classic.SetBucket(2, 5);
  classic.SetBucket(1, 6);
  CHECK(error() == "count is not cumulative: 6 > 5");
  classic.Clear();
  CHECK(MustHave(classic.Convert(layouts)).counts == std::vector<double>{0});
  classic.Clear();
  for (std::size_t i = 0; i <= kMaxHistogramBuckets; ++i) classic.SetBucket(static_cast<double>(i), 1);
  CHECK(error() == "histogram with more than 16384 buckets");
}

TEST_CASE("equal layouts are one object for as long as they are used", "[nhcb]") {
  LayoutCache layouts;
  HistogramLayout layout;
  layout.positive = {1, 2};
  const auto first = layouts.Share(layout);
  CHECK(layouts.Share(layout) == first);
  layout.negative = {1};
  CHECK(layouts.Share(layout) != first);
  CHECK(layouts.size() == 2);
  layouts.DropUnused();
  CHECK(layouts.Share(layout)->negative.size() == 1);
  layouts.DropUnused();
  CHECK(layouts.size() == 1);
  const auto kept = layouts.Share(layout);
  for (int failed = 0; failed < 3; ++failed) {
    layout.bounds = {static_cast<double>(failed)};
    layouts.Share(layout);
    layouts.DropAdded();
    CHECK(layouts.size() == 1);
  }
  layout.bounds.clear();
  CHECK(layouts.Share(layout) == kept);
}

}  // namespace vedette::collector
