#include "collector/probe/lookups.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace vedette::collector {
namespace {

using boost::asio::ip::address;

std::optional<address> AddressIn(const addrinfo& entry) {
  if (entry.ai_family == AF_INET) {
    boost::asio::ip::address_v4::bytes_type bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(entry.ai_addr)->sin_addr, bytes.size());
    return boost::asio::ip::address_v4(bytes);
  }
  if (entry.ai_family != AF_INET6) return std::nullopt;
  const auto* six = reinterpret_cast<const sockaddr_in6*>(entry.ai_addr);
  boost::asio::ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), &six->sin6_addr, bytes.size());
  return boost::asio::ip::address_v6(bytes, six->sin6_scope_id);
}

LookupReply AskSystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one entry for each address
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  LookupReply reply;
  if (code != 0) {
    reply.problem = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
    return reply;
  }
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (const auto one = AddressIn(*entry)) reply.addresses.push_back(*one);
  }
  ::freeaddrinfo(found);
  return reply;
}

}  // namespace

std::shared_ptr<ProbeLookups> ProbeLookups::Create() { return std::make_shared<ProbeLookups>(AskSystem, Limits()); }

std::uint64_t ProbeLookups::Start(const std::string& host, Done done) {
  const std::lock_guard lock(mutex_);
  if (closed_) return 0;
  const auto known = lookups_.find(host);
  if (known != lookups_.end()) {
    known->second.waiters.emplace(++last_ticket_, std::move(done));
    return last_ticket_;
  }
  if (lookups_.size() >= limits_.names || !NeedThread()) return 0;
  lookups_[host].waiters.emplace(++last_ticket_, std::move(done));
  waiting_.push_back(host);
  return last_ticket_;
}

/// False: nobody will come to work. Under the mutex.
bool ProbeLookups::NeedThread() {
  if (threads_ >= limits_.threads) return true;
  try {
    // Detached: what hangs in the resolver must not keep the agent from stopping.
    std::thread([self = shared_from_this()] { self->Work(); }).detach();
    ++threads_;
  } catch (const std::system_error&) {  // the system has no more of them
  }
  return threads_ > 0;
}

void ProbeLookups::Work() {
  std::unique_lock lock(mutex_);
  while (!waiting_.empty()) {
    const std::string host = std::move(waiting_.front());
    waiting_.pop_front();
    lookups_[host].started = true;
    lock.unlock();
    const LookupReply reply = ask_(host);
    lock.lock();
    const auto lookup = lookups_.extract(host);
    if (lookup.empty()) continue;
    for (const auto& [ticket, done] : lookup.mapped().waiters) done(reply);
  }
  --threads_;
}

void ProbeLookups::Cancel(const std::string& host, std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto lookup = lookups_.find(host);
  if (lookup == lookups_.end() || lookup->second.waiters.erase(ticket) == 0) return;
  if (lookup->second.started || !lookup->second.waiters.empty()) return;
  lookups_.erase(lookup);
  std::erase(waiting_, host);
}

void ProbeLookups::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  waiting_.clear();
  lookups_.clear();
}

}  // namespace vedette::collector
