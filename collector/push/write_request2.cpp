// The second version of remote write: every string is in a table in front.
#include <fmt/ranges.h>

#include "collector/push/wire.h"
#include "collector/push/write_request.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

Error Malformed2(std::string_view what) { return Fail(Code::kBadData, "malformed protobuf in {}", what); }

Status ReadSample2(WireReader& outer, PushedSeries& series) {
  storage::Sample sample{TimeMs(0), 0};
  TimeMs start = kNoTime;
  WireReader reader(outer.Bytes());
  while (reader.Next()) {
    if (reader.Is(1, Type::kFixed64)) {
      sample.value = reader.Double();
    } else if (reader.Is(2, Type::kVarint)) {
      sample.time = TimeMs(reader.Varint());
    } else if (reader.Is(3, Type::kVarint)) {
      start = TimeMs(reader.Varint());
    } else {
      reader.SkipUnknown(1U << 1 | 1U << 2 | 1U << 3);
    }
  }
  if (!reader.ok() || !outer.ok()) return Malformed2("a sample");
  if (start != kNoTime) series.starts.resize(series.samples.size(), kNoTime);
  series.samples.push_back(sample);
  if (!series.starts.empty() || start != kNoTime) series.starts.push_back(start);
  return Ok();
}

struct MetadataReferences {
  std::uint64_t type = 0, help = 0, unit = 0;
};

Status ReadMetadata2(std::string_view bytes, MetadataReferences& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kVarint)) {
      out.type = static_cast<std::uint64_t>(reader.Varint());
    } else if (reader.Is(3, Type::kVarint)) {
      out.help = static_cast<std::uint32_t>(reader.Varint());
    } else if (reader.Is(4, Type::kVarint)) {
      out.unit = static_cast<std::uint32_t>(reader.Varint());
    } else {
      reader.SkipUnknown(1U << 1 | 1U << 3 | 1U << 4);
    }
  }
  return reader.ok() ? Ok() : Status(Malformed2("metadata"));
}

/// Sets the series' problem when something points beyond the table.
void Resolve(const MetadataReferences& metadata, const SymbolTable& symbols, PushedSeries& series) {
  const auto problem = [&](std::string_view what, const std::string& why) {
    constexpr std::size_t kShown = 64;
    const std::size_t shown = std::min(series.label_references.size(), kShown);
    series.problem = fmt::format("parsing {} for series [{}]: {}", what,
                                 fmt::join(std::span(series.label_references).first(shown), " "), why);
  };
  const auto outside = [&](std::string_view field, std::uint64_t reference) {
    return fmt::format("metadata {} {} outside of symbols table (size {})", field, reference, symbols.size());
  };
  if (const Status found = LookUpLabels(symbols, series.label_references, nullptr); !found) {
    return problem("labels", found.error().message);
  }
  // As Prometheus, which reads metadata that nobody sent as references to the first symbol.
  if (!symbols.Has(metadata.unit)) return problem("metadata", outside("unit_ref", metadata.unit));
  if (!symbols.Has(metadata.help)) return problem("metadata", outside("help_ref", metadata.help));
  if (metadata.type == 0 && symbols[metadata.help].empty() && symbols[metadata.unit].empty()) return;
  series.metadata = {{}, PushedTypeName(metadata.type), symbols[metadata.help], symbols[metadata.unit]};
}

Status ReadSeries2(std::string_view bytes, const SymbolTable& symbols, const WriteRequestSink& sink,
                   PushedSeries& series) {
  MetadataReferences metadata;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == 1) {
      const bool read = reader.Repeated(Type::kVarint, [&](WireReader& items) {
        const auto reference = static_cast<std::uint32_t>(items.Varint());
        if (series.label_references.size() <= 2 * kMaxPushedLabels) series.label_references.push_back(reference);
      });
      if (!read) reader.SkipUnknown(1U << 1);
      if (series.label_references.size() > 2 * kMaxPushedLabels) {
        return Fail(Code::kLimit, "a series with more than {} labels", kMaxPushedLabels);
      }
    } else if (reader.Is(2, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.samples.size()));
      VEDETTE_CHECK(ReadSample2(reader, series));
    } else if (reader.Is(3, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.histograms.size()));
      series.histograms.push_back(reader.Bytes());
    } else if (reader.Is(4, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.exemplars.size()));
      series.exemplars.push_back(reader.Bytes());
    } else if (reader.Is(5, Type::kBytes)) {
      VEDETTE_CHECK(ReadMetadata2(reader.Bytes(), metadata));
    } else if (reader.Is(6, Type::kVarint)) {
      series.start = TimeMs(reader.Varint());
    } else {
      reader.SkipUnknown(0x7e);  // 1 to 6
    }
  }
  if (!reader.ok()) return Malformed2("a time series");
  Resolve(metadata, symbols, series);
  return Ok();
}

/// Those in front of the series and, because protobuf does not promise an order, those behind as well.
Status ReadSymbols(std::string_view message, SymbolTable& symbols) {
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.Is(4, Type::kBytes)) {
      reader.SkipUnknown(1U << 4);
      continue;
    }
    const std::string_view symbol = reader.Bytes();
    if (!reader.ok()) break;
    if (symbols.size() == SymbolTable::kMax) {
      return Fail(Code::kLimit, "request with more than {} symbols", SymbolTable::kMax);
    }
    symbols.Add(symbol);
  }
  return reader.ok() ? Ok() : Status(Malformed2("the request"));
}

}  // namespace

Status ReadWriteRequest2(std::string_view message, const SeriesCache& hasher, const WriteRequestSink& sink) {
  SymbolTable symbols(hasher);
  VEDETTE_CHECK(ReadSymbols(message, symbols));
  PushedSeries series;
  series.symbols = &symbols;
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.Is(5, Type::kBytes)) {
      reader.SkipUnknown(1U << 5);
      continue;
    }
    series.Clear();
    VEDETTE_CHECK(ReadSeries2(reader.Bytes(), symbols, sink, series));
    if (!reader.ok()) break;
    if (series.problem.empty()) series.key = symbols.KeyOf(series.label_references);
    VEDETTE_CHECK(sink.series(series));
  }
  return reader.ok() ? Ok() : Status(Malformed2("the request"));
}

}  // namespace vedette::collector
