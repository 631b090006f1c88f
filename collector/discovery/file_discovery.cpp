#include <prometheus/counter.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "collector/discovery/discovery.h"
#include "collector/discovery/target_files.h"
#include "collector/scrape/async.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// Change notices of the kernel miss network mounts and symlinked ConfigMaps; looking costs one stat() per file.
constexpr auto kLookEvery = std::chrono::seconds(5);

/// Shared by the discovery and its coroutine, which may outlive it by a moment.
struct Watch {
  Watch(net::io_context& io, net::thread_pool& pool, const FileSdConfig& config, prometheus::Counter& counter)
      : strand(net::make_strand(io)),
        timer(strand),
        workers(pool),
        refresh(std::max<Millis>(config.refresh_interval, kLookEvery)),
        failures(counter),
        files(config.files) {}

  net::strand<net::io_context::executor_type> strand;
  net::steady_timer timer;
  net::thread_pool& workers;
  const Millis refresh;
  prometheus::Counter& failures;
  TargetFiles files;
  Discovery::Update update;
  bool stopped = false;  // on the strand
};

void LookOnce(Watch& watch, bool reread, bool first) {
  const TargetFiles::Outcome outcome = watch.files.Look(reread);
  if (outcome.failures > 0) watch.failures.Increment(static_cast<double>(outcome.failures));
  if (outcome.changed || first) watch.update(watch.files.groups());
}

net::awaitable<void> Run(std::shared_ptr<Watch> watch) {
  auto next_refresh = std::chrono::steady_clock::now();
  for (bool first = true; !watch->stopped; first = false) {
    const bool reread = std::chrono::steady_clock::now() >= next_refresh;
    if (reread) next_refresh += watch->refresh;
    auto look = [&] { LookOnce(*watch, reread, first); };
    co_await RunOn(watch->workers, look);
    if (watch->stopped) co_return;
    watch->timer.expires_after(kLookEvery);
    co_await watch->timer.async_wait(kNoThrow);
  }
}

class FileDiscovery final : public Discovery {
 public:
  explicit FileDiscovery(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}
  ~FileDiscovery() override {
    net::post(watch_->strand, [watch = watch_] {
      watch->stopped = true;
      watch->timer.cancel();
    });
  }
  void Start(Update update) override {
    watch_->update = std::move(update);
    net::co_spawn(watch_->strand, Run(watch_), net::detached);
  }

 private:
  std::shared_ptr<Watch> watch_;
};

}  // namespace

std::unique_ptr<Discovery> NewFileDiscovery(net::io_context& io, net::thread_pool& workers, const FileSdConfig& config,
                                            prometheus::Counter& failures) {
  return std::make_unique<FileDiscovery>(std::make_shared<Watch>(io, workers, config, failures));
}

}  // namespace vedette::collector
