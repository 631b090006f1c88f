// Reads the host for the scraper without letting a read that hangs (a file on a dead server, a driver) hold up a reload
// or a stop: each reading has a thread of its own, which nobody waits for longer than is reasonable.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "collector/host/host_collector.h"
#include "core/time.h"

namespace vedette::collector {

/// Thread-safe.
class HostReader {
 public:
  /// `patience`: how long a reading may take.
  explicit HostReader(Millis patience = std::chrono::seconds(20)) : patience_(patience) {}

  /// What is read from now on; null: nothing. Waits for nobody.
  void Use(std::shared_ptr<HostCollector> collector);
  /// One reading; another one of the same collector under way is waited for. Empty when there is nothing to read, and
  /// when reading hangs: then at once until the thread comes back.
  std::string Read();
  /// Ends what waits in Read(); later readings are empty.
  void Stop();

 private:
  /// Shared with the threads that read.
  struct Slot {
    std::shared_ptr<HostCollector> collector;
    bool busy = false, hangs = false, done = false;
    std::string text;
  };
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool stopped = false;        // guarded by mutex, as what follows and all slots
    std::shared_ptr<Slot> slot;  // null: nothing to read
  };
  static bool Begin(const std::shared_ptr<State>& state, const std::shared_ptr<Slot>& slot);

  const Millis patience_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace vedette::collector
