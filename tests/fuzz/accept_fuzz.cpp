// Accept headers, and names that are escaped: no crash, and what comes out is of the legacy alphabet.
#include <cstdint>
#include <cstdlib>

#include "collector/exposition/format_choice.h"
#include "core/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const collector::FormatChoice choice = collector::ChooseFormat(text);
  if (collector::ContentTypeOf(choice).empty()) std::abort();
  for (const auto escaping :
       {collector::NameEscaping::kUnderscores, collector::NameEscaping::kDots, collector::NameEscaping::kValues}) {
    const std::string name = collector::EscapeMetricName(text, escaping);
    if (!text.empty() && !IsLegacyMetricName(name)) std::abort();
  }
  return 0;
}
