#include <atomic>

#include "collector/discovery/dns_targets.h"
#include "collector/discovery/resolv_conf.h"
#include "tests/support/catch.h"
#include "tests/support/dns_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/collector/discovery_fixture.h"

namespace vedette::collector {
namespace {

using namespace std::chrono_literals;
using test::DnsAnswer;
using test::DnsQuestion;
using test::DnsRecord;
using Texts = std::vector<std::string>;

constexpr int kCname = 5;

std::string Srv(unsigned port, std::string_view target) {
  return DnsRecord(33, test::DnsU16(1) + test::DnsU16(2) + test::DnsU16(port) + test::DnsName(target));
}
std::string Ipv4(std::string_view bytes) { return DnsRecord(1, bytes); }

DnsSdConfig DnsConfig(DnsType type, int port = 80) {
  DnsSdConfig config;
  config.names = {"web.example"};
  config.type = type;
  config.port = port;
  config.refresh_interval = 20ms;
  return config;
}

/// The only target of an answer with these records.
Labels TargetOf(DnsType type, std::string record) {
  const DnsQuestion question{"web.example.", static_cast<int>(type), false};
  const auto group = ParseDnsTargets(test::DnsMessage(7, question, {.records = {std::move(record)}}), "web.example",
                                     DnsConfig(type, 81));
  REQUIRE(MustHave(group).targets.size() == 1);
  return group->targets.front();
}

}  // namespace

TEST_CASE("DNS records become targets as Prometheus makes them", "[discovery][dns]") {
  CHECK(TargetOf(DnsType::kA, Ipv4({"\x0a\0\0\x01", 4})) ==
        Labels{{"__address__", "10.0.0.1:81"}, {"__meta_dns_name", "web.example"}});
  CHECK(TargetOf(DnsType::kAaaa, DnsRecord(28, std::string("\xfd") + std::string(14, '\0') + "\x01")) ==
        Labels{{"__address__", "[fd00::1]:81"}, {"__meta_dns_name", "web.example"}});
  CHECK(TargetOf(DnsType::kSrv, Srv(9100, "node.example")) == Labels{{"__address__", "node.example:9100"},
                                                                     {"__meta_dns_name", "web.example"},
                                                                     {"__meta_dns_srv_record_target", "node.example."},
                                                                     {"__meta_dns_srv_record_port", "9100"}});
  CHECK(TargetOf(DnsType::kMx, DnsRecord(15, test::DnsU16(10) + test::DnsName("mail.example"))) ==
        Labels{{"__address__", "mail.example:81"},
               {"__meta_dns_name", "web.example"},
               {"__meta_dns_mx_record_target", "mail.example."}});
  CHECK(TargetOf(DnsType::kNs, DnsRecord(2, "\x02ns\xc0\x10")) ==
        Labels{{"__address__", "ns.example:81"},
               {"__meta_dns_name", "web.example"},
               {"__meta_dns_ns_record_target", "ns.example."}});
}

TEST_CASE("a DNS answer that lies is an error, and what leads to records is passed over", "[discovery][dns]") {
  const DnsQuestion question{"web.example.", 1, false};
  const auto parse = [&](const std::string& message) { return ParseDnsTargets(message, "n", DnsConfig(DnsType::kA)); };
  const std::string good = test::DnsMessage(
      1, question, {.records = {DnsRecord(kCname, test::DnsName("b.example")), Ipv4("abcd"), DnsRecord(16, "text")}});
  CHECK(MustHave(parse(good)).targets.size() == 1);
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parse(good.substr(0, size)).has_value());
  CHECK_FALSE(parse(test::DnsMessage(1, question, {.records = {Ipv4("abc")}})).has_value());
  CHECK_FALSE(
      parse(test::DnsMessage(1, question, {.records = {DnsRecord(2, "\xc0\x29")}})).has_value());  // points at itself
  CHECK_FALSE(parse(test::DnsMessage(1, question, {.records = {DnsRecord(33, "\0\x01")}})).has_value());
  CHECK_FALSE(parse(test::DnsMessage(1, question, {.records = {DnsRecord(2, "\x01")}})).has_value());
}

TEST_CASE("resolv.conf says which names a name stands for", "[discovery][dns]") {
  const ResolvConf conf = ParseResolvConf(
      "# c\n;c\nnameserver 10.0.0.1\nnameserver\tfd00::1 \ndomain x\nsearch a.example b.example.\noptions rotate "
      "ndots:2\nnonsense");
  CHECK(conf.servers == Texts{"10.0.0.1", "fd00::1"});
  CHECK(conf.NamesToAsk("a.b.c") == Texts{"a.b.c.", "a.b.c.a.example.", "a.b.c.b.example."});
  CHECK(conf.NamesToAsk("a.b") == Texts{"a.b.a.example.", "a.b.b.example.", "a.b."});
  CHECK(conf.NamesToAsk("a.") == Texts{"a."});
  CHECK(ParseResolvConf("").NamesToAsk("a.b") == Texts{"a.b."});
  CHECK(ParseResolvConf("options ndots:99").ndots == 15);
  CHECK(ParseResolvConf("options ndots:-1").ndots == 0);
}

