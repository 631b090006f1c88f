// A native histogram in the JSON lines of import and export:
//
//   {"schema":3,"zero_threshold":1e-128,"integers":true,"reset":0,"count":7,"sum":1.5,"zero_count":1,
//    "positive_spans":[-2,3],"positive":[1,2,3],"negative_spans":[],"negative":[]}
//
// Spans are offset and length in turn, as in remote write, with plain counts; own bounds (schema -53) are "bounds".
#pragma once

#include <string>
#include <vector>

#include "collector/bulk/json_scanner.h"
#include "core/histogram.h"

namespace vedette::collector {

/// Appends the histogram that stands next, which need not be valid; one that has the layout of the one before shares
/// it.
bool ReadJsonHistogram(JsonScanner& in, std::vector<Histogram>& out);

void AppendJsonHistogram(std::string& out, const Histogram& histogram);

/// A sample value; what JSON has no number for in quotes.
void AppendJsonNumber(std::string& out, double value);

}  // namespace vedette::collector
