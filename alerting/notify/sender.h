// Sends one message: renders it, reads the secret, posts it, and says what the answer means.
//
// Called on a worker thread (files are read here); the answer comes on a thread of the io_context, exactly once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alerting/notify/notifiers.h"
#include "core/http_client.h"

namespace boost::asio {
class io_context;
}

namespace vedette::alerting {

class HttpSender {
 public:
  explicit HttpSender(boost::asio::io_context& io) : io_(io) {}
  ~HttpSender() { Close(); }

  using Done = std::function<void(const Verdict& verdict)>;
  /// `definitions`: text of the template files. `template_problems`: what was wrong with configured texts.
  void Send(const Integration& integration, const Notification& notification, const std::string& definitions,
            std::vector<std::string>& template_problems, Done done);

  /// Cancels what is under way and sends nothing more.
  void Close();
  /// Connections of an earlier configuration are not used again; what is under way may end.
  void Reset();

 private:
  Result<std::shared_ptr<HttpClient>> ClientFor(const Integration& integration);

  boost::asio::io_context& io_;
  std::mutex mutex_;
  bool closed_ = false;                                    // guarded by mutex_
  std::map<Target, std::shared_ptr<HttpClient>> clients_;  // guarded by mutex_
  std::vector<std::shared_ptr<HttpClient>> retired_;       // guarded by mutex_; of the last configuration
};

/// The request for a message, without sending it: also for previews. Errors: kIo (secret file), kBadData (no URL).
Result<HttpRequest> MakeRequest(const Integration& integration, const Notification& notification,
                                const std::string& definitions, std::vector<std::string>& template_problems);

}  // namespace vedette::alerting
