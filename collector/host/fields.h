// Taking the kernel's text files apart: lines, fields, numbers. Nothing is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/matcher.h"
#include "core/result.h"

namespace vedette::collector {

/// Cuts the next line off `text`, without its break; nothing at the end.
std::optional<std::string_view> NextLine(std::string_view& text);

/// Cuts the next run of non-blanks off `line`; empty at the end.
std::string_view NextField(std::string_view& line);

/// The fields of a line, into a vector that is reused.
void SplitFields(std::string_view line, std::vector<std::string_view>& fields);

/// All of `text` must be the number. Hexadecimal without 0x for ParseHex.
std::optional<double> ParseCount(std::string_view text);  // a whole number of up to 64 bits, sign allowed
std::optional<std::uint64_t> ParseHex(std::string_view text);
std::optional<double> ParseNumber(std::string_view text);  // ParseCount, or hexadecimal after 0x

/// The same as a Result that names file and text.
Result<double> NeedCount(std::string_view text, std::string_view file);

/// Blanks and line breaks off both ends.
std::string_view Trimmed(std::string_view text);

/// Says whether a pattern is found anywhere in a name, as Go's MatchString, and remembers the answer: the names of
/// devices and kernel counters hardly change. An empty pattern finds nothing.
class NameFilter {
 public:
  /// Errors: kBadData for an expression that does not compile.
  static Result<NameFilter> Compile(std::string_view pattern);
  bool Found(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  std::optional<Regex> regex_;
  std::unordered_map<std::string, bool, Hash, std::equal_to<>> known_;
};

/// Which of many devices are wanted, as node_exporter's pairs of flags say it: all that are not excluded, or only those
/// that are included.
class DeviceFilter {
 public:
  DeviceFilter() = default;
  /// Errors: kBadData for an expression that does not compile, or when both are given. `option` names them in messages.
  static Result<DeviceFilter> Compile(std::string_view option, std::string_view exclude, std::string_view include);
  bool Wanted(std::string_view name);

 private:
  NameFilter exclude_;
  std::optional<NameFilter> include_;
};

}  // namespace vedette::collector
