// Reading persisted rows: typed access to the fields of a JSON object with one sticky error.
//
// Rows of the alert router are JSON objects: readable in a dump, and a field added by a later release does not stop an
// older one. Only codecs include this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

/// Parses one row. Errors: kCorruption when it is no JSON object or nests deeper than rows do.
Result<nlohmann::json> ParseRow(std::string_view bytes);
/// The text of a row; what is not UTF-8 is replaced.
std::string PrintRow(const nlohmann::json& row);

nlohmann::json LabelsToJson(const Labels& labels);

/// Each getter gives a default after the first problem; ask status() at the end.
class RowFields {
 public:
  explicit RowFields(const nlohmann::json& object);

  std::string Text(const char* name);
  std::int64_t Int(const char* name, std::int64_t min, std::int64_t max);
  std::uint64_t Number(const char* name);
  double Real(const char* name);
  bool Flag(const char* name);
  TimeMs Time(const char* name);
  std::optional<TimeMs> OptionalTime(const char* name);
  Millis Span(const char* name);
  Labels LabelSet(const char* name);
  std::vector<std::uint64_t> Numbers(const char* name);
  /// Calls `row` with the RowFields of each element of an array of objects.
  template <class F>
  void Each(const char* name, F&& row) {
    for (std::size_t i = 0, n = ArraySize(name); i < n && !problem_; ++i) {
      RowFields element = Element(name, i);
      row(element);
      if (element.problem_ && !problem_) problem_ = element.problem_;
    }
  }

  Status status() const;
  void Fault(std::string what);

 private:
  const nlohmann::json* Find(const char* name, bool required = true);
  std::size_t ArraySize(const char* name);
  RowFields Element(const char* name, std::size_t i);

  const nlohmann::json* object_;
  std::optional<Error> problem_;
};

}  // namespace vedette::alerting
