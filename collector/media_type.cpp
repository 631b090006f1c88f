#include "collector/media_type.h"

#include <algorithm>

namespace vedette::collector {

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
