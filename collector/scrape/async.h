// Two small bridges for the coroutines of the collector: run something on the worker pool, wait for a callback.
// Includes Asio: for .cpp files only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace vedette::collector {

inline constexpr auto kNoThrow = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Suspends until `start(resume)` has had its `resume` called (copyable, from any thread, once). The coroutine goes on
/// on its own executor.
///
/// Callers and these functions give lambdas a name before they are awaited on: g++ 12 copies the captures of a
/// temporary in a co_await expression bit by bit and destroys both.
template <class Start>
boost::asio::awaitable<void> WaitFor(Start& start) {
  auto initiate = [&start](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    start([shared] {
      const auto executor = boost::asio::get_associated_executor(*shared);
      boost::asio::post(executor, std::move(*shared));
    });
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(initiate,
                                                                                     boost::asio::use_awaitable);
}

/// Runs `work` on a thread of `workers` and waits for it. `work` does not throw.
template <class Work>
boost::asio::awaitable<void> RunOn(boost::asio::thread_pool& workers, Work& work) {
  auto start = [&workers, &work](auto resume) {
    boost::asio::post(workers, [&work, resume = std::move(resume)]() mutable {
      work();
      resume();
    });
  };
  co_await WaitFor(start);
}

}  // namespace vedette::collector
