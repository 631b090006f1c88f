#include <algorithm>
#include <array>
#include <utility>

#include "collector/relabel/relabel.h"
#include "collector/relabel/unicode_case.h"

namespace vedette::collector {
namespace {

constexpr std::array<std::pair<std::string_view, RelabelAction>, 11> kActions = {{
    {"drop", RelabelAction::kDrop},
    {"dropequal", RelabelAction::kDropEqual},
    {"hashmod", RelabelAction::kHashMod},
    {"keep", RelabelAction::kKeep},
    {"keepequal", RelabelAction::kKeepEqual},
    {"labeldrop", RelabelAction::kLabelDrop},
    {"labelkeep", RelabelAction::kLabelKeep},
    {"labelmap", RelabelAction::kLabelMap},
    {"lowercase", RelabelAction::kLowercase},
    {"replace", RelabelAction::kReplace},
    {"uppercase", RelabelAction::kUppercase},
}};

bool IsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// A label name in which `$1`, `$name` and `${name}` may stand for parts.
bool IsNameTemplate(std::string_view text, NameValidation names) {
  if (names == NameValidation::kUtf8) return IsValidLabelName(text, names);
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      if (!IsWord(text[i++])) return false;
      continue;
    }
    const bool braces = ++i < text.size() && text[i] == '{';
    if (braces) ++i;
    const std::size_t start = i;
    while (i < text.size() && IsWord(text[i])) ++i;
    if (i == start) return false;
    if (braces && (i >= text.size() || text[i++] != '}')) return false;
  }
  return true;
}

bool HasVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }

}  // namespace

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  const std::string lower = ToLowerUtf8(text);
  for (const auto& [name, action] : kActions) {
    if (name == lower) return action;
  }
  return Fail(Code::kBadData, "unknown relabel action {}", Quote(text));
}

std::string_view RelabelActionName(RelabelAction action) {
  const auto* row = std::find_if(kActions.begin(), kActions.end(), [&](const auto& r) { return r.second == action; });
  return row->first;
}

const Regex& RelabelConfig::DefaultRegex() {
  static const Regex regex = *Regex::Compile("(.*)");
  return regex;
}

bool RelabelConfig::operator==(const RelabelConfig& other) const {
  return source_labels == other.source_labels && separator == other.separator &&
         regex.pattern() == other.regex.pattern() && modulus == other.modulus && target_label == other.target_label &&
         replacement == other.replacement && action == other.action;
}

Status RelabelConfig::Validate(NameValidation names) const {
  using enum RelabelAction;
  const std::string_view verb = RelabelActionName(action);
  const bool is_case = action == kLowercase || action == kUppercase;
  const bool is_equal = action == kKeepEqual || action == kDropEqual;
  const bool default_texts = separator == ";" && replacement == "$1";

  if (action == kHashMod && modulus == 0) {
    return Fail(Code::kBadData, "relabel configuration for hashmod requires non-zero modulus");
  }
  if ((action == kReplace || action == kHashMod || is_case || is_equal) && target_label.empty()) {
    return Fail(Code::kBadData, "relabel configuration for {} action requires 'target_label' value", verb);
  }
  const bool target_is_template = action == kReplace && HasVariable(target_label);
  const bool target_fits =
      target_is_template ? IsNameTemplate(target_label, names) : IsValidLabelName(target_label, names);
  if ((action == kReplace || action == kHashMod || is_case || is_equal) && !target_fits) {
    return Fail(Code::kBadData, "{} is invalid 'target_label' for {} action", Quote(target_label), verb);
  }
  if ((is_case || is_equal) && replacement != "$1") {
    return Fail(Code::kBadData, "'replacement' can not be set for {} action", verb);
  }
  if (action == kLabelMap && !IsNameTemplate(replacement, names)) {
    return Fail(Code::kBadData, "{} is invalid 'replacement' for {} action", Quote(replacement), verb);
  }
  if (is_equal && (regex.pattern() != "(.*)" || modulus != 0 || !default_texts)) {
    return Fail(Code::kBadData, "{} action requires only 'source_labels' and `target_label`, and no other fields",
                verb);
  }
  if ((action == kLabelDrop || action == kLabelKeep) &&
      (!source_labels.empty() || !target_label.empty() || modulus != 0 || !default_texts)) {
    return Fail(Code::kBadData, "{} action requires only 'regex', and no other fields", verb);
  }
  return Ok();
}

}  // namespace vedette::collector