TEST_CASE("names are looked up in search domains and by server after server, and keep what they had",
          "[discovery][dns]") {
  std::atomic<int> ill{0};
  const auto serve = [&](const DnsQuestion& question) -> std::optional<DnsAnswer> {
    switch (ill.load()) {
      case 1:
        return DnsAnswer{.rcode = 2};  // SERVFAIL
      case 2:
        return DnsAnswer{.rcode = 5};  // REFUSED
      case 3:
        return DnsAnswer{.records = {Ipv4("x")}};
      default:
        break;
    }
    if (question.name != "web.example.in.example.") return DnsAnswer{.rcode = 3};
    if (ill.load() == 4) return DnsAnswer{};  // it exists, and has no such record
    if (!question.tcp) return DnsAnswer{.truncated = true};
    return DnsAnswer{.records = {Ipv4({"\x7f\0\0\x01", 4}), Ipv4({"\x7f\0\0\x02", 4})}};
  };
  const test::DnsServer server(serve);
  const test::TempDir dir;
  // Nobody listens at the first address: the second is asked.
  const DnsPlace place{dir.Write("resolv.conf",
                                 "nameserver 127.0.0.77\nnameserver bad\nnameserver 127.0.0.1\n"
                                 "search out.example in.example\n"),
                       server.port()};
  DiscoveryFixture f;
  f.Run(NewDnsDiscovery(f.environment(), DnsConfig(DnsType::kA), place));
  REQUIRE(f.WaitForAddresses("127.0.0.1:80 127.0.0.2:80"));
  CHECK(f.groups().at(0).source == "web.example");
  const auto asked = server.questions();
  REQUIRE(asked.size() >= 4);
  CHECK(asked[0].name == "web.example.");
  CHECK(asked[1].name == "web.example.out.example.");
  CHECK(asked[2].name == "web.example.in.example.");
  CHECK(asked[3].tcp);
  CHECK(f.metrics.dns_lookup_failures->Value() == 0);
  for (const int kind : {1, 2, 3}) {
    ill = kind;
    const double before = f.metrics.dns_lookup_failures->Value();
    CHECK(DiscoveryFixture::WaitUntil([&] { return f.metrics.dns_lookup_failures->Value() > before + 1; }));
    CHECK(f.addresses() == "127.0.0.1:80 127.0.0.2:80");
  }
  ill = 0;
  const double before = f.metrics.dns_lookups->Value();
  CHECK(DiscoveryFixture::WaitUntil([&] { return f.metrics.dns_lookups->Value() > before + 2; }));
  ill = 4;
  CHECK(f.WaitForAddresses(""));
}

TEST_CASE("a name that does not exist has no targets, and a silent server keeps nobody waiting", "[discovery][dns]") {
  const test::DnsServer server([](const DnsQuestion& question) -> std::optional<DnsAnswer> {
    if (question.name == "silent.") return std::nullopt;
    if (question.name == "none.") return DnsAnswer{.rcode = 3};
    return DnsAnswer{.records = {Srv(1, "a.example"), Srv(2, "b.example")}};
  });
  const test::TempDir dir;
  const DnsPlace place{dir.Write("resolv.conf", "nameserver 127.0.0.1\n"), server.port()};
  DnsSdConfig config = DnsConfig(DnsType::kSrv);
  config.names = {"none", "some"};
  {
    DiscoveryFixture f;
    f.Run(NewDnsDiscovery(f.environment(), config, place));
    CHECK(f.WaitForAddresses("a.example:1 b.example:2"));
    CHECK(f.groups().size() == 2);
  }
  config.names = {"silent", "some"};
  DiscoveryFixture f;
  f.Run(NewDnsDiscovery(f.environment(), config, place));
  CHECK(DiscoveryFixture::WaitUntil([&] { return !server.questions().empty(); }));
  f.Stop();  // at once, though the server says nothing
}

TEST_CASE("without resolv.conf there are no targets, and a failure", "[discovery][dns]") {
  DiscoveryFixture f;
  f.Run(NewDnsDiscovery(f.environment(), DnsConfig(DnsType::kA), {"/nonexistent/resolv.conf", 53}));
  CHECK(f.WaitForAddresses(""));
  CHECK(f.metrics.dns_lookup_failures->Value() >= 1);
}

}  // namespace vedette::collector
