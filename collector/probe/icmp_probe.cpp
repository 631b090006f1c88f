// ICMP: one echo request, one reply. Over an unprivileged datagram socket where the kernel lets this process have one
// (net.ipv4.ping_group_range), else over a raw one, for which it takes CAP_NET_RAW.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "collector/host/files.h"
#include "collector/probe/probe_run.h"

namespace vedette::collector {
namespace {

using boost::system::error_code;

constexpr auto kIcmpTuple = net::as_tuple(net::use_awaitable);
constexpr ProbeGauge kIcmpDuration{"probe_icmp_duration_seconds", "Duration of icmp request by phase"};
constexpr ProbeGauge kHopLimit{"probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)"};
constexpr std::string_view kPayload = "Prometheus Blackbox Exporter";
constexpr std::size_t kEchoHeader = 8;

/// A different one for each probe, from a random start.
std::uint16_t NextSequence() {
  static std::atomic<std::uint16_t> sequence{static_cast<std::uint16_t>(std::random_device{}())};
  return ++sequence;
}

/// RFC 1071.
std::uint16_t InternetChecksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = static_cast<unsigned char>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    sum += static_cast<std::uint32_t>(high << 8 | low);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

SocketAddress ToSocketAddress(const net::ip::address& address, socklen_t& size) {
  SocketAddress out{};
  if (address.is_v4()) {
    out.v4.sin_family = AF_INET;
    const auto bytes = address.to_v4().to_bytes();
    std::memcpy(&out.v4.sin_addr, bytes.data(), bytes.size());
    size = sizeof out.v4;
  } else {
    out.v6.sin6_family = AF_INET6;
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&out.v6.sin6_addr, bytes.data(), bytes.size());
    out.v6.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
    size = sizeof out.v6;
  }
  return out;
}

bool SameAddress(const SocketAddress& a, const SocketAddress& b) {
  if (a.any.sa_family != b.any.sa_family) return false;
  if (a.any.sa_family == AF_INET) return a.v4.sin_addr.s_addr == b.v4.sin_addr.s_addr;
  return std::memcmp(&a.v6.sin6_addr, &b.v6.sin6_addr, sizeof a.v6.sin6_addr) == 0;
}

class IcmpRun {
 public:
  IcmpRun(std::shared_ptr<ProbeRun> run, const IcmpProbe& probe, net::ip::address address)
      : run_(std::move(run)), probe_(probe), address_(std::move(address)) {
    target_ = ToSocketAddress(address_, target_size_);
  }

  net::awaitable<bool> Go() {
    const SteadyTime start = std::chrono::steady_clock::now();
    const Status opened = Open();
    if (!opened) {
      run_->log.Error("Error listening to socket", {{"err", opened.error().message}});
      co_return false;
    }
    const std::string request = MakeRequest();
    AddPhase("setup", SecondsBetween(start, std::chrono::steady_clock::now()));
    run_->log.Info("Writing out packet", {{"socket", raw_ ? "raw" : "unprivileged"}});
    const SteadyTime sent = std::chrono::steady_clock::now();
    if (::sendto(socket_.fd(), request.data(), request.size(), 0, &target_.any, target_size_) < 0) {
      run_->log.Error("Error writing to socket", {{"err", std::strerror(errno)}});
      co_return false;
    }
    const bool answered = co_await Await(request);
    if (answered) AddPhase("rtt", SecondsBetween(sent, std::chrono::steady_clock::now()));
    co_return answered;
  }

 private:
  void AddPhase(std::string_view phase, double seconds) {
    run_->metrics.Add(kIcmpDuration, {{"phase", phase}}, seconds);
  }

