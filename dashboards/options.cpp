#include "dashboards/options.h"

#include "core/listen_address.h"
#include "core/matcher.h"

namespace vedette::dashboards {

Status ServerOptions::Validate() const {
  VEDETTE_TRY(const ListenAddress address, ParseListenAddress(listen_address));
  static_cast<void>(address);
  for (const auto& [name, value] : {std::pair<const char*, Millis>{"read_timeout", read_timeout},
                                    {"header_timeout", header_timeout},
                                    {"write_timeout", write_timeout}}) {
    if (value <= Millis(0)) return Fail(Code::kBadData, "{} must be positive, not {}", name, FormatDuration(value));
  }
  if (max_connections == 0) return Fail(Code::kBadData, "max_connections must be at least 1");
  const auto origin = Regex::Compile(cors_origin);
  if (!origin) return Annotate("cors_origin", origin.error());
  return Ok();
}

}  // namespace vedette::dashboards
