#include "collector/push/gateway/group_path.h"

#include <map>
#include <optional>
#include <vector>

#include "core/labels.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kBase64Suffix = "@base64";

std::optional<unsigned> UrlBase64Digit(char c) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t at = kDigits.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

/// Errors: kBadData with the place of the first wrong character.
Result<std::string> DecodeUrlBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0, count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = UrlBase64Digit(text[i]);
    if (!digit) return Fail(Code::kBadData, "illegal base64 data at input byte {}", i);
    bits = bits << 6 | *digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count);
    bits &= (1U << count) - 1;
  }
  // One digit alone is no byte.
  if (count == 6) return Fail(Code::kBadData, "illegal base64 data at input byte {}", text.size());
  return out;
}

}  // namespace

Result<RawLabels> ParseGroupPath(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::string_view left = path;;) {
    const std::size_t slash = left.find('/');
    parts.push_back(left.substr(0, slash));
    if (slash == std::string_view::npos) break;
    left.remove_prefix(slash + 1);
  }
  const bool coded = parts.front() == "job@base64";
  if (parts.size() < 2 || (!coded && parts.front() != "job")) return Fail(Code::kBadData, "job name is required");
  std::string job(parts[1]);
  if (coded) {
    auto decoded = DecodeUrlBase64(parts[1]);
    if (!decoded) {
      return Fail(Code::kBadData, "invalid base64 encoding in job name {}: {}", Quote(job), decoded.error().message);
    }
    job = *std::move(decoded);
  }
  if (parts.size() == 3 && parts[2].empty()) parts.pop_back();  // a slash at the end
  if (parts.size() % 2 != 0) {
    const std::string_view labels = path.substr(static_cast<std::size_t>(parts[2].data() - path.data()) - 1);
    return Fail(Code::kBadData, "odd number of components in label string {}", Quote(labels));
  }
  std::map<std::string, std::string> labels;
  for (std::size_t i = 2; i < parts.size(); i += 2) {
    std::string_view name = parts[i];
    const bool base64 = name.ends_with(kBase64Suffix);
    if (base64) name.remove_suffix(kBase64Suffix.size());
    if (!IsLegacyLabelName(name) || name.starts_with("__")) {
      return Fail(Code::kBadData, "improper label name {}", Quote(name));
    }
    std::string value(parts[i + 1]);
    if (base64) {
      auto decoded = DecodeUrlBase64(value);
      if (!decoded) {
        return Fail(Code::kBadData, "invalid base64 encoding for label {}={}: {}", name, Quote(value),
                    decoded.error().message);
      }
      value = *std::move(decoded);
    }
    labels[std::string(name)] = std::move(value);
  }
  if (job.empty()) return Fail(Code::kBadData, "job name is required");
  labels["job"] = std::move(job);
  for (const auto& [name, value] : labels) {
    if (!IsValidUtf8(value)) return Fail(Code::kBadData, "value {} of label {} is not UTF-8", Quote(value), name);
  }
  return RawLabels(labels.begin(), labels.end());
}

}  // namespace vedette::collector
