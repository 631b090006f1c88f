// DNS: one question over UDP, TCP or TLS, and what of the records in the reply a module finds good or bad.
#include <algorithm>
#include <array>
#include <random>

#include <boost/asio/ip/udp.hpp>

#include "collector/probe/dns_message.h"
#include "collector/probe/probe_run.h"

namespace vedette::collector {
namespace {

using boost::system::error_code;
using net::ip::udp;

constexpr auto kDnsTuple = net::as_tuple(net::use_awaitable);
constexpr ProbeGauge kDnsDuration{"probe_dns_duration_seconds", "Duration of DNS request by phase"};
constexpr ProbeGauge kAnswers{"probe_dns_answer_rrs", "Returns number of entries in the answer resource record list"};
constexpr ProbeGauge kAuthorities{"probe_dns_authority_rrs",
                                  "Returns number of entries in the authority resource record list"};
constexpr ProbeGauge kAdditionals{"probe_dns_additional_rrs",
                                  "Returns number of entries in the additional resource record list"};
constexpr ProbeGauge kQuerySucceeded{"probe_dns_query_succeeded",
                                     "Displays whether or not the query was executed successfully"};
constexpr ProbeGauge kSerial{"probe_dns_serial", "Returns the serial number of the zone"};

class DnsRun {
 public:
  DnsRun(std::shared_ptr<ProbeRun> run, const DnsProbe& probe) : run_(std::move(run)), probe_(probe) {}

  net::awaitable<bool> Go(std::string target) {
    for (const char* phase : {"resolve", "connect", "request"}) AddPhase(phase, 0);
    for (const ProbeGauge& gauge : {kAnswers, kAuthorities, kAdditionals, kQuerySucceeded}) run_->metrics.Set(gauge, 0);
    if (probe_.over_tls && !probe_.tcp) {
      run_->log.Error("Configuration error: Expected transport protocol tcp for DoT", {{"protocol", "udp"}});
      co_return false;
    }
    const auto place = SplitHostPort(target);
    const std::string host = place ? place->first : target;  // without a port: the usual one
    const auto port = ParsePort(place ? place->second : probe_.over_tls ? "853" : "53");
    if (!port) {
      run_->log.Error("Error resolving address", {{"err", port.error().message}});
      co_return false;
    }
    double seconds = 0;
    const auto address = co_await run_->Resolve(host, probe_.ip, seconds);
    if (!address) co_return false;
    AddPhase("resolve", seconds);
    static thread_local std::mt19937 random(std::random_device{}());
    id_ = static_cast<std::uint16_t>(random());
    auto query = EncodeDnsQuery({.id = id_,
                                 .name = probe_.query_name,
                                 .type = probe_.query_type,
                                 .klass = probe_.query_class,
                                 .recursion = probe_.recursion});
    if (!query) {
      run_->log.Error("Error while sending a DNS query", {{"err", query.error().message}});
      co_return false;
    }
    query_ = *std::move(query);
    run_->log.Info("Making DNS query", {{"target", host}, {"query", probe_.query_name}});
    Result<ProbeDnsReply> reply = Fail(Code::kUnavailable, "not asked");
    if (probe_.tcp) {
      const net::ip::tcp::endpoint server(*address, *port);
      reply = co_await OverTcp(server, host);
    } else {
      const udp::endpoint server(*address, *port);
      reply = co_await OverUdp(server);
    }
    if (!reply) {
      run_->log.Error("Error while sending a DNS query",
                      {{"err", run_->expired() ? std::string("i/o timeout") : reply.error().message}});
      co_return false;
    }
    co_return Judge(*reply);
  }

 private:
  void AddPhase(std::string_view phase, double seconds) {
    run_->metrics.Add(kDnsDuration, {{"phase", phase}}, seconds);
  }

  net::awaitable<Result<ProbeDnsReply>> OverUdp(udp::endpoint server) {
    const auto socket = std::make_shared<udp::socket>(run_->strand());
    run_->OnExpiry([weak = std::weak_ptr(socket)] {
      error_code ignored;
      if (const auto self = weak.lock()) self->close(ignored);
    });
    if (run_->expired()) co_return Fail(Code::kUnavailable, "i/o timeout");
    const SteadyTime start = std::chrono::steady_clock::now();
    error_code error;
    socket->open(server.protocol(), error);
    if (!error && !probe_.source_ip_address.empty()) {
      const net::ip::address local = net::ip::make_address(probe_.source_ip_address, error);
      if (!error) socket->bind({local, 0}, error);
    }
    if (!error) socket->connect(server, error);
    if (error) co_return Fail(Code::kUnavailable, "dial udp: {}", error.message());
    const SteadyTime connected = std::chrono::steady_clock::now();
    AddPhase("connect", SecondsBetween(start, connected));
    const auto [send_error, sent] = co_await socket->async_send(net::buffer(query_), kDnsTuple);
    if (send_error) co_return Fail(Code::kUnavailable, "write: {}", send_error.message());
    std::string buffer(65536, '\0');
    constexpr int kMaxStrangers = 1000;  // replies to other questions, or made up by somebody
    for (int i = 0; i < kMaxStrangers; ++i) {
      const auto [error_read, size] = co_await socket->async_receive(net::buffer(buffer), kDnsTuple);
      if (error_read) co_return Fail(Code::kUnavailable, "read: {}", error_read.message());
      const std::string_view message = std::string_view(buffer).substr(0, size);
      if (!IsDnsReplyTo(id_, message)) continue;
      auto reply = ParseProbeDnsReply(message);
      AddPhase("request", SecondsBetween(connected, std::chrono::steady_clock::now()));
      co_return reply;
    }
    co_return Fail(Code::kBadData, "too many replies to other questions");
  }

