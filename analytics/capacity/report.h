// `vedette report capacity`: when does each file system run full, with an interval and a reason.
//
// Reads node_filesystem_avail_bytes and node_filesystem_size_bytes through a range query, asks exhaustion.h per file
// system and prints the answer as text, CSV or JSON. Called on a worker thread or by the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/capacity/exhaustion.h"
#include "analytics/jobs.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::analytics {

struct CapacityOptions {
  Millis history = std::chrono::hours(24 * 28);
  Millis step = std::chrono::hours(1);
  ExhaustionOptions exhaustion;
  /// Only file systems that this selector's matchers accept: `instance="a",mountpoint="/data"`; empty: all.
  std::string matchers;
};

struct CapacityRow {
  Labels labels;          // of the file system, without __name__
  double size_bytes = 0;  // newest
  double avail_bytes = 0;
  Exhaustion outlook;
};

/// One row per file system: those that fill up first come first, then those that do not, then those nothing can be said
/// about; ties by labels. Errors: those of the query.
Result<std::vector<CapacityRow>> FilesystemReport(const RangeQuery& query, TimeMs now,
                                                  const CapacityOptions& options = {});

enum class ReportFormat : std::uint8_t { kText, kCsv, kJson };
/// "text", "csv", "json". Errors: kBadData.
Result<ReportFormat> ParseReportFormat(std::string_view text);
/// Ends with a line break. Dates are UTC; CSV quotes as RFC 4180, JSON has null for what is not known.
std::string RenderReport(const std::vector<CapacityRow>& rows, TimeMs now, ReportFormat format);

}  // namespace vedette::analytics
