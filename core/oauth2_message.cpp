#include "core/oauth2_message.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <random>

#include <nlohmann/json.hpp>

#include "core/jwt.h"
#include "core/labels.h"
#include "core/url.h"

namespace vedette {
namespace {

using Form = std::map<std::string, std::string>;

constexpr std::size_t kMaxQuoted = 200;
constexpr std::chrono::minutes kAssertionLifetime{10};
/// As much as the number has bits for in Go's client: 68 years.
constexpr std::int32_t kMaxLifetime = std::numeric_limits<std::int32_t>::max();
/// Unix seconds, in the year 2106: what is later is never.
constexpr std::uint32_t kMaxExpiry = std::numeric_limits<std::uint32_t>::max();

std::string FormEncoded(std::string_view text) {
  std::string out;
  for (const char c : text) c == ' ' ? out += '+' : out += PercentEncode(std::string_view(&c, 1));
  return out;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out.append(out.empty() ? "" : " ").append(text);
  return out;
}

/// 122 random bits as a version 4 UUID.
std::string RandomId() {
  std::random_device random;
  const auto draw = [&] { return std::uint64_t{random()} << 32 | random(); };
  const std::uint64_t high = (draw() & 0xffff'ffff'ffff'0fff) | 0x4000, low = (draw() >> 2) | std::uint64_t{1} << 63;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffff);
}

/// What the client states and signs.
Result<std::string> Assertion(const OAuth2& config, const Secret& key, TimeMs now) {
  const std::string algorithm = config.signature_algorithm.empty() ? "RS256" : config.signature_algorithm;
  nlohmann::json header = {{"alg", algorithm}, {"typ", "JWT"}};
  if (!config.client_certificate_key_id.empty()) header["kid"] = config.client_certificate_key_id;
  const std::int64_t seconds = now.ms / 1000;
  nlohmann::json claims = {{"iss", config.iss.empty() ? config.client_id : config.iss},
                           {"sub", config.client_id},
                           {"jti", RandomId()},
                           {"aud", config.audience.empty() ? config.token_url : config.audience},
                           {"iat", seconds},
                           {"exp", seconds + std::chrono::seconds(kAssertionLifetime).count()}};
  if (!config.scopes.empty()) claims["scope"] = Joined(config.scopes);
  if (!config.claims_json.empty()) {
    const auto own = nlohmann::json::parse(config.claims_json, nullptr, false);
    if (!own.is_object()) return Fail(Code::kBadData, "oauth2: the claims are no object");
    claims.update(own);
  }
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  return SignJwt(header.dump(-1, ' ', false, kReplace), claims.dump(-1, ' ', false, kReplace), algorithm, key);
}

/// Empty instead of a text that gives the secret away.
std::string Quotable(std::string_view text, const Secret& credential) {
  if (text.empty()) return {};
  const std::string& secret = credential.Reveal();
  if (!secret.empty() &&
      (text.find(secret) != std::string_view::npos || text.find(FormEncoded(secret)) != std::string_view::npos)) {
    return {};
  }
  return " " + Quote(text.substr(0, kMaxQuoted));
}

struct TokenFields {
  std::string access_token, token_type, error, error_description;
  std::optional<std::int64_t> expires_in, expires_on;
};

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<TokenFields> FieldsOfForm(std::string_view body) {
  const auto form = ParseForm(body);
  if (!form) return std::nullopt;
  TokenFields out;
  for (const auto& [name, value] : *form) {
    if (name == "access_token") out.access_token = value;
    if (name == "token_type") out.token_type = value;
    if (name == "error") out.error = value;
    if (name == "error_description") out.error_description = value;
    if (name == "expires_in") out.expires_in = WholeNumber(value);
    if (name == "expires_on") out.expires_on = WholeNumber(value);
  }
  return out;
}

/// Some servers write the number as a text.
bool ReadSeconds(const nlohmann::json& value, double at_most, std::optional<std::int64_t>& out) {
  if (value.is_null()) return true;
  if (value.is_number()) {
    out = static_cast<std::int64_t>(std::clamp(value.get<double>(), -1.0, at_most));
    return true;
  }
  if (value.is_string()) out = WholeNumber(value.get_ref<const std::string&>());
  return out.has_value();
}

std::optional<TokenFields> FieldsOfJson(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  TokenFields out;
  const auto read = [&](const char* name, std::string& text) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return true;
    if (!found->is_string()) return false;
    text = found->get<std::string>();
    return true;
  };
  if (!read("access_token", out.access_token) || !read("token_type", out.token_type) || !read("error", out.error) ||
      !read("error_description", out.error_description)) {
    return std::nullopt;
  }
  if (const auto found = json.find("expires_in");
      found != json.end() && !ReadSeconds(*found, kMaxLifetime, out.expires_in)) {
    return std::nullopt;
  }
  // Old services write a date instead, which is no mistake.
  if (const auto found = json.find("expires_on"); found != json.end()) {
    (void)ReadSeconds(*found, kMaxExpiry, out.expires_on);
  }
  return out;
}

/// The media type without parameters.
std::string_view MediaType(const HttpResponse& reply) {
  const std::string_view value = reply.Header("Content-Type");
  const std::string_view type = value.substr(0, value.find(';'));
  return type.substr(0, type.find_last_not_of(' ') + 1);
}

std::string TypeOf(const std::string& named) {
  if (named.empty() || EqualsIgnoreCase(named, "bearer")) return "Bearer";
  if (EqualsIgnoreCase(named, "basic")) return "Basic";
  return EqualsIgnoreCase(named, "mac") ? "MAC" : named;
}

}  // namespace

Result<HttpRequest> BuildTokenRequest(const OAuth2& config, const Secret& credential, TokenStyle style, TimeMs now) {
  const bool signs = config.grant_type == OAuth2::kJwtBearer;
  Form form;
  if (signs) {
    VEDETTE_TRY(form["assertion"], Assertion(config, credential, now));
    form["grant_type"] = OAuth2::kJwtBearer;
  } else {
    form["grant_type"] = "client_credentials";
    if (!config.scopes.empty()) form["scope"] = Joined(config.scopes);
  }
  for (const auto& [name, value] : config.endpoint_params) {
    if (form.contains(name) && (signs || name != "grant_type")) {
      return Fail(Code::kBadData, "oauth2: cannot overwrite parameter {}", Quote(name));
    }
    form[name] = value;
  }
  HttpRequest request;
  request.method = "POST";
  request.url = config.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  if (!signs && style == TokenStyle::kParameters) {
    form["client_id"] = config.client_id;
    if (!credential.empty()) form["client_secret"] = credential.Reveal();
  } else if (!signs) {
    const std::string pair = FormEncoded(config.client_id) + ":" + FormEncoded(credential.Reveal());
    request.headers.emplace_back("Authorization", "Basic " + Base64Encode(pair));
  }
  for (const auto& [name, value] : form) {
    request.body += (request.body.empty() ? "" : "&") + FormEncoded(name) + "=" + FormEncoded(value);
  }
  return request;
}

Result<AccessToken> ParseTokenReply(const HttpResponse& reply, const Secret& credential) {
  const std::string_view type = MediaType(reply);
  const bool is_form =
      EqualsIgnoreCase(type, "application/x-www-form-urlencoded") || EqualsIgnoreCase(type, "text/plain");
  const auto fields = is_form ? FieldsOfForm(reply.body) : FieldsOfJson(reply.body);
  // A refusal has a status for it, and some servers say 200.
  if (fields && !fields->error.empty()) {
    return Fail(Code::kUnavailable, "refused with status {}:{}{}", reply.status, Quotable(fields->error, credential),
                Quotable(fields->error_description, credential));
  }
  if (reply.status < 200 || reply.status > 299) return Fail(Code::kUnavailable, "refused with status {}", reply.status);
  if (!fields) return Fail(Code::kBadData, "the answer cannot be parsed");
  if (fields->access_token.empty()) return Fail(Code::kBadData, "server response missing access_token");
  AccessToken token{TypeOf(fields->token_type) + " " + fields->access_token};
  // 0 is as good as nothing, as Go's clients have it.
  if (const std::int64_t seconds = fields->expires_in.value_or(0); seconds != 0) {
    token.lifetime = std::chrono::seconds(std::clamp<std::int64_t>(seconds, -1, kMaxLifetime));
  }
  if (const std::int64_t seconds = fields->expires_on.value_or(0); seconds > 0) {
    token.expires = TimeMs(std::min<std::int64_t>(seconds, kMaxExpiry) * 1000);
  }
  return token;
}

}  // namespace vedette
