// Any text: parse, print, parse again; the two prints are equal, and pretty text means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "analytics/promql/parser.h"
#include "analytics/promql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::promql;
  const ParserOptions everything{true, true, true, true};
  const auto expr = ParseExpr(std::string_view(reinterpret_cast<const char*>(data), size), everything);
  if (!expr) return 0;
  const std::string printed = Print(**expr);
  for (const std::string& text : {printed, PrettyPrint(**expr), Print(*Clone(**expr))}) {
    const auto again = ParseExpr(text, everything);
    if (!again || Print(**again) != printed) std::abort();
  }
  return 0;
}
