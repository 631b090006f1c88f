// What /etc/resolv.conf says, and which names a name stands for by it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vedette::collector {

struct ResolvConf {
  std::vector<std::string> servers;  // addresses, in the order in which they are asked
  std::vector<std::string> search;   // domains
  unsigned ndots = 1;

  /// `name` alone when it ends in a dot; else with each search domain, and as it is before these when it has at least
  /// `ndots` dots, and after them otherwise. All end in a dot.
  std::vector<std::string> NamesToAsk(std::string_view name) const;
  bool operator==(const ResolvConf&) const = default;
};

/// Lines that make no sense are passed over, as resolvers do.
ResolvConf ParseResolvConf(std::string_view text);

}  // namespace vedette::collector
