// Just enough of D-Bus to ask systemd: method calls with text arguments over a Unix socket, and a reader of replies.
//
// Blocking, with a limit on the time of each call: for worker threads. Replies come from a process that runs as root,
// and are read as if they did not.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/files.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

struct DbusCall {
  std::string_view destination, path, interface, member;
  std::vector<std::string_view> arguments{};  // each a string
};

/// Reads values off a message in the order of their signature. After the first error everything fails.
class DbusReader {
 public:
  DbusReader(std::string_view bytes, bool little_endian) : bytes_(bytes), little_endian_(little_endian) {}

  Result<std::uint8_t> Byte();
  Result<std::uint32_t> U32();
  Result<std::uint64_t> U64();
  Result<std::string_view> String();     // also an object path
  Result<std::string_view> Signature();  // of a variant, for example
  /// Steps over the bytes that bring the next value to a multiple of `size`.
  Status Align(std::size_t size);
  /// The length of an array in bytes, with its elements' alignment stepped over. Where it ends is at() plus that.
  Result<std::uint32_t> Array(std::size_t element_alignment);
  std::size_t at() const { return at_; }

 private:
  Status Need(std::size_t count);

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool little_endian_;
};

/// The body of a reply, and what it is made of.
struct DbusReply {
  std::string signature, body;
  bool little_endian = true;
  DbusReader Reader() const { return {body, little_endian}; }
};

/// A whole message without the bytes that follow; nothing while more bytes are needed. Errors: kBadData, kLimit.
struct DbusMessage {
  std::uint8_t type = 0;  // 2: reply, 3: error, 4: signal
  std::uint32_t reply_serial = 0;
  std::string error_name;
  DbusReply reply;
  std::size_t size = 0;  // of the message on the wire
};
Result<std::optional<DbusMessage>> ParseDbusMessage(std::string_view bytes);

/// Little-endian, ready to send.
std::string EncodeDbusCall(const DbusCall& call, std::uint32_t serial);

class DbusConnection {
 public:
  /// `is_bus`: there is a bus daemon behind it, which wants to be greeted. Errors: kNotFound, kIo, kTimeout.
  static Result<std::unique_ptr<DbusConnection>> Open(const std::string& socket_path, bool is_bus, Millis timeout);

  /// However many calls follow: none waits beyond `deadline`.
  void AnswerBy(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

  /// Errors: kIo, kTimeout and kBadData, after which the connection is of no use; kUnavailable when the other side
  /// answered with an error.
  Result<DbusReply> Call(const DbusCall& call);

 private:
  explicit DbusConnection(FileHandle socket) : socket_(std::move(socket)) {}
  Status Authenticate();
  Status Send(std::string_view bytes);
  Status ReceiveMore();

  FileHandle socket_;
  std::string received_;
  std::uint32_t serial_ = 0;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace vedette::collector
