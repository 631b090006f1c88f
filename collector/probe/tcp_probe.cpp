// TCP: connects, perhaps over TLS, and holds the conversation of query_response: a line (or bytes) is waited for, a
// line is sent, TLS is begun.
#include <array>

#include <boost/asio/ssl/error.hpp>

#include "collector/probe/probe_run.h"
#include "collector/probe/tls_facts.h"

namespace vedette::collector {
namespace {

constexpr ProbeGauge kFailedDueToRegex{"probe_failed_due_to_regex", "Indicates if probe failed due to regex"};
constexpr ProbeGauge kFailedDueToBytes{"probe_failed_due_to_bytes", "Indicates if probe failed due to bytes"};
constexpr ProbeGauge kExpectInfo{"probe_expect_info", "Explicit content matched"};
constexpr std::size_t kMaxTalkLineBytes = 64 << 10;
/// Lines that are looked through for one match; a peer may send short lines for ever.
constexpr std::size_t kMaxConversationBytes = 4 << 20;

class Conversation {
 public:
  Conversation(std::shared_ptr<ProbeRun> run, const TcpProbe& probe, std::shared_ptr<ProbeStream> stream,
               std::string host)
      : run_(std::move(run)), probe_(probe), stream_(std::move(stream)), host_(std::move(host)) {}

  net::awaitable<bool> Hold() {
    for (const QueryResponse& step : probe_.query_response) {
      const bool good = co_await Step(step);
      if (!good) co_return false;
    }
    co_return true;
  }

 private:
  net::awaitable<bool> Step(const QueryResponse& step) {
    std::string send = step.send;
    if (step.expect) {
      const bool matched = co_await ExpectLine(step, send);
      if (!matched) co_return false;
    }
    if (!step.expect_bytes.empty()) {
      const bool same = co_await ExpectBytes(step.expect_bytes);
      if (!same) co_return false;
    }
    if (!send.empty()) {
      run_->log.Info("Sending line", {{"line", send}});
      send += '\n';
      const auto [error, size] = co_await stream_->WriteAll(net::buffer(send));
      if (error) {
        run_->log.Error("Failed to send", {{"err", error.message()}});
        co_return false;
      }
    }
    if (step.starttls) co_return co_await StartTls();
    co_return true;
  }

  /// Reads lines until one of them matches. What was captured goes into `send` and the labels.
  net::awaitable<bool> ExpectLine(const QueryResponse& step, std::string& send) {
    std::string line;
    for (std::size_t read = 0;;) {
      const bool more = co_await ReadLine(line);
      if (!more) co_return false;
      read += line.size() + 1;
      run_->log.Info("Read line", {{"line", line}});
      std::vector<std::string> templates{send};
      for (const ProbeLabel& label : step.labels) templates.push_back(label.value);
      if (step.expect->FoundAndExpand(line, templates)) {
        run_->log.Info("Regexp matched", {{"regexp", step.expect->pattern()}, {"line", line}});
        send = templates[0];
        std::vector<LabelView> labels;
        for (std::size_t i = 0; i < step.labels.size(); ++i) labels.push_back({step.labels[i].name, templates[i + 1]});
        if (!labels.empty()) run_->metrics.Set(kExpectInfo, labels, 1);
        run_->metrics.Set(kFailedDueToRegex, 0);
        co_return true;
      }
      if (ended_ || read > kMaxConversationBytes) {
        run_->metrics.Set(kFailedDueToRegex, 1);
        run_->log.Error("Regexp did not match", {{"regexp", step.expect->pattern()}, {"line", line}});
        co_return false;
      }
    }
  }

