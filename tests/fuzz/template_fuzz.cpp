// Any bytes as an alert template: refused, or expanded within the limits.
#include <cstdint>
#include <string_view>

#include "alerting/template/alert_template.h"

namespace {

using vedette::alerting::tmpl::Environment;

class NoQueries final : public Environment {
 public:
  vedette::Result<std::vector<QuerySample>> Query(std::string_view) override {
    return std::vector<QuerySample>{{vedette::Labels{{"instance", "a"}}, 1}, {vedette::Labels{{"instance", "b"}}, 2}};
  }
  vedette::TimeMs Now() const override { return vedette::TimeMs(0); }
  std::string ExternalUrl() const override { return "http://host/path"; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed =
      vedette::alerting::tmpl::ParseAlertTemplate({reinterpret_cast<const char*>(data), size}, "fuzzed");
  if (!parsed || *parsed == nullptr) return 0;
  NoQueries environment;
  bool failed = false;
  (void)ExpandAlertTemplate(**parsed, environment, {vedette::Labels{{"job", "x"}}, 1.5, {}, "http://host"}, failed);
  return 0;
}
