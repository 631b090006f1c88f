#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>

namespace vedette::test {
namespace {

constexpr int kLookEveryMs = 20;  // whether the server is being destroyed

bool Bind(int fd, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::uint16_t PortOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool Readable(int fd, int timeout_ms) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, timeout_ms) > 0;
}

bool ReadAll(int fd, char* out, std::size_t size) {
  while (size > 0) {
    if (!Readable(fd, 1000)) return false;
    const ssize_t got = ::recv(fd, out, size, 0);
    if (got <= 0) return false;
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

unsigned ByteAt(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// The first question of a message that a resolver sent.
DnsQuestion QuestionOf(std::string_view message) {
  DnsQuestion question;
  std::size_t at = 12;
  while (at < message.size() && ByteAt(message, at) != 0) {
    const std::size_t size = ByteAt(message, at);
    for (const char c : message.substr(at + 1, size)) {
      question.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    question.name += '.';
    at += 1 + size;
  }
  if (at + 3 <= message.size())
    question.type = static_cast<int>(ByteAt(message, at + 1) << 8 | ByteAt(message, at + 2));
  return question;
}

}  // namespace

std::string DnsU16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

std::string DnsName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (!label.empty()) out += static_cast<char>(label.size()) + std::string(label);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return out + '\0';
}

std::string DnsRecord(int type, std::string_view data) {
  return DnsU16(0xc00c) + DnsU16(static_cast<unsigned>(type)) + DnsU16(1) + std::string("\0\0\0\x3c", 4) +
         DnsU16(static_cast<unsigned>(data.size())) + std::string(data);
}

std::string DnsMessage(unsigned id, const DnsQuestion& question, const DnsAnswer& answer) {
  const unsigned flags = 0x8180U | (answer.truncated ? 0x200U : 0U) | static_cast<unsigned>(answer.rcode);
  std::string out = DnsU16(id) + DnsU16(flags) + DnsU16(1) + DnsU16(static_cast<unsigned>(answer.records.size())) +
                    DnsU16(0) + DnsU16(0);
  out += DnsName(question.name) + DnsU16(static_cast<unsigned>(question.type)) + DnsU16(1);
  for (const std::string& record : answer.records) out += record;
  return out;
}

DnsServer::DnsServer(Handler handler) : handler_(std::move(handler)) {
  for (int attempt = 0; attempt < 50; ++attempt) {  // until a port is free for both
    udp_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    tcp_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (Bind(tcp_, 0) && Bind(udp_, port_ = PortOf(tcp_)) && ::listen(tcp_, 16) == 0) break;
    ::close(udp_);
    ::close(tcp_);
    udp_ = tcp_ = -1;
  }
  if (udp_ < 0) std::abort();
  udp_thread_ = std::thread([this] { ServeUdp(); });
  tcp_thread_ = std::thread([this] { ServeTcp(); });
}

DnsServer::~DnsServer() {
  stopping_ = true;
  udp_thread_.join();
  tcp_thread_.join();
  ::close(udp_);
  ::close(tcp_);
}

std::vector<DnsQuestion> DnsServer::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

std::string DnsServer::Answer(std::string_view message, bool tcp) {
  if (message.size() < 12) return {};
  DnsQuestion question = QuestionOf(message);
  question.tcp = tcp;
  const std::lock_guard lock(mutex_);
  questions_.push_back(question);
  const auto answer = handler_(question);
  return answer ? DnsMessage(ByteAt(message, 0) << 8 | ByteAt(message, 1), question, *answer) : std::string();
}

void DnsServer::ServeUdp() {
  std::array<char, 4096> buffer{};
  while (!stopping_) {
    if (!Readable(udp_, kLookEveryMs)) continue;
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    const ssize_t got = ::recvfrom(udp_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) continue;
    const std::string answer = Answer({buffer.data(), static_cast<std::size_t>(got)}, false);
    if (!answer.empty()) {
      ::sendto(udp_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
  }
}

void DnsServer::ServeTcp() {
  while (!stopping_) {
    if (!Readable(tcp_, kLookEveryMs)) continue;
    const int peer = ::accept(tcp_, nullptr, nullptr);
    std::array<char, 2> head{};
    while (ReadAll(peer, head.data(), head.size())) {
      std::string message(ByteAt({head.data(), 2}, 0) << 8 | ByteAt({head.data(), 2}, 1), '\0');
      if (!ReadAll(peer, message.data(), message.size())) break;
      std::string answer = Answer(message, true);
      if (answer.empty()) break;
      answer = DnsU16(static_cast<unsigned>(answer.size())) + answer;
      ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    ::close(peer);
  }
}

}  // namespace vedette::test