  /// A line without its break; at the end of the stream what there is. False when reading fails.
  net::awaitable<bool> ReadLine(std::string& line) {
    for (;;) {
      const std::size_t end = received_.find('\n');
      if (end != std::string::npos) {
        line = received_.substr(0, end);
        received_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        co_return true;
      }
      if (ended_) {
        line = std::exchange(received_, {});
        co_return true;
      }
      if (received_.size() > kMaxTalkLineBytes) {
        run_->log.Error("Error reading from connection", {{"err", "token too long"}});
        co_return false;
      }
      const bool good = co_await ReadMore();
      if (!good) co_return false;
    }
  }

  net::awaitable<bool> ReadMore() {
    std::array<char, 4096> buffer;
    const auto [error, size] = co_await stream_->Read(net::buffer(buffer));
    received_.append(buffer.data(), size);
    const bool closed = error == net::error::eof || error == net::ssl::error::stream_truncated;
    ended_ |= closed;
    if (!error || closed) co_return true;
    run_->log.Error("Error reading from connection",
                    {{"err", run_->expired() ? std::string("i/o timeout") : error.message()}});
    co_return false;
  }

  net::awaitable<bool> ExpectBytes(const std::string& expected) {
    while (received_.size() < expected.size() && !ended_) {
      const bool good = co_await ReadMore();
      if (!good) co_return false;
    }
    if (received_.size() < expected.size()) {
      run_->log.Error("Read less data than expected", {{"expected", expected}, {"bytes", received_}});
      co_return false;
    }
    const std::string got = received_.substr(0, expected.size());
    received_.erase(0, expected.size());
    run_->metrics.Set(kFailedDueToBytes, got == expected ? 0 : 1);
    if (got == expected) co_return true;
    run_->log.Error("Bytes did not match", {{"expected", expected}, {"bytes", got}});
    co_return false;
  }

  net::awaitable<bool> StartTls() {
    if (stream_->ssl() != nullptr) {
      run_->log.Error("TLS Handshake (client) failed", {{"err", "the connection is encrypted already"}});
      co_return false;
    }
    received_.clear();  // what came unencrypted must not count as encrypted
    const Status status = co_await stream_->Handshake(*run_, host_);
    if (!status) {
      run_->log.Error("TLS Handshake (client) failed", {{"err", status.error().message}});
      co_return false;
    }
    run_->log.Info("TLS Handshake (client) succeeded.");
    AddTlsFacts(stream_->ssl(), false, run_->metrics);
    co_return true;
  }

  std::shared_ptr<ProbeRun> run_;
  const TcpProbe& probe_;
  std::shared_ptr<ProbeStream> stream_;
  std::string host_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace

net::awaitable<bool> RunTcpProbe(std::shared_ptr<ProbeRun> run, const TcpProbe& probe, std::string target) {
  const auto place = SplitHostPort(target);
  if (!place) {
    run->log.Error("Error splitting target address and port", {{"err", place.error().message}});
    co_return false;
  }
  double seconds = 0;
  const auto address = co_await run->Resolve(place->first, probe.ip, seconds);
  if (!address) co_return false;
  const auto port = ParsePort(place->second);
  if (!port) {
    run->log.Error("Error dialing TCP", {{"err", port.error().message}});
    co_return false;
  }
  const auto stream = ProbeStream::Create(*run);
  const net::ip::tcp::endpoint endpoint(*address, *port);
  const std::string name = probe.tls_config.server_name.empty() ? place->first : probe.tls_config.server_name;
  Status status = co_await stream->Connect(endpoint, probe.source_ip_address);
  if (status && probe.tls) status = co_await stream->Handshake(*run, name);
  if (!status) {
    run->log.Error("Error dialing TCP", {{"err", status.error().message}});
    co_return false;
  }
  run->log.Info("Successfully dialed");
  run->metrics.Set(kFailedDueToRegex, 0);
  run->metrics.Set(kFailedDueToBytes, 0);
  if (probe.tls) AddTlsFacts(stream->ssl(), false, run->metrics);
  Conversation conversation(run, probe, stream, name);
  co_return co_await conversation.Hold();
}

}  // namespace vedette::collector
