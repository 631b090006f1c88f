// Asks DNS servers, without a thread of its own: c-ares on Asio. c-ares is named in dns_client.cpp only.
// Includes Asio: for .cpp files only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/discovery/discovery_task.h"

namespace vedette::collector {

/// What a server that knows says about a name.
struct DnsReply {
  bool exists = false;
  std::string message;  // the whole answer, when the name exists; it may have no record of the kind
};

/// After Create() on its strand only.
class DnsClient {
 public:
  /// `servers`: addresses, asked in this order until one answers that a name exists or does not. What is no address is
  /// passed over. Errors: kBadData when none is left, kInternal.
  static Result<std::shared_ptr<DnsClient>> Create(const DiscoveryStrand& strand,
                                                   const std::vector<std::string>& servers, std::uint16_t port);
  /// Closes.
  virtual ~DnsClient() = default;

  using Done = std::function<void(Result<DnsReply>)>;
  /// `name` ends in a dot. Answers that do not fit into a datagram are asked for again over TCP. `done` is called once,
  /// maybe before this returns. Errors: kUnavailable when no server gave an answer, kCanceled after Close().
  virtual void Ask(const std::string& name, DnsType type, Done done) = 0;
  /// Ends what is under way.
  virtual void Close() = 0;
};

}  // namespace vedette::collector
