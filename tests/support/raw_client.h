// A blocking TCP client that sends exactly what a test says, for servers that must bear anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::test {

class RawClient {
 public:
  /// Connects to 127.0.0.1:port. Reads give up after 10 s.
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the peer has closed.
  bool Send(std::string_view bytes);
  /// The next response: head, and a body as long as Content-Length says (unless `head_only`). What there is when the
  /// peer closes early; empty at the end of the stream.
  std::string ReadResponse(bool head_only = false);
  /// Everything until the peer closes.
  std::string ReadAll();
  /// Closes the sending half.
  void HalfClose();
  void Close();

 private:
  bool ReadMore();

  int fd_ = -1;
  std::string buffer_;
};

}  // namespace vedette::test
