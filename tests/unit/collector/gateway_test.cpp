#include "collector/push/gateway/gateway.h"

#include <algorithm>

#include "collector/exposition/protobuf_parser.h"
#include "collector/push/gateway/group_path.h"
#include "core/gzip.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/push_fixture.h"
#include "tests/unit/collector/wire_writer.h"

namespace vedette::collector {
namespace {

namespace wire = test::wire;

class GatewayFixture : public test::PushFixture {
 public:
  explicit GatewayFixture(const PushOptions& options = {}) : PushFixture(options) { Reopen(); }

  void Reopen() { gateway = MustHave(PushGateway::Open(*state, intake, gateway_registry())); }
  /// "" or the error's message.
  std::string Push(std::string_view path, std::string_view body, bool replace = false,
                   std::string_view content_type = {}) {
    const Status status = gateway->Push({path, body, content_type, {}, replace});
    return status ? std::string() : status.error().message;
  }
  /// Every family with its metrics, but for the two times.
  std::string Shown() const {
    std::string out;
    const std::string page = gateway->Page();
    ProtobufParser parser(page);
    for (auto event = parser.Next(); event != ProtobufParser::Event::kEnd; event = parser.Next()) {
      REQUIRE(event != ProtobufParser::Event::kError);
      const ProtobufParser::Family& family = parser.family();
      if (family.name.starts_with("push_")) continue;
      if (event == ProtobufParser::Event::kFamily) {
        out += fmt::format("{} {} '{}'\n", family.name, MetricTypeName(family.type), family.help);
        continue;
      }
      RawLabels labels;
      MustSucceed(AppendProtobufLabels(parser.metric().labels, labels));
      out += " ";
      for (const auto& [name, value] : labels) out += fmt::format(" {}={}", name, value);
      const ProtobufMetric& metric = parser.metric();
      if (family.type == MetricType::kHistogram || family.type == MetricType::kSummary) {
        out += fmt::format(": {}/{}", metric.count, metric.sum);
        for (const auto& point : metric.points) out += fmt::format(" {}:{}", point.bound, point.value);
      } else {
        out += fmt::format(": {}", metric.value);
      }
      out += '\n';
    }
    return out;
  }
  std::string GatewayMetrics() const { return prometheus::TextSerializer().Serialize(registries.back()->Collect()); }

  std::unique_ptr<storage::StateStore> state = storage::NewMemoryStateStore();
  std::vector<std::unique_ptr<prometheus::Registry>> registries;
  std::unique_ptr<PushGateway> gateway;

