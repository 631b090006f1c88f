#include "collector/media_type.h"

#include <algorithm>

namespace vedette::collector {
namespace {

bool IsTokenChar(char c) {
  return c > ' ' && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}

void SkipSpace(std::string_view& text) {
  const auto at = text.find_first_not_of(" \t\r\n");
  text.remove_prefix(at == std::string_view::npos ? text.size() : at);
}

/// Takes a token off the front; false when there is none.
bool TakeToken(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsTokenChar);
  const auto size = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(size);
  return size > 0;
}

bool TakeQuotedText(std::string_view& text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return text.remove_prefix(i + 1), true;
  }
  return false;
}

bool TakeCharacter(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool IsMediaType(std::string_view text) {
  SkipSpace(text);
  if (!TakeToken(text)) return false;
  if (TakeCharacter(text, '/') && !TakeToken(text)) return false;
  for (;;) {
    SkipSpace(text);
    if (text.empty()) return true;
    if (!TakeCharacter(text, ';')) return false;
    SkipSpace(text);
    if (text.empty()) return true;  // a semicolon at the end is no harm
    if (!TakeToken(text)) return false;
    SkipSpace(text);
    if (!TakeCharacter(text, '=')) return false;
    SkipSpace(text);
    if (text.starts_with('"') ? !TakeQuotedText(text) : !TakeToken(text)) return false;
  }
}

std::string NormalizedToken(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  std::string token(text.substr(first, text.find_last_not_of(" \t") - first + 1));
  std::transform(token.begin(), token.end(), token.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return token;
}

std::string MediaType(std::string_view content_type) {
  return NormalizedToken(content_type.substr(0, content_type.find(';')));
}

std::string MediaParameter(std::string_view content_type, std::string_view name) {
  while (!content_type.empty()) {
    const auto semicolon = content_type.find(';');
    if (semicolon == std::string_view::npos) return {};
    content_type.remove_prefix(semicolon + 1);
    const std::string parameter = NormalizedToken(content_type.substr(0, content_type.find(';')));
    const auto equals = parameter.find('=');
    if (equals == std::string::npos || NormalizedToken(parameter.substr(0, equals)) != name) continue;
    std::string value = NormalizedToken(parameter.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

}  // namespace vedette::collector
