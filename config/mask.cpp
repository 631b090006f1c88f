// The configuration as people may see it: the same document, every secret replaced.
#include <algorithm>
#include <array>

#include "config/sections.h"

namespace vedette::config {
namespace {

/// Keys whose value is a secret wherever they stand; sorted.
constexpr auto kSecretKeys = std::to_array<std::string_view>({
    "access_key",
    "api_key",
    "api_secret",
    "api_url",
    "app_token",
    "auth_password",
    "auth_secret",
    "bearer_token",
    "bot_token",
    "client_certificate_key",
    "client_secret",
    "credentials",
    "key",
    "opsgenie_api_key",
    "password",
    "routing_key",
    "secret",
    "secret_key",
    "secrets",
    "service_key",
    "slack_api_url",
    "slack_app_token",
    "smtp_auth_password",
    "smtp_auth_secret",
    "token",
    "user_key",
    "victorops_api_key",
    "webhook_url",
    "wechat_api_secret",
});
static_assert(std::ranges::is_sorted(kSecretKeys));

bool IsSecretKey(std::string_view key) { return std::ranges::binary_search(kSecretKeys, key); }

/// "http://user:password@host/" without the password.
std::string WithoutUserInfo(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const std::size_t at = scheme == std::string::npos ? std::string::npos : text.find('@', scheme);
  if (at == std::string::npos || text.find('/', scheme + 3) < at) return text;
  const std::size_t colon = text.find(':', scheme + 3);
  if (colon == std::string::npos || colon > at) return text;
  return text.substr(0, colon) + ":<secret>" + text.substr(at);
}

bool NeedsQuotes(const YamlNode& node, std::string_view text) {
  if (node.quoted() || text.empty()) return true;
  if (text.find_first_of(":#{}[],&*!|>'\"%@`\n\t\\") != std::string_view::npos) return true;
  return text.front() == ' ' || text.back() == ' ' || text.front() == '-' || text.front() == '?';
}

void AppendScalar(std::string& out, const YamlNode& node) {
  const std::string text = WithoutUserInfo(node.text());
  out += NeedsQuotes(node, text) ? Quote(text) : text;
  out.push_back('\n');
}

void AppendSecret(std::string& out, const YamlNode& node) {
  out += node.IsSequence() ? " [<secret>]\n" : node.IsScalar() && node.text().empty() ? " \"\"\n" : " <secret>\n";
}

/// kProbe: a module of service checks, whose headers, bodies and conversations may hold anything.
enum class MaskMode { kSecrets, kProbe, kEverything };

/// Names of headers, the values of which are secrets.
void AppendConnectHeader(std::string& out, const YamlNode& node, std::size_t indent) {
  out.push_back('\n');
  const auto entries = node.Map();
  for (const YamlNode::Entry& entry : *entries) {
    out.append(indent, ' ');
    out += entry.key;
    out.push_back(':');
    AppendSecret(out, entry.value);
  }
}

/// Writes `node` behind a "key:" or "-" that is already there.
void AppendNode(std::string& out, const YamlNode& node, std::size_t indent, bool after_dash, MaskMode mode);

void AppendMap(std::string& out, const YamlNode& node, std::size_t indent, bool first_inline, bool webhook,
               MaskMode mode) {
  const auto entries = node.Map();
  if (!entries) return;
  bool first = true;
  for (const YamlNode::Entry& entry : *entries) {
    if (!(first && first_inline)) out.append(indent, ' ');
    first = false;
    out += entry.key;
    out.push_back(':');
    // The address of a webhook is its password.
    const bool probe_text = mode == MaskMode::kProbe && (entry.key == "body" || entry.key == "send");
    const bool secret = IsSecretKey(entry.key) || (webhook && entry.key == "url") || probe_text ||
                        (mode == MaskMode::kEverything && !entry.value.IsNull());
    const bool headers = mode == MaskMode::kProbe && (entry.key == "headers" || entry.key == "http_headers");
    if (secret && !entry.value.IsMap()) {
      AppendSecret(out, entry.value);
    } else if (entry.key == "proxy_connect_header" && entry.value.IsMap()) {
      AppendConnectHeader(out, entry.value, indent + 2);
    } else if (entry.key == "webhook_configs" && entry.value.IsSequence()) {
      out.push_back('\n');
      const auto items = entry.value.Sequence();
      for (const YamlNode& item : *items) {
        out.append(indent, ' ');
        out += "- ";
        if (item.IsMap()) AppendMap(out, item, indent + 2, true, true, mode);
      }
    } else {
      AppendNode(out, entry.value, indent, false, headers ? MaskMode::kEverything : mode);
    }
  }
}

void AppendNode(std::string& out, const YamlNode& node, std::size_t indent, bool after_dash, MaskMode mode) {
  switch (node.kind()) {
    case YamlNode::Kind::kNull:
      out += after_dash ? " null\n" : "\n";
      return;
    case YamlNode::Kind::kScalar:
      out.push_back(' ');
      AppendScalar(out, node);
      return;
    case YamlNode::Kind::kMap:
      out += after_dash ? " " : "\n";
      AppendMap(out, node, indent + 2, after_dash, false, mode);
      return;
    case YamlNode::Kind::kSequence:
      break;
  }
  const auto items = node.Sequence();
  if (!items || items->empty()) {
    out += " []\n";
    return;
  }
  out.push_back('\n');
  for (const YamlNode& item : *items) {
    out.append(indent, ' ');
    out.push_back('-');
    AppendNode(out, item, indent, true, mode);
  }
}

}  // namespace

std::string MaskedYaml(const YamlNode& root) {
  std::string out;
  if (root.IsMap()) AppendMap(out, root, 0, false, false, MaskMode::kSecrets);
  return out;
}

std::string MaskedProbeModule(const YamlNode& module) {
  std::string out;
  if (module.IsMap()) AppendMap(out, module, 0, false, false, MaskMode::kProbe);
  return out;
}

}  // namespace vedette::config
