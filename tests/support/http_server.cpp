#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "core/url.h"

namespace vedette::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

SSL_CTX* MakeContext(const Certificate& certificate) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const std::unique_ptr<BIO, decltype(&BIO_free)> cert(BIO_new_mem_buf(certificate.cert_pem.data(), -1), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> key(BIO_new_mem_buf(certificate.key_pem.data(), -1), BIO_free);
  X509* x509 = PEM_read_bio_X509(cert.get(), nullptr, nullptr, nullptr);
  EVP_PKEY* private_key = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
  if (SSL_CTX_use_certificate(context, x509) != 1 || SSL_CTX_use_PrivateKey(context, private_key) != 1) {
    Die("test certificate");
  }
  X509_free(x509);
  EVP_PKEY_free(private_key);
  return context;
}

std::string Serialize(const Reply& reply) {
  if (reply.raw) return *reply.raw;
  std::string out = fmt::format("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n", reply.status,
                                reply.content_length.value_or(reply.body.size()));
  for (const auto& [name, value] : reply.headers) out += fmt::format("{}: {}\r\n", name, value);
  return out + "\r\n" + reply.body;
}

/// Request line and headers out of `head`; enough for the well-formed requests of our own client.
Received ParseHead(std::string_view head) {
  Received out;
  const auto line = head.substr(0, head.find("\r\n"));
  const auto space = line.find(' ');
  out.method = line.substr(0, space);
  out.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  head.remove_prefix(line.size() + 2);
  while (!head.empty()) {
    const auto field = head.substr(0, head.find("\r\n"));
    const auto colon = std::min(field.find(':'), field.size());
    const auto value = field.substr(std::min(colon + 1, field.size()));
    out.headers.emplace_back(field.substr(0, colon),
                             value.substr(std::min(value.find_first_not_of(' '), value.size())));
    head.remove_prefix(std::min(field.size() + 2, head.size()));
  }
  return out;
}

}  // namespace

std::string Received::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

/// Blocking reads and writes on one socket, with or without TLS.
class HttpServer::Connection {
 public:
  Connection(int fd, SSL_CTX* context) : fd_(fd) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd);
    good_ = SSL_accept(ssl_.get()) == 1;
  }

  bool good() const { return good_; }

  bool ReadMore() {
    std::array<char, 16384> piece{};
    const auto got = ssl_ ? SSL_read(ssl_.get(), piece.data(), static_cast<int>(piece.size()))
                          : ::recv(fd_, piece.data(), piece.size(), 0);
    if (got > 0) buffer_.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  std::optional<Received> ReadRequest() {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!ReadMore()) return std::nullopt;
    }
    const auto head_end = buffer_.find("\r\n\r\n") + 4;
    Received request = ParseHead(std::string_view(buffer_).substr(0, head_end - 2));
    const std::size_t length = std::strtoul(request.Header("Content-Length").c_str(), nullptr, 10);
    while (buffer_.size() < head_end + length) {
      if (!ReadMore()) return std::nullopt;
    }
    request.body = buffer_.substr(head_end, length);
    buffer_.erase(0, head_end + length);
    return request;
  }

  bool Write(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ssl_ ? SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()))
                             : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void Leave(After how) {
    if (how == After::kHang) {
      while (ReadMore()) buffer_.clear();
    } else if (how == After::kReset) {
      const linger now{1, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    } else if (ssl_ && good_) {
      SSL_shutdown(ssl_.get());
    }
  }

 private:
  int fd_;
  bool good_ = true;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  std::string buffer_;
};

HttpServer::HttpServer(Handler handler, const std::optional<Certificate>& tls) : handler_(std::move(handler)) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
  if (tls) tls_ = MakeContext(*tls);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, SOMAXCONN) != 0) Die("test server");
  ::getsockname(listener_, generic, &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& handler : handlers_) handler.join();
  ::close(listener_);
  SSL_CTX_free(tls_);
}

HttpServer::HttpServer(Handler handler, const std::string& unix_path) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (unix_path.size() >= sizeof(address.sun_path)) Die("path of a test server's socket");
  unix_path.copy(address.sun_path, unix_path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener_, generic, sizeof(address)) != 0 || ::listen(listener_, SOMAXCONN) != 0) Die("test server");
  acceptor_ = std::thread([this] { Accept(); });
}

std::string HttpServer::Url(std::string_view path) const {
  return fmt::format("{}://127.0.0.1:{}{}", tls_ == nullptr ? "http" : "https", port_, path);
}

std::vector<Received> HttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

bool HttpServer::WaitForRequests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
}

void HttpServer::Accept() {
  for (int number = 0;; ++number) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_.push_back(fd);
    handlers_.emplace_back([this, fd, number] { Serve(fd, number); });
  }
}

void HttpServer::Serve(int fd, int number) {
  {
    Connection connection(fd, tls_);
    while (connection.good()) {
      auto request = connection.ReadRequest();
      if (!request) break;
      request->connection = number;
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(*request);
        arrived_.notify_all();
      }
      const Reply reply = handler_(*request);
      const std::string bytes = Serialize(reply);
      if (!connection.Write(std::string_view(bytes).substr(0, reply.stop_after))) break;
      if (reply.after == After::kKeepAlive) continue;
      connection.Leave(reply.after);
      break;
    }
  }
  const std::scoped_lock lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

}  // namespace vedette::test
