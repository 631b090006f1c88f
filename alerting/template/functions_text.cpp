// Functions on text, addresses and links.
#include <fmt/format.h>

#include "alerting/template/functions.h"
#include "core/matcher.h"
#include "core/utf8.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::size_t kMaxReplacedBytes = 4 << 20;

/// Upper or lower case of a code point: ASCII, Latin-1, Greek and Cyrillic, the scripts whose cases differ by a
/// constant.
std::uint32_t ChangeCase(std::uint32_t rune, bool upper) {
  struct Range {
    std::uint32_t first_upper, last_upper, distance;
  };
  constexpr Range kRanges[] = {{'A', 'Z', 32},     {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},  {0x391, 0x3a1, 32},
                               {0x3a3, 0x3ab, 32}, {0x410, 0x42f, 32}, {0x400, 0x40f, 80}};
  for (const Range& range : kRanges) {
    if (upper && rune >= range.first_upper + range.distance && rune <= range.last_upper + range.distance) {
      return rune - range.distance;
    }
    if (!upper && rune >= range.first_upper && rune <= range.last_upper) return rune + range.distance;
  }
  return rune;
}

enum class Casing { kUpper, kLower, kTitle };

std::string WithCase(std::string_view text, Casing casing) {
  std::string out;
  bool in_word = false;
  while (!text.empty()) {
    const DecodedRune rune = DecodeUtf8(text);
    const bool letter = rune.rune >= 0x80 || (rune.rune >= '0' && rune.rune <= '9') || rune.rune == '_' ||
                        rune.rune == '\'' || ((rune.rune | 32) >= 'a' && (rune.rune | 32) <= 'z');
    const bool change = casing != Casing::kTitle || (letter && !in_word);
    if (rune.size == 1 && rune.rune == kReplacementRune) {
      out += text.front();  // a broken byte stays
    } else {
      AppendUtf8(out, change ? ChangeCase(rune.rune, casing != Casing::kLower) : rune.rune);
    }
    in_word = letter;
    text.remove_prefix(rune.size);
  }
  return out;
}

struct HostPort {
  std::string_view host, port;
};

/// Go's net.SplitHostPort: "host:port", "[ipv6]:port"; nothing for anything else.
std::optional<HostPort> SplitHostPort(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  return HostPort{host, address.substr(colon + 1)};
}

bool IsIpAddress(std::string_view host) {
  if (host.find(':') != std::string_view::npos) return true;
  int dots = 0;
  for (const char c : host) {
    if (c == '.')
      ++dots;
    else if (c < '0' || c > '9')
      return false;
  }
  return dots == 3;
}

}  // namespace

std::string QueryEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string ExpressionLink(std::string_view expr, int tab) {
  return fmt::format("/graph?g0.expr={}&g0.tab={}", QueryEscape(expr), tab);
}

namespace fn {

Result<Value> Title(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  return Value(WithCase(text, Casing::kTitle));
}

Result<Value> ToUpper(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  return Value(WithCase(text, Casing::kUpper));
}

Result<Value> ToLower(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  return Value(WithCase(text, Casing::kLower));
}

Result<Value> Match(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view pattern, ToText(args[0]));
  VEDETTE_TRY(const std::string_view text, ToText(args[1]));
  // Regex is anchored; the pattern may stand anywhere.
  VEDETTE_TRY(const Regex regex, Regex::Compile(fmt::format("(?s:.*)(?-s:{})(?s:.*)", pattern)));
  return Value(regex.Matches(text));
}

Result<Value> ReReplaceAll(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view pattern, ToText(args[0]));
  VEDETTE_TRY(const std::string_view replacement, ToText(args[1]));
  VEDETTE_TRY(const std::string_view text, ToText(args[2]));
  // Every byte may match and each match may insert all of the replacement.
  if ((text.size() + 1) * (replacement.size() + 1) > kMaxReplacedBytes) {
    return Fail(Code::kLimit, "text or replacement too long");
  }
  VEDETTE_TRY(std::string out, ReplaceAllMatches(pattern, text, replacement));
  return Value(std::move(out));
}

Result<Value> SafeHtml(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  return Value(text);
}

Result<Value> StripPort(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  const std::optional<HostPort> parts = SplitHostPort(text);
  return Value(parts ? parts->host : text);
}

Result<Value> StripDomain(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view text, ToText(args[0]));
  const std::optional<HostPort> parts = SplitHostPort(text);
  const std::string_view host = parts ? parts->host : text;
  if (IsIpAddress(host)) return Value(text);
  std::string name(host.substr(0, host.find('.')));
  if (parts && !parts->port.empty()) name.append(":").append(parts->port);
  return Value(std::move(name));
}

Result<Value> GraphLink(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view expr, ToText(args[0]));
  return Value(ExpressionLink(expr, 0));
}

Result<Value> TableLink(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view expr, ToText(args[0]));
  return Value(ExpressionLink(expr, 1));
}

Result<Value> ExternalUrl(Environment& environment, Args) { return Value(environment.ExternalUrl()); }

Result<Value> PathPrefix(Environment& environment, Args) {
  const std::string url = environment.ExternalUrl();
  const std::size_t scheme = url.find("://");
  const std::size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return Value(path == std::string::npos ? std::string() : url.substr(path));
}

}  // namespace fn
}  // namespace vedette::alerting::tmpl
