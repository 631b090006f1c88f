// URLs, references, forms and gzip streams from outside: no crash, and what was parsed prints as something that parses
// to the same.
#include <cstdint>
#include <cstdlib>

#include "core/http_client.h"
#include "core/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  if (const auto url = ParseUrl(first)) {
    const auto again = ParseUrl(url->ToString());
    if (!again || again->ToString() != url->ToString()) std::abort();
    if (first.size() < text.size()) {
      const auto next = ResolveUrl(*url, text.substr(first.size() + 1));
      if (next && !ParseUrl(next->ToString())) std::abort();
    }
  }
  if (PercentDecode(PercentEncode(text)) != text) std::abort();
  static_cast<void>(ParseForm(text, 100));
  static_cast<void>(Gunzip(text, 1 << 20));
  return 0;
}
