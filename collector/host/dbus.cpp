#include "collector/host/dbus.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxDbusMessage = 16 << 20;
constexpr std::uint8_t kMethodCall = 1, kMethodReturn = 2, kErrorReply = 3;
enum HeaderField : std::uint8_t {
  kPath = 1,
  kInterface,
  kMember,
  kErrorName,
  kReplySerial,
  kDestination,
  kSender,
  kSignature
};

class DbusWriter {
 public:
  void Byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  void U32(std::uint32_t value) {
    Align(4);
    for (int shift = 0; shift < 32; shift += 8) Byte(static_cast<std::uint8_t>(value >> shift & 0xff));
  }
  void String(std::string_view text) {
    U32(static_cast<std::uint32_t>(text.size()));
    out_.append(text).append(1, '\0');
  }
  void Signature(std::string_view text) {
    Byte(static_cast<std::uint8_t>(text.size()));
    out_.append(text).append(1, '\0');
  }
  void Align(std::size_t size) { out_.append((size - out_.size() % size) % size, '\0'); }
  /// A header field that is a text of type `signature`: s, o or g.
  void Field(HeaderField field, std::string_view signature, std::string_view text) {
    Align(8);
    Byte(field);
    Signature(signature);
    if (signature == "g") {
      Signature(text);
    } else {
      String(text);
    }
  }
  void SetU32(std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) out_[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  std::size_t size() const { return out_.size(); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

/// One header field: only those that matter are kept, the values of others are of types that can be stepped over.
Status ReadHeaderField(DbusReader& in, DbusMessage& message) {
  VEDETTE_CHECK(in.Align(8));
  VEDETTE_TRY(const std::uint8_t code, in.Byte());
  VEDETTE_TRY(const std::string_view signature, in.Signature());
  if (signature == "u") {
    VEDETTE_TRY(const std::uint32_t value, in.U32());
    if (code == kReplySerial) message.reply_serial = value;
    return Ok();
  }
  if (signature == "g") {
    VEDETTE_TRY(const std::string_view value, in.Signature());
    if (code == kSignature) message.reply.signature = value;
    return Ok();
  }
  if (signature != "s" && signature != "o") return Fail(Code::kBadData, "D-Bus header field of type '{}'", signature);
  VEDETTE_TRY(const std::string_view value, in.String());
  if (code == kErrorName) message.error_name = value;
  return Ok();
}

}  // namespace

Status DbusReader::Need(std::size_t count) {
  if (bytes_.size() - at_ < count) {
    at_ = bytes_.size();
    return Fail(Code::kBadData, "D-Bus message is cut short");
  }
  return Ok();
}

Status DbusReader::Align(std::size_t size) {
  const std::size_t gap = (size - at_ % size) % size;
  VEDETTE_CHECK(Need(gap));
  at_ += gap;
  return Ok();
}

Result<std::uint8_t> DbusReader::Byte() {
  VEDETTE_CHECK(Need(1));
  return static_cast<std::uint8_t>(bytes_[at_++]);
}

Result<std::uint32_t> DbusReader::U32() {
  VEDETTE_CHECK(Align(4));
  VEDETTE_CHECK(Need(4));
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t byte = little_endian_ ? 3 - i : i;
    value = value << 8 | static_cast<std::uint8_t>(bytes_[at_ + byte]);
  }
  at_ += 4;
  return value;
}

Result<std::uint64_t> DbusReader::U64() {
  VEDETTE_CHECK(Align(8));
  VEDETTE_TRY(const std::uint64_t first, U32());
  VEDETTE_TRY(const std::uint64_t second, U32());
  return little_endian_ ? second << 32 | first : first << 32 | second;
}

Result<std::string_view> DbusReader::String() {
  VEDETTE_TRY(const std::uint32_t size, U32());
  VEDETTE_CHECK(Need(std::size_t{size} + 1));
  const std::string_view text = bytes_.substr(at_, size);
  at_ += size + 1;
  return text;
}

Result<std::string_view> DbusReader::Signature() {
  VEDETTE_TRY(const std::uint8_t size, Byte());
  VEDETTE_CHECK(Need(std::size_t{size} + 1));
  const std::string_view text = bytes_.substr(at_, size);
  at_ += size + 1U;
  return text;
}

Result<std::uint32_t> DbusReader::Array(std::size_t element_alignment) {
  VEDETTE_TRY(const std::uint32_t size, U32());
  VEDETTE_CHECK(Align(element_alignment));
  if (bytes_.size() - at_ < size) return Fail(Code::kBadData, "D-Bus array of {} bytes is cut short", size);
  return size;
}

Result<std::optional<DbusMessage>> ParseDbusMessage(std::string_view bytes) {
  constexpr std::size_t kFixedHeader = 16;  // with the length of the fields
  if (bytes.size() < kFixedHeader) return std::optional<DbusMessage>();
  const bool little_endian = bytes[0] == 'l';
  if (!little_endian && bytes[0] != 'B') return Fail(Code::kBadData, "not a D-Bus message");
  DbusReader in(bytes.substr(0, kFixedHeader), little_endian);
  DbusMessage message;
  message.reply.little_endian = little_endian;
  VEDETTE_CHECK(in.Byte());
  VEDETTE_TRY(message.type, in.Byte());
  VEDETTE_CHECK(in.Byte());  // flags
  VEDETTE_CHECK(in.Byte());  // version
  VEDETTE_TRY(const std::uint32_t body_size, in.U32());
  VEDETTE_CHECK(in.U32());  // serial
  VEDETTE_TRY(const std::uint32_t fields_size, in.U32());
  if (std::size_t{body_size} + fields_size > kMaxDbusMessage) {
    return Fail(Code::kLimit, "D-Bus message of {} bytes", std::size_t{body_size} + fields_size);
  }
  const std::size_t fields_end = kFixedHeader + fields_size;
  const std::size_t body = (fields_end + 7) / 8 * 8;
  if (bytes.size() < body + body_size) return std::optional<DbusMessage>();
  DbusReader fields(bytes.substr(0, fields_end), little_endian);
  for (std::size_t i = 0; i < kFixedHeader; ++i) VEDETTE_CHECK(fields.Byte());
  while (fields.at() < fields_end) VEDETTE_CHECK(ReadHeaderField(fields, message));
  message.reply.body = bytes.substr(body, body_size);
  message.size = body + body_size;
  return std::optional(std::move(message));
}

std::string EncodeDbusCall(const DbusCall& call, std::uint32_t serial) {
  DbusWriter body;
  for (const std::string_view argument : call.arguments) body.String(argument);
  DbusWriter out;
  out.Byte('l');
  out.Byte(kMethodCall);
  out.Byte(0);
  out.Byte(1);
  out.U32(static_cast<std::uint32_t>(body.size()));
  out.U32(serial);
  const std::size_t length_at = out.size();
  out.U32(0);
  const std::size_t start = out.size();
  out.Field(kPath, "o", call.path);
  out.Field(kInterface, "s", call.interface);
  out.Field(kMember, "s", call.member);
  out.Field(kDestination, "s", call.destination);
  if (!call.arguments.empty()) out.Field(kSignature, "g", std::string(call.arguments.size(), 's'));
  out.SetU32(length_at, static_cast<std::uint32_t>(out.size() - start));
  out.Align(8);
  return out.Take() + body.Take();
}

Result<std::unique_ptr<DbusConnection>> DbusConnection::Open(const std::string& socket_path, bool is_bus,
                                                             Millis timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return Fail(Code::kBadData, "{} is too long a path", socket_path);
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  FileHandle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{static_cast<time_t>(timeout.count() / 1000),
                      static_cast<suseconds_t>(timeout.count() % 1000 * 1000)};
  if (!socket.is_open() || ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
      ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Fail(errno == ENOENT ? Code::kNotFound : Code::kIo, "cannot connect to {}: {}", socket_path,
                std::strerror(errno));
  }
  std::unique_ptr<DbusConnection> connection(new DbusConnection(std::move(socket)));
  VEDETTE_CHECK(connection->Authenticate());
  if (is_bus) {
    VEDETTE_CHECK(connection->Call({"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"}));
  }
  return connection;
}

/// Says who we are: the kernel vouches for it.
Status DbusConnection::Authenticate() {
  std::string hex;
  for (const char digit : std::to_string(::geteuid())) hex += fmt::format("{:02x}", digit);
  std::string greeting(1, '\0');
  greeting += "AUTH EXTERNAL " + hex + "\r\n";
  VEDETTE_CHECK(Send(greeting));
  constexpr std::size_t kMaxLine = 4096;
  while (received_.find("\r\n") == std::string::npos) {
    if (received_.size() > kMaxLine) return Fail(Code::kBadData, "D-Bus authentication: endless line");
    VEDETTE_CHECK(ReceiveMore());
  }
  if (!received_.starts_with("OK ")) {
    return Fail(Code::kIo, "D-Bus authentication refused: {}", received_.substr(0, received_.find('\r')));
  }
  received_.erase(0, received_.find("\r\n") + 2);
  return Send("BEGIN\r\n");
}

Status DbusConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Fail(errno == EAGAIN ? Code::kTimeout : Code::kIo, "D-Bus: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return Ok();
}

Status DbusConnection::ReceiveMore() {
  std::array<char, 65536> buffer;
  for (;;) {
    if (std::chrono::steady_clock::now() >= deadline_) return Fail(Code::kTimeout, "D-Bus: no answer in time");
    const ssize_t got = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(errno == EAGAIN ? Code::kTimeout : Code::kIo, "D-Bus: {}", std::strerror(errno));
    if (got == 0) return Fail(Code::kIo, "D-Bus: connection closed");
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return Ok();
  }
}

Result<DbusReply> DbusConnection::Call(const DbusCall& call) {
  if (std::chrono::steady_clock::now() >= deadline_) return Fail(Code::kTimeout, "D-Bus: no answer in time");
  const std::uint32_t serial = ++serial_;
  VEDETTE_CHECK(Send(EncodeDbusCall(call, serial)));
  // Signals that nobody asked for may come in between, but not without end.
  constexpr int kMaxOthers = 10'000;
  for (int others = 0; others < kMaxOthers;) {
    VEDETTE_TRY(std::optional<DbusMessage> message, ParseDbusMessage(received_));
    if (!message) {
      VEDETTE_CHECK(ReceiveMore());
      continue;
    }
    received_.erase(0, message->size);
    if (message->reply_serial != serial || (message->type != kMethodReturn && message->type != kErrorReply)) {
      ++others;
      continue;
    }
    if (message->type == kErrorReply)
      return Fail(Code::kUnavailable, "D-Bus: {}: {}", call.member, message->error_name);
    return std::move(message->reply);
  }
  return Fail(Code::kLimit, "D-Bus: no reply to {}", call.member);
}

}  // namespace vedette::collector
