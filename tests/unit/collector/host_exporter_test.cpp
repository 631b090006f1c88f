// The host collector beside the real node_exporter of this machine, when it is installed: the same series, the same
// HELP and TYPE, and values that fit between two readings of ours.
#include <array>
#include <cstdio>
#include <future>
#include <map>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/host/host_collector.h"
#include "collector/host/host_reader.h"
#include "core/matcher.h"
#include "core/numbers.h"
#include "tests/support/catch.h"

namespace vedette::collector {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

/// A running node_exporter with our collectors only.
class Exporter {
 public:
  Exporter() : port_(FreePort()) {
    std::vector<std::string> args{"prometheus-node-exporter", "--collector.disable-defaults",
                                  "--web.listen-address=127.0.0.1:" + std::to_string(port_),
                                  "--collector.textfile.directory="};
    for (const HostCollectorInfo& info : HostCollectors()) {
      if (info.on_by_default) args.push_back("--collector." + std::string(info.name));
    }
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    std::array<int, 2> log{};
    if (::pipe(log.data()) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(log[1], STDERR_FILENO);
      ::close(log[0]);
      ::close(log[1]);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(log[1]);
    log_ = ::fdopen(log[0], "r");
  }
  ~Exporter() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      ::waitpid(pid_, nullptr, 0);
    }
    if (log_ != nullptr) std::fclose(log_);
  }
  Exporter(const Exporter&) = delete;

  /// Waits for its line "Listening on"; false when it is not installed or does not start.
  bool Ready() {
    std::array<char, 4096> line;
    while (log_ != nullptr && std::fgets(line.data(), line.size(), log_) != nullptr) {
      const std::string_view text(line.data());
      if (text.find("version=1.5.") != std::string_view::npos) same_version_ = true;
      if (text.find("TLS is disabled") != std::string_view::npos) return true;
    }
    return false;
  }
  /// Debian 12's 1.5, the one whose names we follow; later ones have more series.
  bool same_version() const { return same_version_; }

  std::string Scrape() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = Loopback(port_);
    std::string reply;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      constexpr std::string_view kRequest = "GET /metrics HTTP/1.0\r\n\r\n";
      std::array<char, 65536> buffer;
      ssize_t got = ::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
      while (got > 0) {
        got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got > 0) reply.append(buffer.data(), static_cast<std::size_t>(got));
      }
    }
    ::close(fd);
    return reply.substr(std::min(reply.find("\r\n\r\n"), reply.size()));
  }

 private:
  int port_;
  pid_t pid_ = -1;
  std::FILE* log_ = nullptr;
  bool same_version_ = false;
};

struct Exposition {
  std::map<std::string, double> samples;       // by "name{labels}"
  std::map<std::string, std::string> headers;  // by family: the HELP and TYPE lines
};

Exposition Parse(std::string_view text) {
  Exposition parsed;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end - 1);
    text.remove_prefix(end);
    if (line.starts_with("# ") && line.size() > 7) {
      const std::string_view name = line.substr(7, line.find(' ', 7) - 7);
      if (name.starts_with("node_")) parsed.headers[std::string(name)] += std::string(line) + "\n";
    } else if (line.starts_with("node_") && !line.starts_with("node_exporter_build") &&
               !line.starts_with("node_scrape_collector_duration")) {
      const std::size_t blank = line.rfind(' ');
      parsed.samples[std::string(line.substr(0, blank))] = ParseFloat(line.substr(blank + 1)).value_or(-12345);
    }
  }
  parsed.headers.erase("node_exporter_build_info");
  return parsed;
}

std::string FamilyOf(const std::string& series) { return series.substr(0, series.find('{')); }

