// The chunks of native histograms of Prometheus' store, which remote read streams.
//
//   2 bytes big-endian: samples. 1 byte: in its high bits whether the first is a counter reset (10), or all are gauges
//   (11). Then bits: zero threshold (a byte: 0 none, n the power of two n - 244, 255: 64 bits follow), schema, spans of
//   both signs (number; of each length and offset), upper bounds if the schema is that of bounds.
//   A sample: time, count, zero count, sum, buckets. Of integers the numbers are differences of differences, the
//   buckets being differences to their left neighbour already; of floats they are XORed with those before, the first is
//   written as it is. A staleness marker has no buckets.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/histogram.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// What a histogram counts for where samples are counted: as much as floats of its size.
std::size_t SampleWeight(const Histogram& histogram);

/// Appends the samples; `hold` is asked with the weight of each before it is made. Errors: kBadData for a chunk that
/// ends too early, or what ValidateHistogram() says; those of `hold`.
Status DecodeHistogramChunk(std::string_view chunk, bool integers,
                            const std::function<Status(std::size_t weight)>& hold, storage::HistogramColumns& out);

/// How many from the first on one chunk takes: of one kind and layout, without a counter reset in between.
std::size_t FitHistogramChunk(std::span<const Histogram> histograms);
/// Shapes: both have as many as FitHistogramChunk() says; times ascend.
std::string EncodeHistogramChunk(std::span<const std::int64_t> times, std::span<const Histogram> histograms);
/// Whether it is a chunk of integers; a staleness marker is.
bool IsIntegerChunk(const Histogram& first);

}  // namespace vedette::collector
