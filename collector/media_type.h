// Content-Type and other header values taken apart.
#pragma once

#include <string>
#include <string_view>

namespace vedette::collector {

/// Without blanks around it, ASCII letters in lower case.
std::string NormalizedToken(std::string_view text);

/// Whether a Content-Type has the form of one: what Go's mime.ParseMediaType takes.
bool IsMediaType(std::string_view content_type);

/// "text/plain" of "Text/Plain; version=0.0.4"; empty when there is none.
std::string MediaType(std::string_view content_type);

/// The value of a parameter in lower case, without quotes: "0.0.4" for "version"; empty when it is absent.
std::string MediaParameter(std::string_view content_type, std::string_view name);

}  // namespace vedette::collector
