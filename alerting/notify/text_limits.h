// Cutting and cleaning texts for receivers that count characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vedette::alerting {

/// Characters as receivers count them: UTF-16 units, so that an emoji is two.
std::size_t TextLength(std::string_view text);

/// `text` without control characters (line breaks and tabs stay) and with what is not UTF-8 replaced by U+FFFD.
std::string CleanText(std::string_view text);

/// The longest start of clean `text` of at most `max` characters, ended by an ellipsis when something was cut.
std::string CutText(std::string_view text, std::size_t max);

/// CleanText, then CutText.
std::string CleanAndCut(std::string_view text, std::size_t max);

}  // namespace vedette::alerting
