// What a receiver's answer means: done, again later, or never.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.h"
#include "core/result.h"
#include "core/retry_after.h"
#include "core/time.h"

namespace vedette::alerting {

enum class Outcome : std::uint8_t { kDelivered, kRetry, kPermanent };

struct Verdict {
  Outcome outcome = Outcome::kDelivered;
  std::optional<Millis> retry_after;  // not before; from the receiver
  /// The receiver may have taken the message although it did not say so.
  bool maybe_received = false;
  std::string detail;  // for people, without secrets: "HTTP 429: rate limited"
};

/// 2xx done; 408, 425, 429 and 5xx again; every other status never: repeating it blindly will not help.
Verdict ClassifyStatus(const HttpResponse& response, TimeMs now);

/// A request that got no response: again.
Verdict ClassifyFailure(const Error& error);

/// The first characters of a reply's body, cleaned: for the detail.
std::string BodyExcerpt(std::string_view body);

}  // namespace vedette::alerting