  net::awaitable<Result<ProbeDnsReply>> OverTcp(net::ip::tcp::endpoint server, std::string host) {
    const SteadyTime start = std::chrono::steady_clock::now();
    const auto stream = ProbeStream::Create(*run_);
    Status status = co_await stream->Connect(server, probe_.source_ip_address);
    if (status && probe_.over_tls) {
      const std::string name = probe_.tls_config.server_name.empty() ? host : probe_.tls_config.server_name;
      status = co_await stream->Handshake(*run_, name);
    }
    if (!status) co_return status.error();
    const SteadyTime connected = std::chrono::steady_clock::now();
    AddPhase("connect", SecondsBetween(start, connected));
    std::string framed;
    framed += static_cast<char>(query_.size() >> 8);
    framed += static_cast<char>(query_.size() & 0xff);
    framed += query_;
    const auto [send_error, sent] = co_await stream->WriteAll(net::buffer(framed));
    if (send_error) co_return Fail(Code::kUnavailable, "write: {}", send_error.message());
    std::string received;
    const auto wanted = [&received]() -> std::size_t {
      if (received.size() < 2) return 2;
      return 2 + (static_cast<std::size_t>(static_cast<unsigned char>(received[0])) << 8 |
                  static_cast<unsigned char>(received[1]));
    };
    while (received.size() < wanted()) {
      std::array<char, 4096> buffer;
      const auto [error, size] = co_await stream->Read(net::buffer(buffer));
      received.append(buffer.data(), size);
      if (error && received.size() < wanted()) co_return Fail(Code::kUnavailable, "read: {}", error.message());
    }
    AddPhase("request", SecondsBetween(connected, std::chrono::steady_clock::now()));
    const std::string_view message = std::string_view(received).substr(2, wanted() - 2);
    if (!IsDnsReplyTo(id_, message)) co_return Fail(Code::kBadData, "id mismatch");
    co_return ParseProbeDnsReply(message);
  }

  bool Judge(const ProbeDnsReply& reply) {
    run_->metrics.Set(kAnswers, static_cast<double>(reply.answer.size()));
    run_->metrics.Set(kAuthorities, static_cast<double>(reply.authority.size()));
    run_->metrics.Set(kAdditionals, static_cast<double>(reply.additional.size()));
    run_->metrics.Set(kQuerySucceeded, 1);
    if (probe_.query_type == kDnsTypeSoa) {
      run_->metrics.Set(kSerial, 0);
      for (const ProbeDnsRecord& record : reply.answer) {
        if (record.type == kDnsTypeSoa) run_->metrics.Set(kSerial, record.soa_serial);
      }
    }
    if (std::ranges::find(probe_.valid_rcodes, reply.rcode) == probe_.valid_rcodes.end()) {
      run_->log.Error("Rcode is not one of the valid rcodes",
                      {{"rcode", std::to_string(reply.rcode)}, {"string_rcode", DnsRcodeName(reply.rcode)}});
      return false;
    }
    return RecordsAreGood("Answer", reply.answer, probe_.answer) &&
           RecordsAreGood("Authority", reply.authority, probe_.authority) &&
           RecordsAreGood("Additional", reply.additional, probe_.additional);
  }

  bool RecordsAreGood(std::string_view section, const std::vector<ProbeDnsRecord>& records,
                      const DnsValidator& wanted) {
    const auto bad = [&](std::string_view message, std::string_view regexp = {}, std::string_view record = {}) {
      run_->log.Error(message, {{"regexp", regexp}, {"rr", record}});
      run_->log.Error(fmt::format("{} RRs validation failed", section));
      return false;
    };
    if (records.empty() && !wanted.fail_if_not_matches.empty()) {
      return bad("fail_if_not_matches_regexp specified but no RRs returned");
    }
    if (records.empty() && !wanted.fail_if_none_matches.empty()) {
      return bad("fail_if_none_matches_regexp specified but no RRs returned");
    }
    bool any = false, all = true;
    for (const ProbeDnsRecord& record : records) {
      run_->log.Info("Validating RR", {{"rr", record.text}});
      for (const SearchRegex& regexp : wanted.fail_if_matches) {
        if (regexp.Found(record.text)) return bad("At least one RR matched regexp", regexp.pattern(), record.text);
      }
      for (const SearchRegex& regexp : wanted.fail_if_all_match) all &= regexp.Found(record.text);
      for (const SearchRegex& regexp : wanted.fail_if_not_matches) {
        if (!regexp.Found(record.text)) {
          return bad("At least one RR did not match regexp", regexp.pattern(), record.text);
        }
      }
      for (const SearchRegex& regexp : wanted.fail_if_none_matches) any |= regexp.Found(record.text);
    }
    // As blackbox_exporter has it: the probe fails when not all match.
    if (!wanted.fail_if_all_match.empty() && !all) return bad("Not all RRs matched regexp");
    if (!wanted.fail_if_none_matches.empty() && !any) return bad("None of the RRs did matched any regexp");
    return true;
  }

  std::shared_ptr<ProbeRun> run_;
  const DnsProbe& probe_;
  std::uint16_t id_ = 0;
  std::string query_;
};

}  // namespace

net::awaitable<bool> RunDnsProbe(std::shared_ptr<ProbeRun> run, const DnsProbe& probe, std::string target) {
  DnsRun dns(std::move(run), probe);
  co_return co_await dns.Go(std::move(target));
}

}  // namespace vedette::collector
