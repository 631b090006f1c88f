#include "collector/probe/dns_message.h"

#include <array>
#include <span>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace vedette::collector {
namespace {

using Named = std::pair<std::string_view, std::uint16_t>;
constexpr auto kDnsTypes = std::to_array<Named>({
    {"A", 1},        {"NS", 2},          {"MD", 3},        {"MF", 4},      {"CNAME", 5},       {"SOA", 6},
    {"MB", 7},       {"MG", 8},          {"MR", 9},        {"NULL", 10},   {"PTR", 12},        {"HINFO", 13},
    {"MINFO", 14},   {"MX", 15},         {"TXT", 16},      {"RP", 17},     {"AFSDB", 18},      {"X25", 19},
    {"ISDN", 20},    {"RT", 21},         {"NSAP-PTR", 23}, {"SIG", 24},    {"KEY", 25},        {"PX", 26},
    {"GPOS", 27},    {"AAAA", 28},       {"LOC", 29},      {"NXT", 30},    {"EID", 31},        {"NIMLOC", 32},
    {"SRV", 33},     {"ATMA", 34},       {"NAPTR", 35},    {"KX", 36},     {"CERT", 37},       {"DNAME", 39},
    {"OPT", 41},     {"APL", 42},        {"DS", 43},       {"SSHFP", 44},  {"IPSECKEY", 45},   {"RRSIG", 46},
    {"NSEC", 47},    {"DNSKEY", 48},     {"DHCID", 49},    {"NSEC3", 50},  {"NSEC3PARAM", 51}, {"TLSA", 52},
    {"SMIMEA", 53},  {"HIP", 55},        {"NINFO", 56},    {"RKEY", 57},   {"TALINK", 58},     {"CDS", 59},
    {"CDNSKEY", 60}, {"OPENPGPKEY", 61}, {"CSYNC", 62},    {"ZONEMD", 63}, {"SVCB", 64},       {"HTTPS", 65},
    {"SPF", 99},     {"UINFO", 100},     {"UID", 101},     {"GID", 102},   {"UNSPEC", 103},    {"NID", 104},
    {"L32", 105},    {"L64", 106},       {"LP", 107},      {"EUI48", 108}, {"EUI64", 109},     {"TKEY", 249},
    {"TSIG", 250},   {"IXFR", 251},      {"AXFR", 252},    {"MAILB", 253}, {"MAILA", 254},     {"ANY", 255},
    {"URI", 256},    {"CAA", 257},       {"AVC", 258},     {"TA", 32768},  {"DLV", 32769},
});
constexpr auto kDnsClasses =
    std::to_array<Named>({{"IN", 1}, {"CS", 2}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}});
constexpr auto kDnsRcodes = std::to_array<Named>({
    {"NOERROR", 0},  {"FORMERR", 1},   {"SERVFAIL", 2},   {"NXDOMAIN", 3}, {"NOTIMP", 4},   {"REFUSED", 5},
    {"YXDOMAIN", 6}, {"YXRRSET", 7},   {"NXRRSET", 8},    {"NOTAUTH", 9},  {"NOTZONE", 10}, {"DSOTYPENI", 11},
    {"BADSIG", 16},  {"BADVERS", 16},  {"BADKEY", 17},    {"BADTIME", 18}, {"BADMODE", 19}, {"BADNAME", 20},
    {"BADALG", 21},  {"BADTRUNC", 22}, {"BADCOOKIE", 23},
});

std::optional<std::uint16_t> NumberOf(std::span<const Named> table, std::string_view name) {
  for (const auto& [known, number] : table) {
    if (known == name) return number;
  }
  return std::nullopt;
}

std::string NameOf(std::span<const Named> table, std::uint16_t number, std::string_view otherwise) {
  for (const auto& [known, value] : table) {
    if (value == number) return std::string(known);
  }
  return fmt::format("{}{}", otherwise, number);
}

void AppendU16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

