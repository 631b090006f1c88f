// How the API server is reached: by the configuration itself, a kubeconfig file, or from within the cluster.
//
// Reads files, so never on a thread of the io_context. Asked again whenever the server refuses: files may have changed.
#pragma once

#include <string>

#include "collector/options.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::collector::kube {

struct Access {
  std::string url;  // without a slash at its end
  HttpConfig http;
  bool operator==(const Access&) const = default;
};

/// What Kubernetes gives to each pod.
struct ServiceAccount {
  std::string host, port;
  std::string directory = "/var/run/secrets/kubernetes.io/serviceaccount";
};
/// By the variables KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
ServiceAccount ServiceAccountOfThisPod();

/// Errors: kBadData, kNotFound, kIo, with the file and what is missing in it.
Result<Access> FindAccess(const KubernetesSdConfig& config, const ServiceAccount& account);
/// Token and CA stay files, which the HTTP client reads again after they were rotated.
Result<Access> InCluster(const ServiceAccount& account);
/// Of the current context. Credentials that a program would have to fetch are an error that says so.
Result<Access> ReadKubeconfig(const std::string& path);

/// The namespaces that are asked for, each once; empty: all.
Result<std::vector<std::string>> FindNamespaces(const KubernetesSdConfig& config, const ServiceAccount& account);

}  // namespace vedette::collector::kube
