// The HTTP side of a scrape without the network: what is asked for, and which format came back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/exposition/parser.h"
#include "collector/options.h"
#include "collector/scrape/target.h"
#include "core/http_client.h"
#include "core/result.h"

namespace vedette::collector {

/// The Accept header for `protocols`, most wanted first.
std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols, NameEscaping escaping);

HttpRequest ScrapeRequest(const ScrapeConfig& job, const Target& target, std::string_view accept);

/// Which parser a reply of this Content-Type is for.
/// Errors: kBadData in Prometheus' words for a missing or unsupported type and no fallback_scrape_protocol.
Result<ExpositionFormat> FormatOf(std::string_view content_type, std::optional<ScrapeProtocol> fallback);

/// The body of a reply as metrics. Errors: kUnavailable for another status than 200, and those of FormatOf().
Result<ExpositionFormat> CheckResponse(const HttpResponse& response, const ScrapeConfig& job);

}  // namespace vedette::collector
