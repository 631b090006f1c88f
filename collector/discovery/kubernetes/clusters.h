// The Kubernetes discoveries that run: jobs of the same configuration share one, with its watches and its objects.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace vedette::collector {

namespace kube {
class Engine;
}

/// Outlives the discoveries that use it.
struct KubernetesClusters {
  std::mutex mutex;
  std::vector<std::weak_ptr<kube::Engine>> engines;  // GUARDED_BY(mutex)
};

}  // namespace vedette::collector
