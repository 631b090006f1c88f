// The running agent: makes the parts in order, hands each what it needs, and takes them down in the reverse order.
#pragma once

#include <functional>
#include <memory>

#include "app/command_line.h"
#include "core/result.h"

namespace vedette::app {

/// What the agent asks of the process that it runs in, from any thread.
struct ProcessRequests {
  std::function<void()> quit;     // somebody asked over HTTP to end it
  std::function<void()> restart;  // the store can write again only after a new start
};

class Agent {
 public:
  /// Loads the configuration, opens the store, starts scraping, rules, analytics and the web server. Either all of it
  /// runs on return, or nothing does. Errors: of the configuration (with its place), the data directory, the listen
  /// address.
  static Result<std::unique_ptr<Agent>> Start(const ServeCommand& command, ProcessRequests requests);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Reads the configuration file again and swaps in what it says, or keeps everything as it was. Thread-safe; logs.
  /// The data directory and the flags need a restart.
  Status Reload();

  /// Not ready from now on; stops everything in reverse order. Nothing acknowledged is lost. Takes a few seconds at
  /// most.
  void Stop();

 private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::app
