// Reads one HTTP reply from pieces of bytes: framing by Beast, decompression on the way, limits on both.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "core/http_client.h"

namespace vedette::http {

class ReplyReader {
 public:
  /// `head_only`: the request was HEAD, no body follows whatever the headers say. `max_body_bytes` 0: no limit.
  ReplyReader(std::size_t max_body_bytes, bool head_only);
  ~ReplyReader();

  /// Space for the next bytes from the wire: pointer and size.
  std::pair<void*, std::size_t> Space();
  /// `size` bytes were put there. Errors: kBadData for a malformed reply, kLimit when the body is or says it is too
  /// large.
  Status Received(std::size_t size);
  /// The peer has closed. Errors: kUnavailable when the reply is not complete.
  Status Closed();

  bool Started() const;    // any byte has arrived
  bool Done() const;       // the reply is complete
  bool KeepAlive() const;  // when done: the connection can carry another request
  bool IsSuccess() const;  // the head is complete and says 2xx
  /// What has arrived of the body since the last call: for whoever does not want it collected.
  std::string TakeBody();
  std::size_t BodySize() const;
  /// Status and headers, when IsSuccess().
  HttpResponse Head() const;
  /// When done, once.
  HttpResponse Take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::http
