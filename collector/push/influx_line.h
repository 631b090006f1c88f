// InfluxDB's line protocol: `measurement,tag=value field=1.5,other=2i 1700000000000000000`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

struct InfluxField {
  std::string_view key;         // escaped, as it stands in the line
  std::optional<double> value;  // nothing: a string
};

/// One line. Views into the text.
struct InfluxLine {
  std::string_view series;  // measurement and tags, escaped
  std::vector<InfluxField> fields;
  std::optional<std::int64_t> time;  // in the unit of the request
};

/// Takes lines off a text.
class InfluxReader {
 public:
  explicit InfluxReader(std::string_view text) : rest_(text) {}

  /// Steps over blank lines and comments. False: the text is at its end.
  bool More();
  /// Reads the next line, whether it is good or not. Errors: kBadData.
  Status Next(InfluxLine& out);
  /// Of the line that was read last, from 1 on.
  std::size_t line() const { return line_; }

 private:
  void EndLine();
  Status Read(InfluxLine& out);
  Status ReadField(InfluxField& out);

  std::string_view rest_;
  std::size_t line_ = 0;
};

/// Measurement and tags of InfluxLine::series without escapes. Errors: kBadData for a tag without a name.
Status ReadInfluxSeries(std::string_view series, std::string& measurement,
                        std::vector<std::pair<std::string, std::string>>& tags);
std::string WithoutInfluxEscapes(std::string_view text);

}  // namespace vedette::collector
