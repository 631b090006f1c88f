// textfile, cgroup, process_top and systemd: what services tell of themselves and what the kernel knows of them.
#include <array>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/host/dbus.h"
#include "tests/unit/collector/host_fixture.h"

namespace vedette::collector {
namespace {

bool Shows(const std::string& text, const std::string& line) { return text.find(line + "\n") != std::string::npos; }

TEST_CASE("textfile: good files are shown whole, bad ones not at all", "[host]") {
  HostFixture host({"textfile"});
  CHECK(SamplesOf(host.Collect()) == "node_textfile_scrape_error 0\n");
  host.collector.reset();
  host.options.textfile_directory = host.dir.Sub("text");
  host.Write("text/a.prom",
             "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"a\"} 1\n"
             "# TYPE t histogram\nt_bucket{le=\"1\"} 2\nt_bucket{le=\"+Inf\"} 3\nt_sum 4.5\nt_count 3\n");
  host.Write("text/b.prom", "jobs_total{queue=\"b\"} 2\nno_help 7\n");
  host.Write("text/ignored.txt", "x 1\n");
  const auto set_time = [&](const char* name, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 5}};
    REQUIRE(::utimensat(AT_FDCWD, host.dir.Sub(name).c_str(), times, 0) == 0);
  };
  set_time("text/a.prom", 1000);
  set_time("text/b.prom", 2000);
  const std::string a = host.dir.Sub("text") + "/a.prom", b = host.dir.Sub("text") + "/b.prom";
  SECTION("one family from two files of one kind") {
    host.Write("text/b.prom", "# TYPE jobs_total counter\njobs_total{queue=\"b\"} 2\nno_help 7\n");
    set_time("text/b.prom", 2000);
    CHECK(host.Collect() ==
          "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"a\"} 1\njobs_total{queue=\"b\"} "
          "2\n# HELP no_help Metric read from " +
              b + "\n# TYPE no_help untyped\nno_help 7\n# HELP t Metric read from " + a +
              "\n# TYPE t histogram\nt_bucket{le=\"1\"} 2\nt_bucket{le=\"+Inf\"} 3\nt_sum 4.5\nt_count 3\n"
              "# HELP node_textfile_mtime_seconds Unixtime mtime of textfiles successfully read.\n"
              "# TYPE node_textfile_mtime_seconds gauge\nnode_textfile_mtime_seconds{file=\"" +
              a + "\"} 1000\nnode_textfile_mtime_seconds{file=\"" + b +
              "\"} 2000\n# HELP node_textfile_scrape_error 1 if there was an error opening or reading a file, 0 "
              "otherwise\n# TYPE node_textfile_scrape_error gauge\nnode_textfile_scrape_error 0\n");
  }
  SECTION("another type in another file is left out and is an error") {
    const std::string samples = SamplesOf(host.Collect());
    CHECK(Shows(samples, "jobs_total{queue=\"a\"} 1"));
    CHECK(Shows(samples, "no_help 7"));
    CHECK(samples.find("queue=\"b\"") == std::string::npos);
    CHECK(Shows(samples, "node_textfile_scrape_error 1"));
  }
  SECTION("the same series twice counts once") {
    host.Write("text/b.prom", "# TYPE jobs_total counter\njobs_total{queue=\"a\"} 9\n");
    const std::string samples = SamplesOf(host.Collect());
    CHECK(Shows(samples, "jobs_total{queue=\"a\"} 1"));
    CHECK(samples.find("} 9") == std::string::npos);
    CHECK(Shows(samples, "node_textfile_scrape_error 1"));
  }
  SECTION("timestamps, bad syntax, a FIFO") {
    const std::string bad = GENERATE(as<std::string>(), "x 1 1700000000000\n", "x\n", "x 1", "x{a=\"1\" 1\n", "fifo");
    if (bad == "fifo") {
      std::filesystem::remove(b);
      REQUIRE(::mkfifo(b.c_str(), 0600) == 0);
    } else {
      host.Write("text/b.prom", "no_help 7\n" + bad);
    }
    const std::string samples = SamplesOf(host.Collect());
    CHECK(Shows(samples, "jobs_total{queue=\"a\"} 1"));
    CHECK(samples.find("no_help") == std::string::npos);
    CHECK(Shows(samples, "node_textfile_mtime_seconds{file=\"" + a + "\"} 1000"));
    CHECK(samples.find("file=\"" + b) == std::string::npos);
    CHECK(Shows(samples, "node_textfile_scrape_error 1"));
    std::filesystem::remove(b);
    CHECK(Shows(SamplesOf(host.Collect()), "node_textfile_scrape_error 0"));
  }
  SECTION("a directory that is not there; a pattern") {
    host.options.textfile_directory = host.dir.Sub("nowhere");
    CHECK(SamplesOf(host.Collect()) == "node_textfile_scrape_error 1\n");
    host.collector.reset();
    host.options.textfile_directory = host.dir.Sub("te*");
    CHECK(Shows(SamplesOf(host.Collect()), "t_count 3"));
  }
}

