#include "app/threads.h"

#include <algorithm>

namespace vedette::app {
namespace {

constexpr std::size_t kIoThreads = 2;
/// Divides the moments of an interval evenly; one is enough for millions of samples a second.
constexpr std::size_t kMaxLoops = 10;
constexpr std::size_t kMaxInline = 8;
constexpr std::size_t kRuleThreads = 4;
constexpr std::size_t kProbeThreads = 2;

std::size_t Cores() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

Threads::Loop::Loop() : io(1), work(io.get_executor()), thread([this] { io.run(); }) {}

Threads::Threads(std::size_t requests)
    : inline_handlers_(std::min(Cores(), kMaxInline)),
      work_(io_.get_executor()),
      ingest_(std::max<std::size_t>(2, Cores())),
      requests_(requests),
      rules_(kRuleThreads),
      probes_(kProbeThreads) {
  for (std::size_t i = 0; i < std::min(Cores(), kMaxLoops); ++i) scrape_loops_.push_back(std::make_unique<Loop>());
  for (std::size_t i = 0; i < kIoThreads + inline_handlers_; ++i) io_threads_.emplace_back([this] { io_.run(); });
}

Threads::~Threads() {
  ingest_.join();
  requests_.join();
  rules_.join();
  probes_.join();
  work_.reset();
  io_.stop();
  for (std::thread& thread : io_threads_) thread.join();
  for (const auto& loop : scrape_loops_) loop->io.stop();
  for (const auto& loop : scrape_loops_) loop->thread.join();
}

std::vector<boost::asio::io_context*> Threads::scrape_loops() {
  std::vector<boost::asio::io_context*> all;
  for (const auto& loop : scrape_loops_) all.push_back(&loop->io);
  return all;
}

}  // namespace vedette::app
