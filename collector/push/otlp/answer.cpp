#include "collector/push/otlp/answer.h"

#include <nlohmann/json.hpp>

#include <cstdint>

namespace vedette::collector::otlp {
namespace {

// Of google.rpc.Code.
constexpr int kInvalidArgument = 3, kInternalError = 13, kUnavailableNow = 14;

void PutVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void PutInteger(int field, std::uint64_t value, std::string& out) {
  if (value == 0) return;
  PutVarint(static_cast<std::uint64_t>(field) << 3, out);
  PutVarint(value, out);
}
void PutText(int field, std::string_view text, std::string& out) {
  if (text.empty()) return;
  PutVarint(static_cast<std::uint64_t>(field) << 3 | 2, out);
  PutVarint(text.size(), out);
  out += text;
}

/// Labels of the request may be in it, and they may be no UTF-8.
std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string SuccessBody(bool json, std::size_t refused, std::string_view why) {
  if (refused == 0 && why.empty()) return json ? "{}" : "";
  if (json) {
    return Dump({{"partialSuccess", {{"rejectedDataPoints", std::to_string(refused)}, {"errorMessage", why}}}});
  }
  std::string partial, out;
  PutInteger(1, refused, partial);
  PutText(2, why, partial);
  PutText(1, partial, out);
  return out;
}

std::string ErrorBody(bool json, int http_status, std::string_view why) {
  const int code = http_status == 400 ? kInvalidArgument : http_status == 503 ? kUnavailableNow : kInternalError;
  if (json) return Dump({{"code", code}, {"message", why}});
  std::string out;
  PutInteger(1, static_cast<std::uint64_t>(code), out);
  PutText(2, why, out);
  return out;
}

}  // namespace vedette::collector::otlp