TEST_CASE("control groups: bounded, limits only where there are some", "[host]") {
  HostFixture host({"cgroup"});
  host.options.cgroup_max_groups = 2;
  CHECK(host.Collect().empty());
  CHECK(!host.Succeeded("cgroup"));
  host.Write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
  const std::string unit = "sys/fs/cgroup/system.slice/cron.service/";
  host.Write(unit + "cpu.stat",
             "usage_usec 3500000\nuser_usec 2500000\nsystem_usec 1000000\nnr_throttled 4\n"
             "throttled_usec 500000\n");
  host.Write(unit + "memory.current", "4096\n");
  host.Write(unit + "memory.max", "max\n");
  host.Write(unit + "memory.events", "low 0\noom_kill 2\n");
  host.Write(unit + "io.stat",
             "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=0 rios=1\n");
  host.Write(unit + "pids.current", "3\n");
  host.Write(unit + "pids.max", "100\n");
  host.Write(unit + "cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0 total=0\n");
  host.Write("sys/fs/cgroup/system.slice/ssh.service/memory.current", "1\n");
  host.Write("sys/fs/cgroup/system.slice/zzz.service/memory.current", "1\n");
  host.options.cgroup_include = "service$";
  host.collector.reset();
  const std::string samples = SamplesOf(host.Collect());
  const std::string at = "{cgroup=\"/system.slice/cron.service\"";
  CHECK(Shows(samples, "node_cgroup_cpu_seconds_total" + at + ",mode=\"user\"} 2.5"));
  CHECK(Shows(samples, "node_cgroup_cpu_throttled_seconds_total" + at + "} 0.5"));
  CHECK(Shows(samples, "node_cgroup_memory_bytes" + at + "} 4096"));
  CHECK(samples.find("memory_max") == std::string::npos);
  CHECK(Shows(samples, "node_cgroup_memory_events_total" + at + ",event=\"oom_kill\"} 2"));
  CHECK(Shows(samples, "node_cgroup_io_bytes_total" + at + ",operation=\"read\"} 15"));
  CHECK(Shows(samples, "node_cgroup_pids_max" + at + "} 100"));
  CHECK(Shows(samples, "node_cgroup_pressure_waiting_seconds_total" + at + ",resource=\"cpu\"} 1.5"));
  CHECK(samples.find("zzz") == std::string::npos);
  CHECK(Shows(samples, "node_cgroup_skipped 1"));
}

