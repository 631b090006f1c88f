// One connection of the server: a coroutine on the connection's strand that reads a request, runs its handler or has a
// worker thread do so, writes the answer, and so on until somebody closes. Internal to dashboards/http/*.cpp.
//
// Time limits: a timer ticks on the same strand and compares with `deadline_`, so that setting a limit is an
// assignment. While a handler runs the connection is watched, so that a client that leaves stops its query; the hub
// does that, as the strand is blocked when the handler runs on a thread of the io_context (Hub::TryInline).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dashboards/http/hub.h"
#include "dashboards/http/request_reader.h"

namespace vedette::dashboards {

namespace net = boost::asio;

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// `socket`: connected, on a strand of its own.
  Session(std::shared_ptr<Hub> hub, net::ip::tcp::socket socket);
  ~Session();

  /// Begins to serve; false when the hub is full: then nothing has begun.
  bool Start();
  /// Sends 503 and disconnects. For a session that could not start.
  /// `done` is called when that is over.
  void TurnAway(std::function<void()> done);
  /// Thread-safe. Stop: after the current request, at once when there is none. Abort: at once.
  void Stop();
  void Abort();

 private:
  enum class Read { kRequest, kRefused, kClosed };

  static net::awaitable<void> Run(std::shared_ptr<Session> self);
  static net::awaitable<void> SayFull(std::shared_ptr<Session> self, std::function<void()> done);
  net::awaitable<void> Serve();
  net::awaitable<Read> ReadRequest(Refusal& refusal);
  net::awaitable<bool> ReadMore(Refusal& refusal);
  Refusal AdmitBody();
  void GiveBody();
  net::awaitable<bool> Answer();
  net::awaitable<bool> Stream(bool close, std::size_t& sent);
  net::awaitable<void> Refuse(Refusal refusal);
  net::awaitable<bool> Write(std::string head, std::string_view body);
  net::awaitable<void> Linger();

  void RunHandler();
  void FitBody();
  void NextPiece();
  net::awaitable<void> WaitForLater();
  void Tick();
  void SetDeadline(Millis span) { deadline_ = std::chrono::steady_clock::now() + span; }
  void Close();

  const std::shared_ptr<Hub> hub_;
  net::ip::tcp::socket socket_;
  net::steady_timer tick_;
  RequestReader reader_;
  const std::string remote_;

  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  bool timed_out_ = false;
  bool idle_ = true;  // nothing of a request has arrived
  bool stopping_ = false;
  bool joined_ = false;

  std::mutex stop_mutex_;  // Abort() comes from any thread
  bool aborted_ = false;   // guarded by it, as `stop_` is where it is replaced
  // The current request; touched by the worker while its handler runs, by the strand otherwise.
  std::stop_source stop_;
  // From the start of the handler until nothing is left that refers to what the server's owner owns. Dies after what
  // follows.
  std::optional<RunningHandler> handler_;
  Request request_;
  std::string target_;
  Response response_;
  std::string piece_;  // of a body in pieces
  Piece piece_kind_ = Piece::kLast;
  std::string_view pattern_;

  // Of the body that arrives or was handed over.
  bool head_seen_ = false;
  const BodyLimits* body_limits_ = nullptr;
  std::size_t body_taken_ = 0;
};

}  // namespace vedette::dashboards
