// The process as its own metrics see it: CPU time, memory, file descriptors, start, under the names every client
// library uses.
#pragma once

#include <memory>

namespace prometheus {
class Collectable;
}

namespace vedette::app {

/// Reads /proc/self when it is collected. Thread-safe.
std::unique_ptr<prometheus::Collectable> NewProcessMetrics();

}  // namespace vedette::app
