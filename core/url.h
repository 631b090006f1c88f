// URLs as HTTP needs them (RFC 3986): taking one apart, following a reference, percent coding, form parameters.
//
// Pure functions without I/O; malformed input is an error or kept literally, never a crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette {

/// An absolute http or https URL. Nothing but user name and password is decoded.
struct Url {
  std::string scheme;  // lower case
  std::string username, password;
  std::string host;        // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // the scheme's default when the text names none
  std::string path = "/";
  std::string query;  // without the question mark

  bool IsTls() const { return scheme == "https"; }
  /// What stands in a request line: "/path?query".
  std::string Target() const;
  /// "host:port", IPv6 in brackets: for messages and CONNECT.
  std::string Authority() const;
  /// The Host header: as Authority(), without the scheme's default port.
  std::string HostHeader() const;
  /// The whole URL without user name, password and fragment.
  std::string ToString() const;

  bool operator==(const Url&) const = default;
};

/// Errors: kBadData for anything but an absolute http(s) URL with a host, for control characters and blanks, and for a
/// port outside 1..65535. The message never repeats the text, which may hold secrets. A fragment is dropped.
Result<Url> ParseUrl(std::string_view text);

/// Where `reference` (a Location header: absolute, "//host/path", "/path", "path", "?query") leads to from `base`.
Result<Url> ResolveUrl(const Url& base, std::string_view reference);

/// %XX decoded. An incomplete or wrong escape stays as it is. `plus_is_space`: as in form parameters.
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

/// Everything but letters, digits and "-._~" as %XX; safe as one path segment or one query value.
std::string PercentEncode(std::string_view text);

/// "a=1&b=x%20y" decoded, in the order of the text, names may repeat. Parameters beyond `max_parameters` are refused:
/// kLimit.
Result<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view text,
                                                                   std::size_t max_parameters = 10'000);

/// "user:password" and the like.
std::string Base64Encode(std::string_view bytes);

/// Equal but for the case of ASCII letters, as header names and host names compare.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace vedette
