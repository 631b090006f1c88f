// The threads of the agent: those that move bytes and fire timers, and pools for work that may block.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace vedette::app {

class Threads {
 public:
  /// `requests`: how many HTTP requests may be worked on at once; a query that waits for its turn holds one of them.
  explicit Threads(std::size_t requests);
  /// Stops the io_contexts and joins everything.
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  boost::asio::io_context& io() { return io_; }
  /// Scraping: one thread each, as many as there are cores up to ten.
  std::vector<boost::asio::io_context*> scrape_loops();
  /// Reading and storing what comes at once and is much: about as many as there are cores.
  boost::asio::thread_pool& ingest() { return ingest_; }
  /// So many HTTP handlers may run on threads of io(): others are left to it.
  std::size_t inline_handlers() const { return inline_handlers_; }
  /// HTTP handlers beyond those: queries among them.
  boost::asio::thread_pool& requests() { return requests_; }
  /// Rule groups and the alert router.
  boost::asio::thread_pool& rules() { return rules_; }
  /// Bodies and files of service checks: of their own, as a file may hang and a body take its time.
  boost::asio::thread_pool& probes() { return probes_; }

 private:
  /// One thread that needs no lock against others of its own, nor ever wakes one.
  struct Loop {
    Loop();
    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
    std::thread thread;
  };

  const std::size_t inline_handlers_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::unique_ptr<Loop>> scrape_loops_;
  boost::asio::thread_pool ingest_;
  boost::asio::thread_pool requests_;
  boost::asio::thread_pool rules_;
  boost::asio::thread_pool probes_;
  std::vector<std::thread> io_threads_;
};

}  // namespace vedette::app
