// The strict readers on anything: no crash, errors with a line, and what they accept the linter reads. What is strictly
// right is right for the lenient parser too.
#include <cstdint>
#include <cstdlib>

#include "collector/exposition/parser.h"
#include "collector/exposition/strict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::collector;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto families = ReadStrictOpenMetrics(body)) {
    static_cast<void>(LintFamilies(*families));
    if (!CountSamples(body, ExpositionFormat::kOpenMetrics)) std::abort();
  }
  if (const auto families = ReadStrictText(body)) static_cast<void>(LintFamilies(*families));
  return 0;
}
