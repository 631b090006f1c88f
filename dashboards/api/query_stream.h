// query_range for results that are too large for one JSON document: a series at a time, as far as the client reads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "analytics/promql/engine.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// How the series of a stream are written; a row of a table.
struct StreamFormat;

/// The format that an Accept header names, null when that is JSON.
const StreamFormat* StreamFormatOf(std::string_view accept);

/// The answer: evaluates the first part, so that what is wrong with the query has its status, and the others as they
/// are sent. `limit`: of series, 0: none. What goes wrong later ends the body as the format says it.
Result<Response> StreamResponse(const StreamFormat& format, std::unique_ptr<promql::RangeStream> stream,
                                std::size_t limit);

}  // namespace vedette::dashboards
