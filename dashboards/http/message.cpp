#include "dashboards/http/message.h"

#include <algorithm>
#include <array>

#include "core/url.h"

namespace vedette::dashboards {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr auto kPhrases = std::to_array<Phrase>({
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
});

auto FindHeader(const std::vector<std::pair<std::string, std::string>>& items, std::string_view name) {
  return std::ranges::find_if(items, [&](const auto& item) { return EqualsIgnoreCase(item.first, name); });
}

}  // namespace

std::string_view Parameters::Get(std::string_view name) const {
  const auto found = std::ranges::find(items_, name, &std::pair<std::string, std::string>::first);
  return found == items_.end() ? std::string_view() : found->second;
}

bool Parameters::Has(std::string_view name) const {
  return std::ranges::any_of(items_, [&](const auto& item) { return item.first == name; });
}

std::vector<std::string> Parameters::All(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : items_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

std::string_view Headers::Get(std::string_view name) const {
  const auto found = FindHeader(items_, name);
  return found == items_.end() ? std::string_view() : found->second;
}

bool Headers::Has(std::string_view name) const { return FindHeader(items_, name) != items_.end(); }

void Headers::Set(std::string_view name, std::string value) {
  std::erase_if(items_, [&](const auto& item) { return EqualsIgnoreCase(item.first, name); });
  items_.emplace_back(name, std::move(value));
}

Response TextResponse(int status, std::string text) {
  Response out;
  out.status = status;
  out.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  out.body = std::move(text);
  return out;
}

Response JsonResponse(int status, std::string json) {
  Response out;
  out.status = status;
  out.headers = {{"Content-Type", "application/json"}};
  out.body = std::move(json);
  return out;
}

Response RedirectResponse(std::string location) {
  Response out = TextResponse(302, "Found\n");
  out.headers.Add("Location", std::move(location));
  return out;
}

Result<Parameters> FormParameters(const Request& request) {
  const std::string_view type = request.headers.Get("Content-Type");
  const std::string_view media = type.substr(0, std::min(type.find(';'), type.size()));
  const bool is_form = (request.method == kPost || request.method == kPut) &&
                       EqualsIgnoreCase(media, "application/x-www-form-urlencoded");
  if (!is_form) return request.query;
  VEDETTE_TRY(auto items, ParseForm(request.body));
  Parameters out(std::move(items));
  for (const auto& [name, value] : request.query) out.Add(name, value);
  return out;
}

std::string_view ReasonPhrase(int status) {
  const auto found = std::ranges::find(kPhrases, status, &Phrase::status);
  return found == kPhrases.end() ? "Unknown" : found->text;
}

}  // namespace vedette::dashboards
