#include "alerting/notify/reply.h"

#include <algorithm>

#include "alerting/notify/text_limits.h"
#include "core/retry_after.h"

namespace vedette::alerting {
namespace {

constexpr std::size_t kMaxExcerpt = 200;

bool IsRetryable(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

}  // namespace

std::string BodyExcerpt(std::string_view body) {
  std::string out = CleanAndCut(body.substr(0, 4 * kMaxExcerpt), kMaxExcerpt);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

Verdict ClassifyStatus(const HttpResponse& response, TimeMs now) {
  Verdict verdict;
  if (response.status >= 200 && response.status < 300) return verdict;
  verdict.detail = fmt::format("HTTP {}", response.status);
  if (const std::string excerpt = BodyExcerpt(response.body); !excerpt.empty()) verdict.detail += ": " + excerpt;
  if (!IsRetryable(response.status)) {
    verdict.outcome = Outcome::kPermanent;
    return verdict;
  }
  verdict.outcome = Outcome::kRetry;
  verdict.maybe_received = response.status >= 500;
  verdict.retry_after = ParseRetryAfter(response.Header("Retry-After"), now);
  return verdict;
}

Verdict ClassifyFailure(const Error& error) {
  // What was connected may have been heard; a wrong URL in a secret file may be corrected: both are worth a retry.
  return {Outcome::kRetry, std::nullopt, error.code == Code::kTimeout || error.code == Code::kUnavailable,
          fmt::format("{}: {}", CodeName(error.code), BodyExcerpt(error.message))};
}

}  // namespace vedette::alerting
