// A scripted DNS server on 127.0.0.1, UDP and TCP on one port: answers what a function says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace vedette::test {

struct DnsQuestion {
  std::string name;  // "a.example." in lower case
  int type = 0;
  bool tcp = false;
};

/// Parts of a message.
std::string DnsName(std::string_view name);
std::string DnsU16(unsigned value);
/// One record with the name of the question.
std::string DnsRecord(int type, std::string_view data);

struct DnsAnswer {
  int rcode = 0;
  bool truncated = false;
  std::vector<std::string> records{};
};

class DnsServer {
 public:
  /// Nothing: silence. Called on one of the two threads of the server at a time.
  using Handler = std::function<std::optional<DnsAnswer>(const DnsQuestion&)>;

  explicit DnsServer(Handler handler);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::vector<DnsQuestion> questions() const;

 private:
  void ServeUdp();
  void ServeTcp();
  std::string Answer(std::string_view message, bool tcp);

  const Handler handler_;
  int udp_ = -1, tcp_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<DnsQuestion> questions_;  // guarded by mutex_
  std::thread udp_thread_, tcp_thread_;
};

/// The bytes of an answer to `question`, with the number `id`.
std::string DnsMessage(unsigned id, const DnsQuestion& question, const DnsAnswer& answer);

}  // namespace vedette::test
