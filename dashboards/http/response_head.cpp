#include "dashboards/http/response_head.h"

#include <algorithm>
#include <array>

namespace vedette::dashboards {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// "Sun, 06 Nov 1994 08:49:37 GMT"
void AppendHttpDate(std::string& out, TimeMs time) {
  const CivilTime t = ToCivil(time);
  fmt::format_to(std::back_inserter(out), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                 kDays[static_cast<std::size_t>(t.weekday)], t.day, kMonths[static_cast<std::size_t>(t.month - 1)],
                 t.year, t.hour, t.minute, t.second);
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out.append(value);
  std::replace_if(
      out.begin() + begin, out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  out.append("\r\n");
}

}  // namespace

bool MayHaveBody(int status) { return status >= 200 && status != 204 && status != 304; }

std::string ResponseHead(const Response& response, TimeMs now, bool close, bool chunks) {
  std::string out;
  out.reserve(512);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: ", response.status, ReasonPhrase(response.status));
  AppendHttpDate(out, now);
  out.append("\r\n");
  for (const auto& [name, value] : response.headers) AppendHeader(out, name, value);
  if (MayHaveBody(response.status)) {
    if (!response.headers.Has("Content-Type")) AppendHeader(out, "Content-Type", "text/plain; charset=utf-8");
    if (!response.more) {
      AppendHeader(out, "Content-Length", std::to_string(response.Body().size()));
    } else if (chunks) {
      AppendHeader(out, "Transfer-Encoding", "chunked");
    }
    AppendHeader(out, "X-Content-Type-Options", "nosniff");
  }
  if (close) out.append("Connection: close\r\n");
  out.append("\r\n");
  return out;
}

}  // namespace vedette::dashboards