  Status Open() {
    const int family = address_.is_v4() ? AF_INET : AF_INET6;
    const int protocol = address_.is_v4() ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
    socket_ = FileHandle(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!socket_.is_open()) {
      const int refused = errno;
      raw_ = true;
      socket_ = FileHandle(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
      if (!socket_.is_open()) {
        return Fail(Code::kUnavailable,
                    "no ICMP socket: unprivileged: {} (net.ipv4.ping_group_range must name a group of this process), "
                    "raw: {} (needs CAP_NET_RAW)",
                    std::strerror(refused), std::strerror(errno));
      }
    }
    if (!probe_.source_ip_address.empty()) {
      error_code error;
      const net::ip::address source = net::ip::make_address(probe_.source_ip_address, error);
      if (error) return Fail(Code::kBadData, "error parsing source ip address: {}", probe_.source_ip_address);
      socklen_t size = 0;
      const SocketAddress local = ToSocketAddress(source, size);
      if (::bind(socket_.fd(), &local.any, size) != 0) {
        return Fail(Code::kUnavailable, "cannot bind to {}: {}", probe_.source_ip_address, std::strerror(errno));
      }
    }
    return SetOptions();
  }

  Status SetOptions() {
    const auto set = [this](int level, int option, int value) {
      return ::setsockopt(socket_.fd(), level, option, &value, sizeof value) == 0;
    };
    const bool v4 = address_.is_v4();
    if (probe_.ttl > 0) {
      const bool good = v4 ? set(IPPROTO_IP, IP_TTL, probe_.ttl) : set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, probe_.ttl);
      if (!good) return Fail(Code::kIo, "cannot set the ttl: {}", std::strerror(errno));
    }
    if (probe_.dont_fragment && v4 && !set(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)) {
      return Fail(Code::kIo, "cannot forbid fragments: {}", std::strerror(errno));
    }
    // Without it probe_icmp_reply_hop_limit is missing, no more.
    (void)(v4 ? set(IPPROTO_IP, IP_RECVTTL, 1) : set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
    return Ok();
  }

  /// Type, code, checksum, id, sequence, payload. The kernel puts its own id into datagram sockets' packets and makes
  /// every ICMPv6 checksum.
  std::string MakeRequest() {
    std::string packet(kEchoHeader, '\0');
    packet[0] = static_cast<char>(address_.is_v4() ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const std::uint16_t sequence = NextSequence();
    packet[4] = static_cast<char>(id >> 8);
    packet[5] = static_cast<char>(id & 0xff);
    packet[6] = static_cast<char>(sequence >> 8);
    packet[7] = static_cast<char>(sequence & 0xff);
    std::string payload(kPayload);
    if (probe_.payload_size != 0) payload.resize(probe_.payload_size, '\0');
    packet += payload;
    if (address_.is_v4()) {
      const std::uint16_t checksum = InternetChecksum(packet);
      packet[2] = static_cast<char>(checksum >> 8);
      packet[3] = static_cast<char>(checksum & 0xff);
    }
    return packet;
  }

  /// Waits for the packet that answers `request`; others, which a raw socket sees a lot of, are passed over.
  net::awaitable<bool> Await(const std::string& request) {
    const auto waiter = std::make_shared<net::posix::stream_descriptor>(run_->strand(), ::dup(socket_.fd()));
    run_->OnExpiry([weak = std::weak_ptr(waiter)] {
      error_code ignored;
      if (const auto self = weak.lock()) self->close(ignored);
    });
    run_->log.Info("Waiting for reply packets");
    while (!run_->expired()) {
      const auto [error] = co_await waiter->async_wait(net::posix::stream_descriptor::wait_read, kIcmpTuple);
      if (error) break;
      constexpr int kBurst = 100;  // then let others run
      for (int i = 0; i < kBurst; ++i) {
        const int got = Receive(request);
        if (got > 0) co_return true;
        if (got < 0) break;
      }
    }
    run_->log.Error("Timeout reading from socket", {{"err", "i/o timeout"}});
    co_return false;
  }

  /// 1: the answer; 0: another packet; -1: nothing there.
  int Receive(const std::string& request) {
    std::array<char, 65536> buffer;
    std::array<char, 256> control;
    SocketAddress peer{};
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &peer;
    message.msg_namelen = sizeof peer;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.fd(), &message, MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
    std::string_view packet(buffer.data(), static_cast<std::size_t>(size));
    if (raw_ && address_.is_v4() && !packet.empty()) {
      const std::size_t header = (static_cast<unsigned char>(packet[0]) & 0xfU) * 4;  // the IP header comes along
      packet.remove_prefix(std::min(header, packet.size()));
    }
    if (!SameAddress(peer, target_) || !Answers(packet, request)) return 0;
    NoteHopLimit(message);
    return 1;
  }

  bool Answers(std::string_view packet, const std::string& request) const {
    const auto reply_type = static_cast<char>(address_.is_v4() ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY);
    if (packet.size() != request.size() || packet[0] != reply_type || packet[1] != 0) return false;
    const std::size_t compared = raw_ ? 4 : 6;  // the kernel has put in an id of its own, and watched over it
    return packet.substr(compared) == std::string_view(request).substr(compared);
  }

  void NoteHopLimit(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      const bool ttl = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TTL;
      const bool hops = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT;
      if (!ttl && !hops) continue;
      int value = 0;
      std::memcpy(&value, CMSG_DATA(part), sizeof value);
      run_->metrics.Set(kHopLimit, value);
    }
  }

  std::shared_ptr<ProbeRun> run_;
  const IcmpProbe& probe_;
  net::ip::address address_;
  SocketAddress target_{};
  socklen_t target_size_ = 0;
  FileHandle socket_;
  bool raw_ = false;
};

}  // namespace

net::awaitable<bool> RunIcmpProbe(std::shared_ptr<ProbeRun> run, const IcmpProbe& probe, std::string target) {
  for (const char* phase : {"resolve", "setup", "rtt"}) run->metrics.Set(kIcmpDuration, {{"phase", phase}}, 0);
  double seconds = 0;
  const auto address = co_await run->Resolve(target, probe.ip, seconds);
  if (!address) co_return false;
  run->metrics.Set(kIcmpDuration, {{"phase", "resolve"}}, seconds);
  IcmpRun icmp(run, probe, *address);
  co_return co_await icmp.Go();
}

}  // namespace vedette::collector
