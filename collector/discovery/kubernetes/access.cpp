#include "collector/discovery/kubernetes/access.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/labels.h"
#include "core/url.h"

namespace vedette::collector::kube {
namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

ServiceAccount ServiceAccountOfThisPod() {
  return {.host = Environment("KUBERNETES_SERVICE_HOST"), .port = Environment("KUBERNETES_SERVICE_PORT")};
}

Result<Access> InCluster(const ServiceAccount& account) {
  if (account.host.empty() || account.port.empty()) {
    return Fail(Code::kNotFound,
                "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be "
                "defined");
  }
  const std::string token = account.directory + "/token";
  if (!std::ifstream(token)) return Fail(Code::kNotFound, "open {}: no such file", token);
  const bool v6 = account.host.find(':') != std::string::npos;
  Access out;
  out.url = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", account.host, v6 ? "]" : "", account.port);
  out.http.authorization = Authorization{.credentials_file = token};
  const std::string ca = account.directory + "/ca.crt";
  if (std::ifstream(ca)) out.http.tls.ca_file = ca;
  return out;
}

Result<Access> FindAccess(const KubernetesSdConfig& config, const ServiceAccount& account) {
  if (!config.kubeconfig_file.empty()) return ReadKubeconfig(config.kubeconfig_file);
  if (config.api_server.empty()) return InCluster(account);
  Access out{config.api_server, config.http};
  VEDETTE_CHECK(ParseUrl(out.url));
  while (out.url.ends_with('/')) out.url.pop_back();
  return out;
}

Result<std::vector<std::string>> FindNamespaces(const KubernetesSdConfig& config, const ServiceAccount& account) {
  std::vector<std::string> out = config.namespaces;
  if (config.own_namespace) {
    const std::string path = account.directory + "/namespace";
    std::ifstream file(path);
    if (!file) return Fail(Code::kNotFound, "could not determine the pod's namespace: open {}: no such file", path);
    std::string own;
    std::getline(file, own);
    if (own.empty()) return Fail(Code::kBadData, "could not read own namespace name (empty file)");
    out.push_back(std::move(own));
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace vedette::collector::kube
