// Kubeconfig files, as kubectl has them.
#include <array>
#include <filesystem>

#include "collector/discovery/kubernetes/access.h"
#include "core/url.h"
#include "core/yaml.h"

namespace vedette::collector::kube {
namespace {

/// Nothing for what is no Base64.
std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=') || text.ends_with('\n')) text.remove_suffix(1);
  for (const char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (c == '\n' || c == '\r') continue;
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((count += 6) < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

/// The item of a list that is called `name`, under `key`.
Result<YamlNode> Named(const YamlNode& root, std::string_view list, std::string_view key, const std::string& name) {
  if (const auto items = root.Get(list)) {
    VEDETTE_TRY(const std::vector<YamlNode> nodes, items->Sequence());
    for (const YamlNode& node : nodes) {
      const auto found = node.Get("name");
      if (found && found->text() == name) return node.Need(key);
    }
  }
  return root.At(fmt::format("there is no {} {} in {}", key, Quote(name), list));
}

/// Text of `key`, empty when it is missing.
Result<std::string> TextAt(const YamlNode& node, std::string_view key) {
  std::string out;
  VEDETTE_CHECK(node.Read(key, out));
  return out;
}

/// Relative to the folder of the kubeconfig.
Result<std::string> PathAt(const YamlNode& node, std::string_view key) {
  VEDETTE_TRY(const std::string path, TextAt(node, key));
  if (path.empty() || path.starts_with('/')) return path;
  return (std::filesystem::path(node.file()).parent_path() / path).string();
}

/// "<key>-data" in Base64, which wins, or the path under `key`.
Status ReadPem(const YamlNode& node, std::string_view key, std::string& inline_pem, std::string& file) {
  const std::string data_key = fmt::format("{}-data", key);
  VEDETTE_TRY(const std::string data, TextAt(node, data_key));
  if (data.empty()) {
    VEDETTE_TRY(file, PathAt(node, key));
    return Ok();
  }
  auto decoded = DecodeBase64(data);
  if (!decoded) return node.Get(data_key)->At("not Base64");
  inline_pem = *std::move(decoded);
  return Ok();
}

Status ReadCluster(const YamlNode& cluster, Access& out) {
  VEDETTE_TRY(out.url, TextAt(cluster, "server"));
  if (!ParseUrl(out.url)) return cluster.At("the cluster's server is no http or https URL");
  while (out.url.ends_with('/')) out.url.pop_back();
  TlsOptions& tls = out.http.tls;
  VEDETTE_CHECK(ReadPem(cluster, "certificate-authority", tls.ca, tls.ca_file));
  VEDETTE_CHECK(cluster.Read("insecure-skip-tls-verify", tls.insecure_skip_verify));
  VEDETTE_CHECK(cluster.Read("tls-server-name", tls.server_name));
  return cluster.Read("proxy-url", out.http.proxy_url);
}

Status RefuseWhatIsNotDone(const YamlNode& user) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kRefused = {{
      {"exec",
       "credentials that a program fetches are not supported: give a token, a tokenFile or a client certificate"},
      {"auth-provider", "auth providers are not supported: give a token, a tokenFile or a client certificate"},
  }};
  for (const auto& [key, reason] : kRefused) {
    const auto node = user.Get(key);
    if (node && !node->IsNull()) return node->At(reason);
  }
  return Ok();
}

Status ReadUser(const YamlNode& user, Access& out) {
  VEDETTE_CHECK(RefuseWhatIsNotDone(user));
  std::string key_pem;
  VEDETTE_CHECK(ReadPem(user, "client-certificate", out.http.tls.cert, out.http.tls.cert_file));
  VEDETTE_CHECK(ReadPem(user, "client-key", key_pem, out.http.tls.key_file));
  out.http.tls.key = Secret(std::move(key_pem));
  VEDETTE_TRY(std::string token, TextAt(user, "token"));
  VEDETTE_TRY(std::string token_file, PathAt(user, "tokenFile"));
  VEDETTE_TRY(std::string name, TextAt(user, "username"));
  VEDETTE_TRY(std::string password, TextAt(user, "password"));
  const bool has_token = !token.empty() || !token_file.empty();
  if (has_token && !name.empty()) return user.At("username/password or a token may be given, but not both");
  if (has_token) {
    if (!token_file.empty()) token.clear();  // the file may be rotated
    out.http.authorization =
        Authorization{.credentials = Secret(std::move(token)), .credentials_file = std::move(token_file)};
  } else if (!name.empty()) {
    out.http.basic_auth = BasicAuth{.username = std::move(name), .password = Secret(std::move(password))};
  }
  VEDETTE_TRY(const std::string impersonated, TextAt(user, "as"));
  if (!impersonated.empty()) out.http.headers.emplace_back("Impersonate-User", Secret(impersonated));
  return Ok();
}

}  // namespace

Result<Access> ReadKubeconfig(const std::string& path) {
  VEDETTE_TRY(const YamlDocument document, LoadYamlFile(path));
  const YamlNode& root = document.root;
  VEDETTE_TRY(const std::string current, TextAt(root, "current-context"));
  if (current.empty()) return root.At("the kubeconfig names no current-context");
  VEDETTE_TRY(const YamlNode context, Named(root, "contexts", "context", current));
  VEDETTE_TRY(const std::string cluster_name, TextAt(context, "cluster"));
  VEDETTE_TRY(const std::string user_name, TextAt(context, "user"));
  VEDETTE_TRY(const YamlNode cluster, Named(root, "clusters", "cluster", cluster_name));
  Access out;
  VEDETTE_CHECK(ReadCluster(cluster, out));
  if (user_name.empty()) return out;
  VEDETTE_TRY(const YamlNode user, Named(root, "users", "user", user_name));
  VEDETTE_CHECK(ReadUser(user, out));
  return out;
}

}  // namespace vedette::collector::kube
