// Reads requests from pieces of bytes: framing and limits by Beast, one request after another from one buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// Why a request is not answered by a handler; `status` 0: there is no reason.
struct Refusal {
  int status = 0;
  std::string text;
  bool later = false;  // with Retry-After
};

class RequestReader {
 public:
  /// Request line and headers together.
  static constexpr std::uint32_t kMaxHeadBytes = 16 << 10;

  explicit RequestReader(std::size_t max_body_bytes);
  ~RequestReader();

  /// Space for the next bytes from the wire: pointer and size.
  std::pair<void*, std::size_t> Space();
  void Received(std::size_t size);
  /// Takes what it can from the buffer. Refuses 400, 413 or 431; the connection is of no use afterwards.
  Refusal Parse();

  bool Empty() const;     // between two requests, nothing of the next one here
  bool HeadDone() const;  // headers are complete
  bool Done() const;      // the request is complete
  // When the head is there:
  std::optional<Method> method() const;
  std::string_view target() const;
  /// What is said to come; 0 of a body that comes in chunks.
  std::size_t DeclaredBytes() const;
  /// What has arrived of the body.
  std::size_t ArrivedBytes() const;
  /// A smaller limit than the server's for this body. Refuses 413 when it is declared to be larger, or is already.
  Refusal LimitBody(std::size_t max_bytes);
  /// The client waits for "100 Continue" before it sends the body. Asked once per request.
  bool WantsContinue();
  bool KeepAlive() const;
  /// The client understands a body in chunks: of the request taken last.
  bool TakesChunks() const;

  /// When done: the request without path, query, remote and stop token, and `target` as it was sent. Makes ready for
  /// the next request, bytes of which may be in the buffer already. Refuses 405 for an unknown method.
  Refusal Take(Request& request, std::string& target);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::dashboards
