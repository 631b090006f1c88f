// DNS messages (RFC 1035) as far as a probe needs them: a question out, the records of a reply in, and their text as a
// zone file has it. Pure functions; what comes in may be anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

/// Numbers by name, "AAAA" and "IN", "NXDOMAIN"; nothing for an unknown one.
std::optional<std::uint16_t> DnsTypeByName(std::string_view name);
std::optional<std::uint16_t> DnsClassByName(std::string_view name);
std::optional<int> DnsRcodeByName(std::string_view name);
std::string DnsRcodeName(int rcode);

inline constexpr std::uint16_t kDnsTypeSoa = 6;

struct ProbeDnsQuestion {
  std::uint16_t id = 0;
  std::string name;  // with or without the dot at the end
  std::uint16_t type = 1, klass = 1;
  bool recursion = true;
};
/// Errors: kBadData for a name with an empty or too long label.
Result<std::string> EncodeDnsQuery(const ProbeDnsQuestion& question);

struct ProbeDnsRecord {
  std::uint16_t type = 0, klass = 0;
  /// "example.com.\t300\tIN\tA\t192.0.2.1"; types without a form of their own as RFC 3597 writes them.
  std::string text;
  std::uint32_t soa_serial = 0;  // of an SOA
};

struct ProbeDnsReply {
  std::uint16_t id = 0;
  bool is_reply = false;
  int rcode = 0;
  std::vector<ProbeDnsRecord> answer, authority, additional;
};
/// Whether the head says so: what everybody may send is not worth parsing.
bool IsDnsReplyTo(std::uint16_t id, std::string_view message);
/// Errors: kBadData. Cost: linear in the message; names that point at each other in a circle or more than 128 times are
/// refused.
Result<ProbeDnsReply> ParseProbeDnsReply(std::string_view message);

}  // namespace vedette::collector
