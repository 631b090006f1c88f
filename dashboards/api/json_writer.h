// Writes JSON into one growing string, front to back: query results may be tens of megabytes.
//
//   JsonWriter json;
//   json.BeginObject().Key("a").Int(1).Key("b").BeginArray().String("x").End().End();
//
// Commas are set here; that Key() and values alternate inside objects is the caller's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/time.h"

namespace vedette::dashboards {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Begin('{', '}'); }
  JsonWriter& BeginArray() { return Begin('[', ']'); }
  /// Closes what was opened last.
  JsonWriter& End();

  JsonWriter& Key(std::string_view name);
  /// Bytes that are not UTF-8 become U+FFFD.
  JsonWriter& String(std::string_view text);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Uint(std::uint64_t value);
  /// A JSON number; NaN and infinities, which JSON has none of, become null.
  JsonWriter& Double(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  /// A value that is JSON already.
  JsonWriter& Raw(std::string_view json);

  /// {"name":"value",...}
  JsonWriter& LabelSet(const Labels& labels);
  /// Unix seconds with up to three decimals, as samples have them.
  JsonWriter& UnixSeconds(TimeMs time);
  /// A sample value as a string: "1", "+Inf", "1e-07".
  JsonWriter& SampleValue(double value);
  /// RFC 3339 as a string; nothing is Go's zero time, which stands for "never" in Prometheus' answers.
  JsonWriter& Rfc3339(std::optional<TimeMs> time);
  /// Seconds with their fraction, as a number.
  JsonWriter& Seconds(std::chrono::nanoseconds span);

  std::string& text() { return out_; }
  std::string Take() && { return std::move(out_); }

 private:
  JsonWriter& Begin(char open, char close);
  void BeforeValue();

  std::string out_;
  std::string closing_;      // brackets to come, innermost last
  bool need_comma_ = false;  // the innermost object or array already has an entry
};

}  // namespace vedette::dashboards
