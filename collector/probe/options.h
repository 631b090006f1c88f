// What a probe can be told: the modules of a blackbox.yml. Filled by config/read_probes.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/http_client.h"
#include "core/search_regex.h"
#include "core/time.h"

namespace vedette::collector {

/// Which family of addresses is preferred, and whether the other one will do.
struct IpChoice {
  bool prefer_ip4 = false;
  bool fallback = true;
};

struct HeaderMatch {
  std::string header;
  SearchRegex regexp;
  bool allow_missing = false;
};

struct HttpProbe {
  IpChoice ip;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body, body_file;
  HttpConfig client;  // credentials, TLS, redirects
  std::string compression;
  std::size_t body_size_limit = 0;               // after decompression; 0: that of every probe
  std::vector<int> valid_status_codes;           // empty: 2xx
  std::vector<std::string> valid_http_versions;  // "HTTP/1.1"; empty: any
  bool fail_if_ssl = false, fail_if_not_ssl = false;
  std::vector<SearchRegex> fail_if_body_matches, fail_if_body_not_matches;
  std::vector<HeaderMatch> fail_if_header_matches, fail_if_header_not_matches;
};

struct ProbeLabel {
  std::string name, value;
};

/// One step of a conversation over TCP.
struct QueryResponse {
  std::optional<SearchRegex> expect;
  std::string expect_bytes, send;
  bool starttls = false;
  std::vector<ProbeLabel> labels;  // of probe_expect_info; values are templates
};

struct TcpProbe {
  IpChoice ip;
  std::string source_ip_address;
  std::vector<QueryResponse> query_response;
  bool tls = false;
  TlsOptions tls_config;
};

struct DnsValidator {
  std::vector<SearchRegex> fail_if_matches, fail_if_all_match, fail_if_not_matches, fail_if_none_matches;
};

struct DnsProbe {
  IpChoice ip;
  std::string source_ip_address;
  bool over_tls = false, tcp = false;
  TlsOptions tls_config;
  std::string query_name;
  std::uint16_t query_type = 255, query_class = 1;  // ANY, IN
  bool recursion = true;
  std::vector<int> valid_rcodes{0};
  DnsValidator answer, authority, additional;
};

struct IcmpProbe {
  IpChoice ip;
  std::string source_ip_address;
  std::size_t payload_size = 0;  // 0: 28 bytes of text
  bool dont_fragment = false;
  int ttl = 64;
};

enum class ProbeKind : std::uint8_t { kHttp, kTcp, kDns, kIcmp };

struct ProbeModule {
  ProbeKind kind = ProbeKind::kHttp;
  Millis timeout{0};  // 0: that of the scrape
  HttpProbe http;
  TcpProbe tcp;
  DnsProbe dns;
  IcmpProbe icmp;
  std::string text;         // as configured, secrets masked
  std::string unsupported;  // with its place: what it needs that is not there; such a module is not run
};
using ProbeModules = std::map<std::string, ProbeModule, std::less<>>;

struct ProbeOptions {
  /// Whoever reaches /probe can reach from here whatever the modules can: off unless somebody asks for it.
  bool enabled = false;
  /// `enabled: false` was written down: --probes.modules-file does not switch them on then.
  bool forbidden = false;
  /// A blackbox.yml. Empty: the built-in modules.
  std::string modules_file;
  /// Taken off the scrape's timeout, so that the answer is there in time.
  Millis timeout_offset{500};
  /// Probes at once; what is more is refused with 503.
  std::size_t max_concurrent = 500;
  ProbeModules modules;
};

}  // namespace vedette::collector