TEST_CASE("top programs: counters add up over processes that come and go", "[host]") {
  HostFixture host({"process_top"});
  host.options.process_top_groups = 1;
  const auto process = [&](int pid, const std::string& comm, int ticks, int rss, int written) {
    host.Write(fmt::format("proc/{}/stat", pid),
               fmt::format("{} ({}) S 1 1 1 0 -1 4194560 0 0 0 0 {} 0 0 0 20 0 2 0 {} 1000 {} 0\n", pid, comm, ticks,
                           pid, rss));
    host.Write(fmt::format("proc/{}/io", pid), fmt::format("rchar: 9\nread_bytes: 0\nwrite_bytes: {}\n", written));
  };
  process(10, "worker) x", 500, 10, 100);
  process(11, "worker) x", 100, 10, 0);
  process(12, "idle", 0, 1, 0);
  host.Collect();
  process(10, "worker) x", 600, 10, 300);  // one second more
  std::filesystem::remove_all(host.dir.Sub("proc/11"));
  process(13, "worker) x", 50, 10, 0);  // new: all of its time counts
  std::string samples = SamplesOf(host.Collect());
  CHECK(Shows(samples, "node_process_top_cpu_seconds_total{comm=\"worker) x\"} 1.5"));
  CHECK(Shows(samples, "node_process_top_written_bytes_total{comm=\"worker) x\"} 200"));
  CHECK(Shows(samples, "node_process_top_processes{comm=\"worker) x\"} 2"));
  CHECK(Shows(samples, "node_process_top_threads{comm=\"worker) x\"} 4"));
  CHECK(samples.find("idle") == std::string::npos);
  CHECK(Shows(samples, "node_process_top_names 2"));
  std::filesystem::remove_all(host.dir.Sub("proc/10"));
  std::filesystem::remove_all(host.dir.Sub("proc/13"));
  samples = SamplesOf(host.Collect());  // it was shown: it stays, and does not go back
  CHECK(Shows(samples, "node_process_top_cpu_seconds_total{comm=\"worker) x\"} 1.5"));
  CHECK(Shows(samples, "node_process_top_processes{comm=\"worker) x\"} 0"));
}

TEST_CASE("top programs: the kernel's workers go by what they do, not by their numbers", "[host]") {
  HostFixture host({"process_top"});
  int pid = 20;
  for (const char* comm : {"kworker/u8:3-ext4-rsv-conversion", "kworker/1:0H-ext4-rsv-conversion", "kworker/0:1+events",
                           "kworker/0:2", "kworker/0:3-", "kworkers"}) {
    host.Write(fmt::format("proc/{}/stat", ++pid),
               fmt::format("{} ({}) S 1 1 1 0 -1 4194560 0 0 0 0 9 0 0 0 20 0 1 0 {} 1000 3 0\n", pid, comm, pid));
  }
  const std::string samples = SamplesOf(host.Collect());
  for (const auto& [name, count] :
       {std::pair("kworker/ext4-rsv-conversion", 2), {"kworker/events", 1}, {"kworker", 2}, {"kworkers", 1}}) {
    CHECK(Shows(samples, fmt::format("node_process_top_processes{{comm=\"{}\"}} {}", name, count)));
  }
  CHECK(Shows(samples, "node_process_top_names 4"));
}

/// Bytes of a D-Bus message, little-endian.
struct Wire {
  std::string bytes;
  void Align(std::size_t n) { bytes.append((n - bytes.size() % n) % n, '\0'); }
  void U32(std::uint32_t v) {
    Align(4);
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(v >> (8 * i) & 0xff);
  }
  void Text(std::string_view v) {
    U32(static_cast<std::uint32_t>(v.size()));
    bytes.append(v).append(1, '\0');
  }
  void Sig(std::string_view v) {
    bytes += static_cast<char>(v.size());
    bytes.append(v).append(1, '\0');
  }
};

std::string DbusAnswer(std::uint32_t serial, const std::string& signature, const std::string& body, char type = 2) {
  Wire out;
  out.bytes = std::string("l") + type + std::string("\0\1", 2);
  out.U32(static_cast<std::uint32_t>(body.size()));
  out.U32(77);
  Wire fields;
  fields.bytes.assign(16, '\0');  // so that alignment counts from the start of the message
  fields.bytes += '\5';
  fields.Sig("u");
  fields.U32(serial);
  fields.Align(8);
  fields.bytes += '\10';
  fields.Sig("g");
  fields.Sig(signature);
  out.U32(static_cast<std::uint32_t>(fields.bytes.size() - 16));
  out.bytes += fields.bytes.substr(16);
  out.Align(8);
  return out.bytes + body;
}

std::string UnitsBody() {
  Wire array;
  array.bytes.assign(8, '\0');
  const std::array<std::array<std::string, 3>, 3> units{{{"cron.service", "loaded", "active"},
                                                         {"bad.service", "loaded", "failed"},
                                                         {"gone.service", "not-found", "inactive"}}};
  for (const auto& [name, load, active] : units) {
    array.Align(8);
    for (const std::string& text :
         {name, std::string("Description"), load, active, std::string("sub"), std::string(), "/unit/" + name}) {
      array.Text(text);
    }
    array.U32(0);
    array.Text("");
    array.Text("/");
  }
  Wire out;
  out.U32(static_cast<std::uint32_t>(array.bytes.size() - 8));
  out.Align(8);
  return out.bytes + array.bytes.substr(8);
}