 private:
  prometheus::Registry& gateway_registry() {
    gateway.reset();
    return *registries.emplace_back(std::make_unique<prometheus::Registry>());
  }
};

std::string PathText(std::string_view path) {
  const auto labels = ParseGroupPath(path);
  if (!labels) return labels.error().message;
  std::string out;
  for (const auto& [name, value] : *labels) out += fmt::format("{}={};", name, value);
  return out;
}

}  // namespace

TEST_CASE("paths name groups as a Pushgateway's do", "[push][gateway]") {
  CHECK(PathText("job/a") == "job=a;");
  CHECK(PathText("job/a/") == "job=a;");
  CHECK(PathText("job/a/z/1/b/2") == "b=2;job=a;z=1;");
  CHECK(PathText("job/a/job/b") == "job=a;");
  CHECK(PathText("job@base64/Zm9v/p@base64/L3Zhcg") == "job=foo;p=/var;");
  CHECK(PathText("job/e/p@base64/=") == "job=e;p=;");
  CHECK(PathText("job@base64/=") == "job name is required");
  CHECK(PathText("job/") == "job name is required");
  CHECK(PathText("job/b/foo") == "odd number of components in label string \"/foo\"");
  CHECK(PathText("job/b/f-oo/x") == "improper label name \"f-oo\"");
  CHECK(PathText("job/b/__foo/x") == "improper label name \"__foo\"");
  CHECK(PathText("job@base64/!!") == "invalid base64 encoding in job name \"!!\": illegal base64 data at input byte 0");
  CHECK(PathText("job/e/p@base64/!!") ==
        "invalid base64 encoding for label p=\"!!\": illegal base64 data at input byte 0");
  CHECK(PathText("job@base64/_w") == "value \"\\xff\" of label job is not UTF-8");
}

TEST_CASE("PUT replaces a group, POST the families that it has", "[push][gateway]") {
  GatewayFixture f;
  CHECK(f.Push("job/a", "# TYPE m counter\n# HELP m hi\nm{x=\"1\"} 1\nm{x=\"2\",instance=\"q\",job=\"no\"} 3\nn 2\n")
            .empty());
  const std::string m = "m counter 'hi'\n  instance= job=a x=1: 1\n  instance=q job=a x=2: 3\n";
  CHECK(f.Shown() == m + "n unknown ''\n  instance= job=a: 2\n");
  CHECK(f.Push("job/a", "n 5\n").empty());
  CHECK(f.Shown() == m + "n unknown ''\n  instance= job=a: 5\n");
  CHECK(f.Push("job/a", "# TYPE n gauge\nn 6\n", true).empty());
  CHECK(f.Shown() == "n gauge ''\n  instance= job=a: 6\n");
  MustSucceed(f.gateway->Delete("job/nothing"));
  MustSucceed(f.gateway->Delete("job/a"));
  CHECK(f.gateway->Page().empty());
}

TEST_CASE("summaries and histograms of the text format", "[push][gateway]") {
  GatewayFixture f;
  CHECK(f.Push("job/a",
               "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
               "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n")
            .empty());
  CHECK(f.Shown() == "h histogram ''\n  instance= job=a: 2/3 1:1 inf:2\ns summary ''\n  instance= job=a: 2/3 0.5:1\n");
}

TEST_CASE("a protobuf push keeps what text has not", "[push][gateway]") {
  GatewayFixture f;
  const std::string pair = wire::Bytes(1, wire::Bytes(1, "x") + wire::Bytes(2, "y"));
  const auto family = [&](std::string_view name, int type, const std::string& metric) {
    const std::string message = wire::Bytes(1, name) + wire::Int(3, type) + wire::Bytes(4, metric);
    return wire::Varint(message.size()) + message;
  };
  const std::string type =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const std::string native = wire::Int(1, 3) + wire::Double(2, 1.5) + wire::SInt(5, 0) + wire::Double(6, 0.001) +
                             wire::Int(7, 1) + wire::Span(12, 0, 1) + wire::SInt(13, 2);
  CHECK(f.Push("job/p",
               family("c", 0, pair + wire::Bytes(3, wire::Double(1, 7))) + family("h", 4, wire::Bytes(7, native)),
               false, type)
            .empty());
  CHECK(f.Shown() == "c counter ''\n  instance= job=p x=y: 7\nh histogram ''\n  instance= job=p: 3/1.5\n");
  CHECK(f.gateway->Page().find(wire::Span(12, 0, 1)) != std::string::npos);
  f.Reopen();
  CHECK(f.gateway->Page().find(wire::Span(12, 0, 1)) != std::string::npos);

  CHECK(f.Push("job/p", family("c", 0, wire::Bytes(3, wire::Double(1, 7)) + wire::Int(6, 5)), false, type)
            .ends_with("pushed metrics must not have timestamps"));
  CHECK(f.Push("job/q", family("d", 0, pair + wire::Bytes(2, wire::Double(1, 7))), false, type)
            .ends_with("collected metric d{x=\"y\"} is not a COUNTER"));
  const std::string odd = wire::Int(1, 9) + wire::Double(6, 0.001) + wire::Span(12, 0, 1) + wire::SInt(13, 2);
  CHECK(f.Push("job/q", family("d", 4, wire::Bytes(7, odd)), false, type).starts_with("histogram \"d\""));
  CHECK_FALSE(f.Push("job/q",
                     "\x7f"
                     "abc",
                     false, type)
                  .empty());
}

TEST_CASE("a push that contradicts leaves the old state and its time", "[push][gateway]") {
  struct Case {
    const char *path, *body, *error;
  };
  const auto c = GENERATE(values<Case>({
      {"job/b", "# TYPE m gauge\nm 1\n", "collected metric \"m\" is not a GAUGE: other groups have it as COUNTER"},
      {"job/b", "z 1\nz 2\n", "collected metric z{job=\"b\"} was collected before with the same name and label values"},
      {"job/b", "z 1 1234\n", "pushed metrics must not have timestamps"},
      {"job/a/instance/q", "# TYPE m counter\nm 1\n",
       "a series of \"m\" was collected before with the same name and label values"},
      {"job/b", "h_bucket 1\n",
       "collected metric named \"h_bucket\" collides with previously collected histogram named \"h\""},
      {"job/b", "# TYPE c summary\nc_sum 1\n",
       "collected histogram or summary named \"c\" collides with previously collected metric named \"c_count\""},
  }));
  INFO(c.body);
  GatewayFixture f;
  CHECK(f.Push("job/a", "# TYPE m counter\nm{instance=\"q\"} 1\n# TYPE h histogram\nh_count 1\nc_count 1\n").empty());
  const std::string before = f.Shown();
  CHECK(f.Push(c.path, c.body) ==
        std::string("pushed metrics are invalid or inconsistent with existing metrics: ") + c.error);
  CHECK(f.Shown() == before);
  const auto groups = f.gateway->Groups();
  REQUIRE(groups.size() == 2);
  const auto is_new = [](const GatewayGroupView& group) { return group.pushed == TimeMs(0); };
  const auto refused = std::ranges::find_if(groups, is_new);
  REQUIRE(refused != groups.end());
  CHECK(refused->failed == f.start);
  CHECK(f.GatewayMetrics().find("refused_total{reason=\"inconsistent\"} 1") != std::string::npos);
  // Nobody stands in the way of what replaces itself.
  MustSucceed(f.gateway->Delete("job/a"));
  CHECK((f.Push(c.path, c.body).empty() || std::string_view(c.body).starts_with("z")));
}

TEST_CASE("what cannot be read changes nothing", "[push][gateway]") {
  GatewayFixture f;
  CHECK(f.Push("job/b", "z{ 1\n").starts_with("text format parsing error in line 1: "));
  CHECK(f.Push("job/b", "z 1").starts_with("text format parsing error in line 1: unexpected end"));
  CHECK_FALSE(f.Push("job/b", "z{a=\"\xff\"} 1\n").empty());
  CHECK(f.gateway->Push({"job/b", "z 1\n", {}, "gzip", false}).error().code == Code::kBadData);
  MustSucceed(f.gateway->Push({"job/g", Compress("z 1\n", ZFormat::kGzip, 6), {}, "gzip", false}));
  CHECK(f.Shown() == "z unknown ''\n  instance= job=g: 1\n");
}

TEST_CASE("groups come back as they were", "[push][gateway]") {
  GatewayFixture f;
  CHECK(f.Push("job/a/p@base64/", "m 1\n# TYPE push_time_seconds gauge\npush_time_seconds 1\n").empty());
  CHECK(f.Push("job/b", "# HELP m other\nm{x=\"1\"} 2\n").empty());
  CHECK_FALSE(f.Push("job/b", "m 1 5\n").empty());
  const std::string before = f.gateway->Page();
  f.Reopen();
  CHECK(f.gateway->Page() == before);
  CHECK_FALSE(f.Push("job/c", "# TYPE m counter\nm 1\n").empty());
  MustSucceed(f.gateway->Wipe());
  f.Reopen();
  CHECK(f.gateway->Page().empty());
}

TEST_CASE("groups are bounded", "[push][gateway]") {
  PushOptions options;
  options.pushgateway_max_groups = 2;
  options.pushgateway_max_group_bytes = 2000;
  options.pushgateway_max_bytes = 2500;
  GatewayFixture f(options);
  CHECK(f.Push("job/a", "a 1\n").empty());
  CHECK(f.Push("job/a", "a 1\nb 1\nc 1\nd 1\n") == "the metrics take more than 2000 bytes");
  CHECK(f.Push("job/a", std::string(2001, '\n')) == "request of more than 2000 bytes");
  CHECK(f.Push("job/b", "b 1\nc 1\n").empty());
  CHECK(f.Push("job/b", "d 1\ne 1\n").find("the limit is 2000") != std::string::npos);
  CHECK(f.Push("job/" + std::string(1024, 'x'), "c 1\n").starts_with("the labels of a group may take 1024 bytes"));
  CHECK(f.Push("job/c", "c 1\n") == "there are 2 groups already, which is the limit");
  CHECK(f.Push("job/a", "e 1\nf 1\n").find("the limit is 2500") != std::string::npos);
  MustSucceed(f.gateway->Delete("job/b"));
  CHECK(f.Push("job/c", "c 1\n").empty());
  const std::string metrics = f.GatewayMetrics();
  for (const char* reason : {"groups\"} 1", "group_size\"} 4", "size\"} 1"}) {
    CHECK(metrics.find(std::string("refused_total{reason=\"") + reason) != std::string::npos);
  }
  CHECK(metrics.find("vedette_collector_pushgateway_groups 2") != std::string::npos);
}

}  // namespace vedette::collector