/// How far their value may lie outside of our two readings: what moves both ways between readings.
double Slack(const std::string& series, const Exposition& ours) {
  static const Regex busy = *Regex::Compile(
      "node_(load.*|procs_.*|filefd_allocated|entropy_available_bits|sockstat_.*|udp_queues|arp_entries|disk_io_now|"
      "nf_conntrack_entries|timex_.*|netstat_Tcp_CurrEstab|thermal_zone_temp|filesystem_files_free)");
  const std::string family = FamilyOf(series);
  const double value = std::abs(ours.samples.at(series));
  if (family.starts_with("node_memory_")) return 0.05 * ours.samples.at("node_memory_MemTotal_bytes");
  if (family.starts_with("node_filesystem_")) {
    // A file system that cannot be asked (another user's, outside of a chroot) shows its device_error only.
    const auto size = ours.samples.find("node_filesystem_size_bytes" + series.substr(family.size()));
    return size == ours.samples.end() ? 0 : 0.01 * size->second;
  }
  if (family.starts_with("node_cpu_")) return 0.05;  // the kernel extrapolates idle time
  if (busy.Matches(family)) return 64 + 0.5 * value;
  return 1e-9 * value;
}

/// Says when it is asked, and answers when it may.
class SlowHost final : public HostCollector {
 public:
  explicit SlowHost(std::shared_future<void> may_answer) : may_answer_(std::move(may_answer)) {}
  std::string Collect() override {
    if (!std::exchange(asked_, true)) asked.set_value();
    may_answer_.wait();
    return "text";
  }
  std::promise<void> asked;

 private:
  std::shared_future<void> may_answer_;
  bool asked_ = false;
};

TEST_CASE("a host that hangs holds up neither a reload nor a stop", "[host]") {
  std::promise<void> answers, at_once;
  at_once.set_value();
  const auto answered = at_once.get_future().share();
  const auto hung = answers.get_future().share();
  {
    HostReader reader(std::chrono::hours(1));
    CHECK(reader.Read().empty());
    reader.Use(std::make_shared<SlowHost>(answered));
    CHECK(reader.Read() == "text");
    CHECK(reader.Read() == "text");
    const auto slow = std::make_shared<SlowHost>(hung);
    reader.Use(slow);
    auto reading = std::async(std::launch::async, [&reader] { return reader.Read(); });
    slow->asked.get_future().wait();
    reader.Use(std::make_shared<SlowHost>(answered));  // a reload
    CHECK(reader.Read() == "text");
    reader.Stop();
    CHECK(reading.get().empty());
    CHECK(reader.Read().empty());
  }
  HostReader impatient(Millis(1));
  impatient.Use(std::make_shared<SlowHost>(hung));
  CHECK(impatient.Read().empty());
  CHECK(impatient.Read().empty());  // at once
  answers.set_value();
}

TEST_CASE("the host collector agrees with node_exporter", "[host]") {
  Exporter exporter;
  if (!exporter.Ready()) {
    WARN("prometheus-node-exporter is not installed: nothing to compare with");
    return;
  }
  const auto host = MustHave(HostCollector::Open(HostOptions(), SystemClock()));
  host->Collect();
  exporter.Scrape();
  const Exposition before = Parse(host->Collect());
  const Exposition theirs = Parse(exporter.Scrape());
  const Exposition after = Parse(host->Collect());
  REQUIRE(theirs.samples.size() > 200);

  std::size_t compared = 0;
  for (const auto& [series, value] : theirs.samples) {
    const auto low = before.samples.find(series), high = after.samples.find(series);
    if (low == before.samples.end() || high == after.samples.end()) {
      if (exporter.same_version() && low == high) FAIL_CHECK("missing: " << series);
      continue;
    }
    ++compared;
    INFO(series << ": " << low->second << " <= " << value << " <= " << high->second);
    const double slack = Slack(series, after);
    CHECK(value >= std::min(low->second, high->second) - slack);
    CHECK(value <= std::max(low->second, high->second) + slack);
  }
  CHECK(compared > 200);
  if (!exporter.same_version()) return;
  for (const auto& [series, value] : after.samples) {
    if (before.samples.contains(series) && !theirs.samples.contains(series)) FAIL_CHECK("not theirs: " << series);
  }
  for (const auto& [family, header] : after.headers) {
    if (theirs.headers.contains(family)) CHECK(header == theirs.headers.at(family));
  }
}

}  // namespace
}  // namespace vedette::collector
