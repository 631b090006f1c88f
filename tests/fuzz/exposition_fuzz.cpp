// Any bytes as an exposition: no crash, and reading it with its lines known gives the same samples as the first time.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "collector/exposition/parser.h"
#include "collector/exposition/series_labels.h"

namespace {

using vedette::collector::ExpositionFormat;
using vedette::collector::ExpositionParser;
using vedette::collector::MetricType;
using Event = ExpositionParser::Event;

struct Line {
  Event event;
  std::string_view text;  // series, or whole lines
  double value;
  MetricType type;
};

std::vector<Line> ReadPlain(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  std::vector<Line> lines;
  for (;;) {
    parser.SkipEmptyLines();
    const char* const start = parser.rest().data();
    const Event event = parser.Next();
    if (event == Event::kError && parser.error().message.empty()) std::abort();
    if (event == Event::kError || event == Event::kEnd) return lines;
    if (event == Event::kSeries) {
      if (const auto labels = ParseSeriesLabels(parser.series(), parser.type()); labels && labels->empty())
        std::abort();
      if (!parser.exemplar().empty()) (void)vedette::collector::ParseExemplar(parser.exemplar(), {});
      lines.push_back({event, parser.series(), parser.value(), parser.type()});
    } else {
      const char* const end = parser.rest().data();
      lines.push_back({event, {start, static_cast<std::size_t>(end - start)}, 0, parser.type()});
    }
  }
}

void ReadKnown(std::string_view body, ExpositionFormat format, const std::vector<Line>& lines) {
  ExpositionParser parser(body, format);
  for (const Line& line : lines) {
    parser.SkipEmptyLines();
    if (line.event != Event::kSeries) {
      if (!parser.rest().starts_with(line.text)) std::abort();
      parser.SkipKnown(line.text.size(), line.type);
      continue;
    }
    // A series after blanks is not recognised by its beginning; then the line is read like any other.
    const bool known = parser.rest().starts_with(line.text);
    const Event event = known ? parser.NextKnown(line.text.size()) : parser.Next();
    const double value = parser.value();
    if (event != Event::kSeries || parser.series() != line.text) std::abort();
    if (std::memcmp(&value, &line.value, sizeof value) != 0) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = data[0] % 2 == 0 ? ExpositionFormat::kText : ExpositionFormat::kOpenMetrics;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReadKnown(body, format, ReadPlain(body, format));
  return 0;
}
