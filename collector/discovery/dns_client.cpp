#include "collector/discovery/dns_client.h"

#define CARES_NO_DEPRECATED  // what replaces it is not in Debian 12
#include <ares.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <utility>

namespace vedette::collector {
namespace {

namespace net = boost::asio;

constexpr int kClassInternet = 1;
/// For each server; with TCP after UDP twice.
constexpr int kServerTimeoutMs = 2000;
/// What datagrams may have, in the hope that answers of many records need no TCP.
constexpr int kDatagramBytes = 4096;

class AresClient;

/// A socket of c-ares that Asio watches. c-ares opens and closes it.
struct Watched {
  explicit Watched(const DiscoveryStrand& strand) : descriptor(strand) {}
  ~Watched() { Forget(); }
  /// Before c-ares closes it: its number may soon be another socket's.
  void Forget() {
    if (descriptor.is_open()) descriptor.release();
  }
  net::posix::stream_descriptor descriptor;
  bool wants_read = false, wants_write = false;
  bool reading = false, writing = false;  // a wait is under way
};

class AresClient final : public DnsClient, public std::enable_shared_from_this<AresClient> {
 public:
  explicit AresClient(const DiscoveryStrand& strand) : strand_(strand), timer_(strand) {}
  ~AresClient() override { CloseChannel(); }

  Status Open(const std::vector<std::string>& servers, std::uint16_t port);
  void Ask(const std::string& name, DnsType type, Done done) override;
  void Close() override {
    CloseChannel();
    timer_.cancel();
  }

 private:
  static void OnSocket(void* self, ares_socket_t fd, int readable, int writable);
  static void OnReply(void* done, int status, int timeouts, unsigned char* message, int size);

  void CloseChannel();
  void Wait(ares_socket_t fd, const std::shared_ptr<Watched>& socket);
  void Ready(ares_socket_t fd, const std::shared_ptr<Watched>& socket, bool read);
  void SetTimer();

  const DiscoveryStrand strand_;
  net::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watched>> sockets_;
};

Status AresClient::Open(const std::vector<std::string>& servers, std::uint16_t port) {
  static const int kReady = ares_library_init(ARES_LIB_INIT_ALL);
  if (kReady != ARES_SUCCESS) return Fail(Code::kInternal, "DNS resolver: {}", ares_strerror(kReady));
  ares_options options{};
  options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = kServerTimeoutMs;
  options.tries = 1;
  options.ednspsz = kDatagramBytes;
  options.sock_state_cb = OnSocket;
  options.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  options.qcache_max_ttl = 0;  // discovery wants what is so now
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (const int made = ares_init_options(&channel_, &options, mask); made != ARES_SUCCESS) {
    return Fail(Code::kInternal, "DNS resolver: {}", ares_strerror(made));
  }
  std::string list;
  for (const std::string& server : servers) {
    boost::system::error_code no_address;
    net::ip::make_address(server, no_address);
    // Debian 12's c-ares does not know the zones of link-local addresses.
    if (no_address || server.find('%') != std::string::npos) continue;
    list += (list.empty() ? "" : ",") + JoinHostPort(server, port);
  }
  if (list.empty()) return Fail(Code::kBadData, "there is no usable address of a DNS server");
  if (const int set = ares_set_servers_ports_csv(channel_, list.c_str()); set != ARES_SUCCESS) {
    return Fail(Code::kBadData, "DNS servers {}: {}", list, ares_strerror(set));
  }
  return Ok();
}

void AresClient::Ask(const std::string& name, DnsType type, Done done) {
  if (channel_ == nullptr) return done(Fail(Code::kCanceled, "stopped"));
  auto owned = std::make_unique<Done>(std::move(done));
  ares_query(channel_, name.c_str(), kClassInternet, static_cast<int>(type), OnReply, owned.release());
  SetTimer();
}

void AresClient::OnReply(void* done, int status, int /*timeouts*/, unsigned char* message, int size) {
  const std::unique_ptr<Done> owned(static_cast<Done*>(done));
  switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
      return (*owned)(
          DnsReply{true, std::string(reinterpret_cast<const char*>(message), static_cast<std::size_t>(size))});
    case ARES_ENOTFOUND:
      return (*owned)(DnsReply{});
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return (*owned)(Fail(Code::kCanceled, "stopped"));
    default:
      return (*owned)(Fail(Code::kUnavailable, "no server gave an answer, the last one: {}", ares_strerror(status)));
  }
}

/// Called by c-ares, also in the midst of its own functions: nothing of it is called from here.
void AresClient::OnSocket(void* self, ares_socket_t fd, int readable, int writable) {
  auto& client = *static_cast<AresClient*>(self);
  if (readable == 0 && writable == 0) {
    const auto gone = client.sockets_.extract(fd);
    if (!gone.empty()) gone.mapped()->Forget();
    return;
  }
  auto& socket = client.sockets_[fd];
  if (!socket) {
    socket = std::make_shared<Watched>(client.strand_);
    boost::system::error_code error;
    socket->descriptor.assign(fd, error);
    if (error) return;  // its queries run into their timeout
  }
  socket->wants_read = readable != 0;
  socket->wants_write = writable != 0;
  client.Wait(fd, socket);
}

void AresClient::Wait(ares_socket_t fd, const std::shared_ptr<Watched>& socket) {
  const auto wait = [&](bool wanted, bool& waiting, net::posix::stream_descriptor::wait_type what, bool read) {
    if (!wanted || std::exchange(waiting, true)) return;
    socket->descriptor.async_wait(
        what, [weak = weak_from_this(), fd, socket, read, &waiting](const boost::system::error_code& error) {
          waiting = false;
          const auto self = weak.lock();
          if (!error && self) self->Ready(fd, socket, read);
        });
  };
  wait(socket->wants_read, socket->reading, net::posix::stream_descriptor::wait_read, true);
  wait(socket->wants_write, socket->writing, net::posix::stream_descriptor::wait_write, false);
}

void AresClient::Ready(ares_socket_t fd, const std::shared_ptr<Watched>& socket, bool read) {
  const auto still = [&] {
    const auto found = sockets_.find(fd);
    return channel_ != nullptr && found != sockets_.end() && found->second == socket;
  };
  if (!still()) return;  // closed meanwhile; the number may be another socket's
  ares_process_fd(channel_, read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
  if (still()) Wait(fd, socket);
  SetTimer();
}

void AresClient::SetTimer() {
  if (channel_ == nullptr) return;
  timeval space{};
  const timeval* left = ares_timeout(channel_, nullptr, &space);
  if (left == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left->tv_sec) + std::chrono::microseconds(left->tv_usec));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->channel_ == nullptr) return;
    ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    self->SetTimer();
  });
}

void AresClient::CloseChannel() {
  // The replies that this causes find no channel, so that nobody asks on.
  if (ares_channel channel = std::exchange(channel_, nullptr)) ares_destroy(channel);
  for (const auto& [fd, socket] : sockets_) socket->Forget();
  sockets_.clear();
}

}  // namespace

Result<std::shared_ptr<DnsClient>> DnsClient::Create(const DiscoveryStrand& strand,
                                                     const std::vector<std::string>& servers, std::uint16_t port) {
  auto client = std::make_shared<AresClient>(strand);
  VEDETTE_CHECK(client->Open(servers, port));
  return std::shared_ptr<DnsClient>(std::move(client));
}

}  // namespace vedette::collector
