// The values of templates: what Go's text/template sees of booleans, numbers, text, times, lists, maps and structs.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/labels.h"
#include "core/time.h"

namespace vedette::alerting::tmpl {

class Value;
using List = std::vector<Value>;
struct Map : std::map<std::string, Value, std::less<>> {
  int depth = 1;  // of maps in maps: printing and freeing recurse, so who nests them limits it
};

/// A Go struct: its fields are known, so a wrong name is an error and not an empty value.
struct Object {
  std::string_view type;
  std::vector<std::pair<std::string_view, Value>> fields;
};

/// Immutable and cheap to copy, except for text. Labels is Go's map[string]string.
class Value {
 public:
  using Nanos = std::chrono::nanoseconds;
  using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, TimeMs, Nanos, Labels,
                            std::shared_ptr<const List>, std::shared_ptr<const Map>, std::shared_ptr<const Object>>;

  Value() = default;  // nil
  Value(bool v) : data_(v) {}
  Value(std::int64_t v) : data_(v) {}
  Value(int v) : data_(std::int64_t{v}) {}
  Value(double v) : data_(v) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(TimeMs v) : data_(v) {}
  Value(Nanos v) : data_(v) {}
  Value(Labels v) : data_(std::move(v)) {}
  Value(List v) : data_(std::make_shared<const List>(std::move(v))) {}
  Value(Map v) : data_(std::make_shared<const Map>(std::move(v))) {}
  Value(Object v) : data_(std::make_shared<const Object>(std::move(v))) {}

  bool IsNil() const { return data_.index() == 0; }
  /// Null when the value is of another type.
  template <class T>
  const T* If() const {
    return std::get_if<T>(&data_);
  }
  const std::string* IfText() const { return If<std::string>(); }
  const List* IfList() const { return Pointee<List>(); }
  const Map* IfMap() const { return Pointee<Map>(); }
  const Object* IfObject() const { return Pointee<Object>(); }

  /// Go's name of the type, for messages: "float64", "map[string]string".
  std::string_view TypeName() const;
  /// What `if` and `with` take for true: not nil, not zero, not empty.
  bool Truth() const;
  /// Elements of a list, map, label set or text in bytes; nothing for the rest.
  std::optional<std::size_t> Length() const;

 private:
  template <class T>
  const T* Pointee() const {
    const auto* pointer = std::get_if<std::shared_ptr<const T>>(&data_);
    return pointer ? pointer->get() : nullptr;
  }

  Data data_;
};

/// Appends what Go's fmt prints for %v, cut to about `max_bytes` in all.
void AppendPrinted(std::string& out, const Value& value, std::size_t max_bytes = 1 << 20);
std::string Printed(const Value& value);

}  // namespace vedette::alerting::tmpl
