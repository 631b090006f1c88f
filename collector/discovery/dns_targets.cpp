#include "collector/discovery/dns_targets.h"

#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <optional>

#include "collector/discovery/discovery_task.h"

namespace vedette::collector {
namespace {

/// Of a name in a message, its length bytes included.
constexpr std::size_t kMaxNameBytes = 255;

/// Reads a message from front to back; names also from where they were written before.
class DnsReader {
 public:
  explicit DnsReader(std::string_view message) : message_(message) {}

  std::size_t at() const { return at_; }
  bool Skip(std::size_t bytes) {
    if (message_.size() - at_ < bytes) return false;
    at_ += bytes;
    return true;
  }
  std::optional<std::string_view> Bytes(std::size_t count) {
    const std::size_t begin = at_;
    if (!Skip(count)) return std::nullopt;
    return message_.substr(begin, count);
  }
  std::optional<std::uint16_t> U16() {
    const auto bytes = Bytes(2);
    if (!bytes) return std::nullopt;
    return static_cast<std::uint16_t>(Byte((*bytes)[0]) << 8 | Byte((*bytes)[1]));
  }
  /// As zone files write it, with the dot of the root at its end.
  std::optional<std::string> Name();

 private:
  static unsigned Byte(char c) { return static_cast<unsigned char>(c); }
  static void AppendLabel(std::string& name, std::string_view label);

  std::string_view message_;
  std::size_t at_ = 0;
};

void DnsReader::AppendLabel(std::string& name, std::string_view label) {
  constexpr std::string_view kSpecial = ". '@;()\"\\";
  for (const char c : label) {
    if (kSpecial.find(c) != std::string_view::npos) {
      name += '\\';
      name += c;
    } else if (c < ' ' || c > '~') {
      name += fmt::format("\\{:03}", Byte(c));
    } else {
      name += c;
    }
  }
  name += '.';
}

std::optional<std::string> DnsReader::Name() {
  std::string name;
  std::size_t from = at_, used = 0, lowest = at_;
  bool jumped = false;
  for (;;) {
    if (from >= message_.size()) return std::nullopt;
    const unsigned size = Byte(message_[from]);
    if (size >= 0xc0) {
      if (from + 1 >= message_.size()) return std::nullopt;
      if (!jumped) at_ = from + 2;
      jumped = true;
      from = (size & 0x3f) << 8 | Byte(message_[from + 1]);
      if (from >= lowest) return std::nullopt;  // only what stands before: no circles
      lowest = from;
      continue;
    }
    used += size + 1;
    if (size > 63 || used > kMaxNameBytes || from + 1 + size > message_.size()) return std::nullopt;
    if (size == 0) break;
    AppendLabel(name, message_.substr(from + 1, size));
    from += 1 + size;
  }
  if (!jumped) at_ = from + 1;
  return name.empty() ? "." : name;
}

std::optional<std::string> AddressText(std::string_view data, DnsType type) {
  if (type == DnsType::kA) {
    boost::asio::ip::address_v4::bytes_type bytes;
    if (data.size() != bytes.size()) return std::nullopt;
    std::copy(data.begin(), data.end(), bytes.begin());
    return boost::asio::ip::address_v4(bytes).to_string();
  }
  boost::asio::ip::address_v6::bytes_type bytes;
  if (data.size() != bytes.size()) return std::nullopt;
  std::copy(data.begin(), data.end(), bytes.begin());
  const boost::asio::ip::address_v6 address(bytes);
  if (address.is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address).to_string();
  }
  return address.to_string();
}

std::string_view WithoutRootDot(std::string_view name) {
  while (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

struct RecordLabel {
  DnsType type;
  std::size_t before_name;  // bytes of the data: priority, weight and port, or preference
  std::string_view label;
};
constexpr RecordLabel kNamed[] = {{DnsType::kNs, 0, "__meta_dns_ns_record_target"},
                                  {DnsType::kMx, 2, "__meta_dns_mx_record_target"},
                                  {DnsType::kSrv, 6, "__meta_dns_srv_record_target"}};

/// The data of one record; `reader` stands at it. False: it is not what its type says.
bool AddTarget(DnsReader reader, std::uint16_t type_number, std::size_t size, const DnsSdConfig& config,
               std::string_view name, std::vector<Labels>& out) {
  const auto type = static_cast<DnsType>(type_number);
  const auto port = static_cast<unsigned>(config.port);
  if (type == DnsType::kA || type == DnsType::kAaaa) {
    const auto address = AddressText(*reader.Bytes(size), type);
    if (!address) return false;
    out.push_back({{"__address__", JoinHostPort(*address, port)}, {"__meta_dns_name", name}});
    return true;
  }
  const auto named = std::ranges::find(kNamed, type, &RecordLabel::type);
  if (named == std::end(kNamed)) return true;
  const std::size_t end = reader.at() + size;
  std::uint16_t last = 0;  // before the name: of a SRV record its port
  for (std::size_t i = 0; i < named->before_name; i += 2) {
    const auto number = reader.U16();
    if (!number || reader.at() > end) return false;
    last = *number;
  }
  const auto target = reader.Name();
  if (!target || reader.at() != end) return false;
  const bool srv = type == DnsType::kSrv;
  LabelsBuilder labels;
  labels.Set("__address__", JoinHostPort(WithoutRootDot(*target), srv ? last : port));
  labels.Set("__meta_dns_name", name).Set(named->label, *target);
  if (srv) labels.Set("__meta_dns_srv_record_port", std::to_string(last));
  out.push_back(labels.Build());
  return true;
}

}  // namespace

Result<TargetGroup> ParseDnsTargets(std::string_view message, std::string_view name, const DnsSdConfig& config) {
  const auto cut = [&](std::string_view where) {
    return Fail(Code::kBadData, "the answer for {} makes no sense in {}", Quote(name), where);
  };
  DnsReader reader(message);
  const bool head = reader.Skip(4);  // number and flags
  const auto questions = reader.U16(), answers = reader.U16();
  if (!head || !questions || !answers || !reader.Skip(4)) return cut("its head");
  for (unsigned i = 0; i < *questions; ++i) {
    if (!reader.Name() || !reader.Skip(4)) return cut("its question");
  }
  TargetGroup group{std::string(name), {}, {}};
  for (unsigned i = 0; i < *answers; ++i) {
    const auto where = [&] { return fmt::format("record {}", i); };
    if (!reader.Name()) return cut(where());
    const auto type = reader.U16();
    const bool skipped = reader.Skip(6);  // class and time to live
    const auto size = reader.U16();
    if (!type || !skipped || !size) return cut(where());
    DnsReader data = reader;
    if (!reader.Skip(*size)) return cut(where());
    if (!AddTarget(data, *type, *size, config, name, group.targets)) return cut(where());
  }
  return group;
}

}  // namespace vedette::collector
