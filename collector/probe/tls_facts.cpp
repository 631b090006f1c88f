#include "collector/probe/tls_facts.h"

#include <array>
#include <ctime>
#include <optional>
#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace vedette::collector {
namespace {

constexpr ProbeGauge kEarliestExpiry{"probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime"};
constexpr ProbeGauge kChainExpiry{"probe_ssl_last_chain_expiry_timestamp_seconds",
                                  "Returns last SSL chain expiry in timestamp"};
constexpr ProbeGauge kChainInfo{"probe_ssl_last_chain_info", "Contains SSL leaf certificate information"};
constexpr ProbeGauge kTlsVersion{"probe_tls_version_info", "Returns the TLS version used or NaN when unknown"};
constexpr ProbeGauge kTlsCipher{"probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake"};
/// Unix time of Go's zero time: what an unverified chain shows.
constexpr double kNoTime = -62135596800.0;

std::string HexText(const unsigned char* bytes, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

std::optional<double> NotAfter(X509* certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return std::nullopt;
  return static_cast<double>(::timegm(&time));
}

double EarliestExpiry(STACK_OF(X509) * chain) {
  std::optional<double> earliest;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const auto end = NotAfter(sk_X509_value(chain, i));
    if (end && (!earliest || *end < *earliest)) earliest = end;
  }
  return earliest.value_or(kNoTime);
}

/// RFC 2253's escapes.
std::string EscapedName(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool edge = (c == ' ' && (i == 0 || i + 1 == value.size())) || (c == '#' && i == 0);
    if (edge || std::string_view(",+\"\\<>;").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string Utf8Of(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

/// Go keeps the well-known attributes apart, in an order of its own, and prints that order backwards; others come last,
/// by number and as bytes.
std::string NameText(const X509_NAME* name) {
  struct Known {
    int nid;
    std::string_view text;
  };
  static constexpr std::array<Known, 9> kBackwards{{{NID_serialNumber, "SERIALNUMBER"},
                                                    {NID_commonName, "CN"},
                                                    {NID_postalCode, "POSTALCODE"},
                                                    {NID_streetAddress, "STREET"},
                                                    {NID_stateOrProvinceName, "ST"},
                                                    {NID_localityName, "L"},
                                                    {NID_organizationalUnitName, "OU"},
                                                    {NID_organizationName, "O"},
                                                    {NID_countryName, "C"}}};
  std::array<std::vector<std::string>, kBackwards.size()> known;
  std::vector<std::string> others;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* object = X509_NAME_ENTRY_get_object(entry);
    const ASN1_STRING* data = X509_NAME_ENTRY_get_data(entry);
    const int nid = OBJ_obj2nid(object);
    bool placed = false;
    for (std::size_t k = 0; k < kBackwards.size(); ++k) {
      if (kBackwards[k].nid != nid) continue;
      known[k].push_back(fmt::format("{}={}", kBackwards[k].text, EscapedName(Utf8Of(data))));
      placed = true;
    }
    if (placed) continue;
    std::array<char, 128> oid{};
    OBJ_obj2txt(oid.data(), oid.size(), object, 1);
    unsigned char* der = nullptr;
    const int size = i2d_ASN1_PRINTABLE(const_cast<ASN1_STRING*>(data), &der);
    others.push_back(fmt::format("{}=#{}", oid.data(), size > 0 ? HexText(der, static_cast<std::size_t>(size)) : ""));
    OPENSSL_free(der);
  }
  std::string out;
  const auto add = [&out](std::string_view piece, char separator) {
    if (!out.empty()) out += separator;
    out += piece;
  };
  for (std::size_t k = 0; k < known.size(); ++k) {
    // Of a common name or serial number the last one counts; several values of the others are one part.
    if (k < 2 && known[k].size() > 1) known[k] = {known[k].back()};
    for (std::size_t i = 0; i < known[k].size(); ++i) add(known[k][i], i == 0 ? ',' : '+');
  }
  for (auto other = others.rbegin(); other != others.rend(); ++other) add(*other, ',');
  return out;
}

std::string DnsNames(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string out;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    if (!out.empty()) out += ',';
    out.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(names);
  return out;
}

std::string SerialText(X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  std::string_view bytes(reinterpret_cast<const char*>(serial->data), static_cast<std::size_t>(serial->length));
  bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));
  return HexText(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string FingerprintText(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return HexText(digest.data(), size);
}

std::string_view VersionText(int version) {
  switch (version) {
    case TLS1_VERSION:
      return "TLS 1.0";
    case TLS1_1_VERSION:
      return "TLS 1.1";
    case TLS1_2_VERSION:
      return "TLS 1.2";
    case TLS1_3_VERSION:
      return "TLS 1.3";
    default:
      return "unknown";
  }
}

}  // namespace

std::string SubjectText(X509* certificate) { return NameText(X509_get_subject_name(certificate)); }
std::string IssuerText(X509* certificate) { return NameText(X509_get_issuer_name(certificate)); }

void AddTlsFacts(SSL* ssl, bool cipher, ProbeMetrics& metrics) {
  STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl);
  metrics.Set(kEarliestExpiry, EarliestExpiry(sent));
  const bool verified = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl) == X509_V_OK;
  STACK_OF(X509)* chain = verified ? SSL_get0_verified_chain(ssl) : nullptr;
  metrics.Set(kChainExpiry, chain != nullptr ? EarliestExpiry(chain) : kNoTime);
  if (X509* leaf = sk_X509_num(sent) > 0 ? sk_X509_value(sent, 0) : nullptr; leaf != nullptr) {
    const std::string fingerprint = FingerprintText(leaf), subject = SubjectText(leaf), issuer = IssuerText(leaf),
                      names = DnsNames(leaf), serial = SerialText(leaf);
    metrics.Set(kChainInfo,
                {{"fingerprint_sha256", fingerprint},
                 {"issuer", issuer},
                 {"serialnumber", serial},
                 {"subject", subject},
                 {"subjectalternative", names}},
                1);
  }
  metrics.Set(kTlsVersion, {{"version", VersionText(SSL_version(ssl))}}, 1);
  if (!cipher) return;
  const char* name = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  metrics.Set(kTlsCipher, {{"cipher", name != nullptr ? name : "unknown"}}, 1);
}

}  // namespace vedette::collector