/// Plays systemd on a socket for one connection.
class FakeSystemd {
 public:
  explicit FakeSystemd(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ok = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(listener_, 4) == 0;
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeSystemd() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  bool ok = false;

 private:
  void Serve() const {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    std::string in;
    std::array<char, 4096> buffer;
    bool begun = false;
    std::uint32_t serial = 0;
    for (ssize_t got = 0; (got = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
      in.append(buffer.data(), static_cast<std::size_t>(got));
      if (!begun && in.find("BEGIN\r\n") != std::string::npos) {
        begun = true;
        in.erase(0, in.find("BEGIN\r\n") + 7);
      } else if (!begun && in.ends_with("\r\n")) {
        Reply(fd, "OK 0123456789\r\n");
      }
      while (begun) {
        const auto message = ParseDbusMessage(in);
        if (!message || !*message) break;
        in.erase(0, (*message)->size);
        Answer(fd, ++serial, (*message)->reply);
      }
    }
    ::close(fd);
  }
  static void Reply(int fd, const std::string& bytes) { (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  static void Answer(int fd, std::uint32_t serial, const DbusReply& call) {
    if (call.body.empty())
      return Reply(fd, DbusAnswer(999, "s", "", 4) + DbusAnswer(serial, "a(ssssssouso)", UnitsBody()));
    const auto contains = [&](const char* text) { return call.body.find(text) != std::string::npos; };
    Wire value;
    value.Sig("s");
    value.Text(contains("Version") ? "252.30-1~deb12u2" : contains("SystemState") ? "degraded" : "notify");
    Reply(fd, DbusAnswer(serial, "v", value.bytes));
  }

  int listener_;
  std::thread thread_;
};

TEST_CASE("systemd: units and their states over D-Bus", "[host]") {
  HostFixture host({"systemd"});
  host.options.systemd_private_path = host.dir.Sub("private");
  host.options.systemd_bus_path = host.dir.Sub("bus");
  CHECK(host.Collect().empty());
  CHECK(!host.Succeeded("systemd"));
  const FakeSystemd fake(host.options.systemd_private_path);
  REQUIRE(fake.ok);
  const std::string samples = SamplesOf(host.Collect());
  CHECK(host.Succeeded("systemd"));
  CHECK(Shows(samples, "node_systemd_unit_state{name=\"cron.service\",state=\"active\",type=\"notify\"} 1"));
  CHECK(Shows(samples, "node_systemd_unit_state{name=\"bad.service\",state=\"failed\",type=\"notify\"} 1"));
  CHECK(Shows(samples, "node_systemd_unit_state{name=\"bad.service\",state=\"active\",type=\"notify\"} 0"));
  CHECK(samples.find("gone.service") == std::string::npos);
  CHECK(Shows(samples, "node_systemd_units{state=\"inactive\"} 1"));
  CHECK(Shows(samples, "node_systemd_system_running 0"));
  CHECK(Shows(samples, "node_systemd_version{version=\"252.30-1~deb12u2\"} 252.3"));
  host.collector.reset();  // closes the connection, so that the fake ends
}

TEST_CASE("D-Bus messages that are cut short or lie about lengths are refused", "[host]") {
  const std::string whole = DbusAnswer(1, "s", std::string("\2\0\0\0hi\0", 7));
  const auto parsed = ParseDbusMessage(whole);
  REQUIRE(parsed.has_value());
  REQUIRE(parsed->has_value());
  CHECK((*parsed)->reply_serial == 1);
  CHECK(MustHave((*parsed)->reply.Reader().String()) == "hi");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto part = ParseDbusMessage(whole.substr(0, size));
    CHECK((!part.has_value() || !part->has_value()));
  }
  std::string lying = whole;
  lying[7] = '\x7f';
  CHECK_FALSE(ParseDbusMessage(lying).has_value());
  CHECK_FALSE(ParseDbusMessage("HTTP/1.1 400 Bad Request\r\n").has_value());
  CHECK_FALSE(DbusReader(std::string("\xff\xff\xff\xff", 4), true).String().has_value());
}

}  // namespace
}  // namespace vedette::collector
