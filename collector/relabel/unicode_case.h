// Upper and lower case of UTF-8 text, letter by letter, independent of the locale of the process.
#pragma once

#include <string>
#include <string_view>

namespace vedette::collector {

/// Bytes that are not UTF-8 stay as they are.
std::string ToLowerUtf8(std::string_view text);
std::string ToUpperUtf8(std::string_view text);

}  // namespace vedette::collector
