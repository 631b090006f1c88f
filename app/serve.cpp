// `vedette serve`: starts the agent, waits for signals, stops it.
#include <sys/resource.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "app/agent.h"
#include "app/commands.h"
#include "app/restart.h"
#include "core/log.h"
#include "core/version.h"

namespace vedette::app {
namespace {

/// Every target and client is a file descriptor; the soft limit is usually far below the hard one.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t ServedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

int Serve(const ServeCommand& command) {
  ConfigureLogging(command.log.level, command.log.format);
  RaiseFileLimit();
  std::signal(SIGPIPE, SIG_IGN);
  // Blocked before the first thread exists, so that all threads inherit it and sigwait() below gets every signal.
  const sigset_t signals = ServedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  LogInfo("app", "Vedette starts", {{"version", kVersion}, {"revision", kRevision}});
  // Both end the process the way a SIGTERM does.
  const auto quit = [] { kill(getpid(), SIGTERM); };
  std::atomic<bool> restart{false};
  auto agent = Agent::Start(command, {.quit = quit, .restart = [&restart, quit] {
                                        restart = true;
                                        quit();
                                      }});
  if (!agent) {
    LogError("app", "Vedette cannot start", {{"reason", agent.error()}});
    fmt::print(stderr, "vedette: {}\n", agent.error().message);
    return 1;
  }
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) {
      LogInfo("app", "Vedette stops", {{"signal", signal}});
      break;
    }
    (void)(*agent)->Reload();  // it has logged what came of it
  }
  (*agent)->Stop();
  agent->reset();  // closes the store and every socket
  LogInfo("app", "Vedette has stopped");
  if (!restart) return 0;
  RestartProcess();
  return 1;
}

}  // namespace vedette::app
