// Keeps the store equal to one collection of the API server: lists it, then watches it, as client-go's reflector does.
//
// A watch that ends, breaks or is silent for too long is opened again where it was; when the server has forgotten that
// place (410 Gone), the collection is listed again, and only what is not in the new list is dropped. Failures are
// answered with growing, random waits. Whatever happens, what was known stays until the server says otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <random>

#include "collector/discovery/kubernetes/engine.h"

namespace vedette::collector::kube {

/// Waits between tries: twice as long each time, and between a half and the whole of it by chance.
class Backoff {
 public:
  Backoff(Millis first, Millis longest)
      : first_(first), longest_(longest), next_(first), random_(std::random_device()()) {}
  Millis Next();
  void Reset() { next_ = first_; }

 private:
  const Millis first_, longest_;
  Millis next_;
  std::minstd_rand random_;
};

/// Runs until the engine is stopped. On the engine's strand.
boost::asio::awaitable<void> Reflect(std::shared_ptr<Engine> engine, Watched watched);

}  // namespace vedette::collector::kube
