// A password, token or key: readable by the code that sends it, and by nothing that prints.
#pragma once

#include <string>
#include <utility>

#include <fmt/format.h>

namespace vedette {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  /// The secret itself. Never goes into a log, an error or a reply.
  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace vedette

template <>
struct fmt::formatter<vedette::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const vedette::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("<secret>", context);
  }
};
