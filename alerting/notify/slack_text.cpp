#include "alerting/notify/slack_text.h"

#include <array>
#include <cctype>

#include "alerting/notify/text_limits.h"
#include "core/utf8.h"

namespace vedette::alerting {
namespace {

constexpr std::string_view kZeroWidthSpace = "\xE2\x80\x8B";
constexpr std::string_view kSlackEllipsis = "\xE2\x80\xA6";
constexpr std::array<std::string_view, 4> kEverybody = {"channel", "everyone", "here", "group"};

/// Whether `text`, which starts behind an @, names everybody.
bool NamesEverybody(std::string_view text) {
  for (const std::string_view word : kEverybody) {
    if (text.size() < word.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < word.size() && same; ++i) {
      same = std::tolower(static_cast<unsigned char>(text[i])) == word[i];
    }
    if (same) return true;
  }
  return false;
}

}  // namespace

std::string SlackEscape(std::string_view text, std::size_t max) {
  const std::string clean = CleanText(text);
  const std::string_view rest(clean);
  std::string out, piece;
  std::size_t units = 0, safe_size = 0;  // safe_size: where an ellipsis still fits
  for (std::size_t i = 0; i < rest.size();) {
    const std::size_t bytes = DecodeUtf8(rest.substr(i)).size;
    switch (rest[i]) {
      case '&':
        piece = "&amp;";
        break;
      case '<':
        piece = "&lt;";
        break;
      case '>':
        piece = "&gt;";
        break;
      default:
        piece = rest.substr(i, bytes);
        if (rest[i] == '@' && NamesEverybody(rest.substr(i + 1))) piece += kZeroWidthSpace;
    }
    units += TextLength(piece);
    if (units > max) {
      out.resize(safe_size);
      return max == 0 ? std::string() : out.append(kSlackEllipsis);
    }
    out += piece;
    if (units < max) safe_size = out.size();
    i += bytes;
  }
  return out;
}

std::string SlackDisarmText(std::string_view value) {
  const std::string clean = CleanText(value);
  const std::string_view text(clean);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '<' && (next == '!' || next == '@' || next == '#')) {
      out += "&lt;";
    } else {
      out.push_back(text[i]);
      if (text[i] == '@' && NamesEverybody(text.substr(i + 1))) out += kZeroWidthSpace;
    }
  }
  return out;
}

Labels SlackDisarm(const Labels& labels) {
  LabelsBuilder out;
  for (const LabelView label : labels) out.Set(label.name, SlackDisarmText(label.value));
  return out.Build();
}

}  // namespace vedette::alerting