/// Bytes that a zone file cannot hold as they are; `special` ones get a backslash.
void AppendEscapedBytes(std::string_view bytes, std::string_view special, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte > '~') {
      out += fmt::format("\\{:03}", byte);
    } else {
      if (special.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
}

class DnsParser {
 public:
  explicit DnsParser(std::string_view message) : message_(message) {}

  Result<ProbeDnsReply> Parse() {
    ProbeDnsReply reply;
    constexpr std::uint16_t kReplyBit = 0x8000, kRcodeMask = 0xf;
    VEDETTE_TRY(reply.id, U16());
    VEDETTE_TRY(const std::uint16_t flags, U16());
    reply.is_reply = (flags & kReplyBit) != 0;
    reply.rcode = flags & kRcodeMask;
    std::array<std::uint16_t, 4> counts{};
    for (std::uint16_t& count : counts) {
      VEDETTE_TRY(count, U16());
    }
    for (int i = 0; i < counts[0]; ++i) {
      std::string ignored;
      VEDETTE_CHECK(Name(ignored));
      VEDETTE_CHECK(U32());  // type and class
    }
    VEDETTE_CHECK(Records(counts[1], reply.answer));
    VEDETTE_CHECK(Records(counts[2], reply.authority));
    VEDETTE_CHECK(Records(counts[3], reply.additional));
    return reply;
  }

 private:
  Status Need(std::size_t count) const {
    if (message_.size() - at_ < count) return Fail(Code::kBadData, "DNS message is cut short");
    return Ok();
  }
  Result<std::uint8_t> U8() {
    VEDETTE_CHECK(Need(1));
    return static_cast<std::uint8_t>(message_[at_++]);
  }
  Result<std::uint16_t> U16() {
    VEDETTE_TRY(const std::uint8_t high, U8());
    VEDETTE_TRY(const std::uint8_t low, U8());
    return static_cast<std::uint16_t>(high << 8 | low);
  }
  Result<std::uint32_t> U32() {
    VEDETTE_TRY(const std::uint32_t high, U16());
    VEDETTE_TRY(const std::uint32_t low, U16());
    return high << 16 | low;
  }

  /// Appends a name; a pointer may only point backwards, so that there is no circle.
  Status Name(std::string& out) {
    constexpr std::size_t kMaxName = 255;
    constexpr std::uint8_t kPointer = 0xc0;
    std::size_t at = at_, limit = message_.size();
    bool jumped = false;
    constexpr int kMaxJumps = 128;  // as many as a name may have labels: else a message of pointers costs its square
    int jumps = 0;
    const std::size_t start = out.size();
    for (;;) {
      if (at >= limit) return Fail(Code::kBadData, "DNS name is cut short");
      const auto length = static_cast<std::uint8_t>(message_[at]);
      if ((length & kPointer) == kPointer) {
        if (at + 1 >= message_.size()) return Fail(Code::kBadData, "DNS name is cut short");
        const std::size_t target =
            static_cast<std::size_t>(length & 0x3f) << 8 | static_cast<std::uint8_t>(message_[at + 1]);
        if (!jumped) at_ = at + 2;
        if (target >= at) return Fail(Code::kBadData, "DNS name points forwards");
        limit = at;
        at = target;
        jumped = true;
        if (++jumps > kMaxJumps) return Fail(Code::kBadData, "DNS name points too often");
        continue;
      }
      if ((length & kPointer) != 0) return Fail(Code::kBadData, "DNS label of an unknown kind");
      if (at + 1 + length > message_.size()) return Fail(Code::kBadData, "DNS name is cut short");
      if (length == 0) {
        if (!jumped) at_ = at + 1;
        if (out.size() == start) out += '.';
        return Ok();
      }
      AppendEscapedBytes(message_.substr(at + 1, length), ".\\\"();@$ ", out);
      out += '.';
      if (out.size() - start > 4 * kMaxName) return Fail(Code::kBadData, "DNS name is too long");
      at += 1U + length;
    }
  }

  Status Records(int count, std::vector<ProbeDnsRecord>& out) {
    for (int i = 0; i < count; ++i) {
      ProbeDnsRecord record;
      VEDETTE_CHECK(Record(record));
      out.push_back(std::move(record));
    }
    return Ok();
  }

  Status Record(ProbeDnsRecord& record) {
    std::string name;
    VEDETTE_CHECK(Name(name));
    VEDETTE_TRY(record.type, U16());
    VEDETTE_TRY(record.klass, U16());
    VEDETTE_TRY(const std::uint32_t ttl, U32());
    VEDETTE_TRY(const std::uint16_t size, U16());
    VEDETTE_CHECK(Need(size));
    const std::size_t end = at_ + size;
    record.text = fmt::format("{}\t{}\t{}\t{}\t", name, ttl, NameOf(kDnsClasses, record.klass, "CLASS"),
                              NameOf(kDnsTypes, record.type, "TYPE"));
    // Names in the data may point anywhere before; the data itself must be used up to its end.
    VEDETTE_CHECK(Data(record, end));
    if (at_ > end) return Fail(Code::kBadData, "DNS record reads beyond its end");
    if (at_ < end) return Fail(Code::kBadData, "DNS record of type {} has {} bytes too many", record.type, end - at_);
    return Ok();
  }

  Status AppendNumber16(std::string& out) {
    VEDETTE_TRY(const std::uint16_t value, U16());
    out += fmt::format("{} ", value);
    return Ok();
  }

  Status Data(ProbeDnsRecord& record, std::size_t end) {
    std::string& out = record.text;
    switch (record.type) {
      case 1:
        return Address(4, end, out);
      case 28:
        return Address(16, end, out);
      case 2:   // NS
      case 5:   // CNAME
      case 12:  // PTR
      case 39:  // DNAME
        return Name(out);
      case kDnsTypeSoa:
        return Soa(record);
      case 15:  // MX
        VEDETTE_CHECK(AppendNumber16(out));
        return Name(out);
      case 16:  // TXT
      case 99:  // SPF
        return Texts(end, out);
      case 33:  // SRV
        for (int i = 0; i < 3; ++i) VEDETTE_CHECK(AppendNumber16(out));
        return Name(out);
      case 257:
        return Caa(end, out);
      default:
        return Unknown(end, out);
    }
  }

  Status Address(std::size_t size, std::size_t end, std::string& out) {
    if (end - at_ != size) return Fail(Code::kBadData, "DNS address of {} bytes", end - at_);
    if (size == 4) {
      boost::asio::ip::address_v4::bytes_type bytes{};
      for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(message_[at_++]);
      out += boost::asio::ip::address_v4(bytes).to_string();
    } else {
      boost::asio::ip::address_v6::bytes_type bytes{};
      for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(message_[at_++]);
      out += boost::asio::ip::address_v6(bytes).to_string();
    }
    return Ok();
  }

  Status Soa(ProbeDnsRecord& record) {
    VEDETTE_CHECK(Name(record.text));
    record.text += ' ';
    VEDETTE_CHECK(Name(record.text));
    for (int i = 0; i < 5; ++i) {
      VEDETTE_TRY(const std::uint32_t value, U32());
      if (i == 0) record.soa_serial = value;
      record.text += fmt::format(" {}", value);
    }
    return Ok();
  }

  Status Texts(std::size_t end, std::string& out) {
    for (bool first = true; at_ < end; first = false) {
      VEDETTE_TRY(const std::uint8_t size, U8());
      if (end - at_ < size) return Fail(Code::kBadData, "DNS text is cut short");
      if (!first) out += ' ';
      out += '"';
      AppendEscapedBytes(message_.substr(at_, size), "\"\\", out);
      out += '"';
      at_ += size;
    }
    return Ok();
  }

  Status Caa(std::size_t end, std::string& out) {
    VEDETTE_TRY(const std::uint8_t flag, U8());
    VEDETTE_TRY(const std::uint8_t size, U8());
    if (at_ > end || end - at_ < size) return Fail(Code::kBadData, "DNS text is cut short");
    out += fmt::format("{} ", flag);
    AppendEscapedBytes(message_.substr(at_, size), "\"\\", out);
    at_ += size;
    out += " \"";
    AppendEscapedBytes(message_.substr(at_, end - at_), "\"\\", out);
    out += '"';
    at_ = end;
    return Ok();
  }

  /// RFC 3597: "\# 4 0a000001".
  Status Unknown(std::size_t end, std::string& out) {
    out += fmt::format("\\# {} ", end - at_);
    for (; at_ < end; ++at_) out += fmt::format("{:02x}", static_cast<unsigned char>(message_[at_]));
    return Ok();
  }

  std::string_view message_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::uint16_t> DnsTypeByName(std::string_view name) { return NumberOf(kDnsTypes, name); }
std::optional<std::uint16_t> DnsClassByName(std::string_view name) { return NumberOf(kDnsClasses, name); }
std::optional<int> DnsRcodeByName(std::string_view name) {
  const auto number = NumberOf(kDnsRcodes, name);
  return number ? std::optional<int>(*number) : std::nullopt;
}
std::string DnsRcodeName(int rcode) { return NameOf(kDnsRcodes, static_cast<std::uint16_t>(rcode), "RCODE"); }

Result<std::string> EncodeDnsQuery(const ProbeDnsQuestion& question) {
  constexpr std::uint16_t kRecursionDesired = 0x0100;
  constexpr std::size_t kMaxLabel = 63, kMaxName = 255;
  std::string out;
  AppendU16(out, question.id);
  AppendU16(out, question.recursion ? kRecursionDesired : 0);
  for (const std::uint16_t count : {1, 0, 0, 0}) AppendU16(out, count);
  const std::size_t start = out.size();
  std::string_view rest = question.name;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > kMaxLabel) return Fail(Code::kBadData, "'{}' is no DNS name", question.name);
    out += static_cast<char>(label.size());
    out += label;
    if (label.size() == rest.size()) break;
    rest.remove_prefix(label.size() + 1);
    if (rest.empty()) return Fail(Code::kBadData, "'{}' is no DNS name", question.name);
  }
  out += '\0';
  if (out.size() - start > kMaxName) return Fail(Code::kBadData, "'{}' is no DNS name", question.name);
  AppendU16(out, question.type);
  AppendU16(out, question.klass);
  return out;
}

bool IsDnsReplyTo(std::uint16_t id, std::string_view message) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(message[at]); };
  constexpr std::size_t kFlags = 2;
  constexpr unsigned kReplyBit = 0x80;
  return message.size() > kFlags && (byte(0) << 8 | byte(1)) == id && (byte(kFlags) & kReplyBit) != 0;
}

Result<ProbeDnsReply> ParseProbeDnsReply(std::string_view message) { return DnsParser(message).Parse(); }

}  // namespace vedette::collector
