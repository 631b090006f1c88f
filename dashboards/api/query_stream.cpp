#include "dashboards/api/query_stream.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "core/histogram_buckets.h"
#include "core/numbers.h"
#include "core/url.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/json_writer.h"
#include "dashboards/api/query_result.h"

namespace vedette::dashboards {

namespace {

using promql::ResultSeries;

/// A piece is sent when it has so many bytes.
constexpr std::size_t kPieceBytes = 256 << 10;

/// How far a series is written.
struct SeriesPlace {
  std::size_t next = 0;  // point
  JsonWriter line;       // of a series in JSON: its brackets
};

/// What the end of a stream says.
struct StreamEnd {
  std::uint64_t series = 0;
  promql::Annotations notes;
  std::optional<Error> error;
};

// JSON lines: {"metric":...,"values":...} for each series, then {"status":...}.

bool WriteJsonLine(const ResultSeries& series, SeriesPlace& place, std::string& out) {
  if (place.next == 0) place.line = JsonWriter();
  place.line.text() = std::move(out);
  const bool over = WriteSomeOfSeries(place.line, series, place.next, kPieceBytes);
  out = std::move(place.line.text());
  if (over) out += '\n';
  return over;
}

void EndJsonLines(const StreamEnd& end, std::string& out) {
  JsonWriter json;
  json.text() = std::move(out);
  json.BeginObject().Key("status").String(end.error ? "error" : "success");
  if (end.error) json.Key("errorType").String(ErrorTypeOf(*end.error)).Key("error").String(end.error->message);
  json.Key("series").Uint(end.series);
  WriteNotes(json, end.notes);
  json.End();
  out = std::move(json).Take() + "\n";
}

// CSV: a line for each sample, under the names of the columns. An error cuts the connection.

void AppendCsvField(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void AppendCsvLine(std::string_view metric, std::int64_t time_ms, std::string_view value, std::string& out) {
  out += metric;
  out += ',';
  AppendUnixSeconds(out, TimeMs(time_ms));
  out += ',';
  out += value;
  out += '\n';
}

bool WriteCsv(const ResultSeries& series, SeriesPlace& place, std::string& out) {
  std::string metric, value;
  AppendCsvField(series.labels.ToString(), metric);
  const std::size_t points = series.points.size(), all = points + series.histograms.size();
  for (; place.next < all && out.size() < kPieceBytes; ++place.next) {
    value.clear();
    if (place.next < points) {
      const promql::Point& point = series.points[place.next];
      AppendSampleValue(value, point.value);
      AppendCsvLine(metric, point.time_ms, value, out);
    } else {
      const promql::HistogramPoint& point = series.histograms[place.next - points];
      AppendCsvField(FormatHistogram(*point.histogram), value);
      AppendCsvLine(metric, point.time_ms, value, out);
    }
  }
  return place.next == all;
}

void EndCsv(const StreamEnd& /*end*/, std::string& /*out*/) {}

}  // namespace

/// `write` goes on where it stopped when the piece was large enough; true: the series is over.
struct StreamFormat {
  std::string_view media_type;
  std::string_view content_type;
  std::string_view head;  // in front of everything
  bool (*write)(const ResultSeries& series, SeriesPlace& place, std::string& out);
  void (*end)(const StreamEnd& end, std::string& out);
  bool tells_errors = false;
};

namespace {

constexpr auto kFormats = std::to_array<StreamFormat>({
    {"application/x-ndjson", "application/x-ndjson", "", WriteJsonLine, EndJsonLines, true},
    {"text/csv", "text/csv; charset=utf-8; header=present", "metric,timestamp,value\n", WriteCsv, EndCsv, false},
});

/// From parts of the result to pieces of the body. Called by one thread at a time.
class SeriesPieces {
 public:
  SeriesPieces(const StreamFormat& format, std::unique_ptr<promql::RangeStream> stream, std::size_t limit)
      : format_(format), stream_(std::move(stream)), limit_(limit) {}

  /// Evaluates the next part. Errors: those of the query.
  Status Load() {
    VEDETTE_TRY(std::optional<promql::QueryOutcome> part, stream_->Next());
    all_ = !part.has_value();
    if (!part) return Ok();
    for (std::string& warning : part->notes.warnings) Note(std::move(warning), warnings_, end_.notes.warnings);
    for (std::string& info : part->notes.infos) Note(std::move(info), infos_, end_.notes.infos);
    series_ = std::move(part->value.series);
    next_ = 0;
    return Ok();
  }

  Piece Next(std::string& out) {
    while (out.size() < kPieceBytes) {
      if (next_ == series_.size()) {
        series_ = {};
        next_ = 0;
        if (!all_) {
          if (const Status loaded = Load(); !loaded) return Break(loaded.error(), out);
          continue;
        }
        return End(out);
      }
      if (limit_ != 0 && end_.series == limit_) {
        Note("results truncated due to limit", warnings_, end_.notes.warnings);
        return End(out);
      }
      if (!format_.write(series_[next_], place_, out)) continue;
      place_ = {};
      series_[next_++] = {};
      ++end_.series;
    }
    return Piece::kMore;
  }

 private:
  static void Note(std::string note, std::set<std::string>& seen, std::vector<std::string>& notes) {
    if (seen.insert(note).second) notes.push_back(std::move(note));
  }

  Piece Break(const Error& error, std::string& out) {
    if (!format_.tells_errors) return Piece::kBroken;
    end_.error = error;
    return End(out);
  }

  /// The query is over here, whatever the client does with the rest.
  Piece End(std::string& out) {
    stream_.reset();
    series_ = {};
    format_.end(end_, out);
    return Piece::kLast;
  }

  const StreamFormat& format_;
  std::unique_ptr<promql::RangeStream> stream_;
  const std::size_t limit_;
  std::vector<ResultSeries> series_;
  std::size_t next_ = 0;
  SeriesPlace place_;  // in series_[next_]
  bool all_ = false;
  StreamEnd end_;
  std::set<std::string> warnings_, infos_;
};

}  // namespace

const StreamFormat* StreamFormatOf(std::string_view accept) {
  // The first entry decides: whoever wants a stream says so.
  const std::string_view first = accept.substr(0, accept.find_first_of(",;"));
  const std::string_view name = first.substr(0, first.find_last_not_of(" \t") + 1);
  const auto* const found = std::ranges::find_if(
      kFormats, [&](const StreamFormat& format) { return EqualsIgnoreCase(name, format.media_type); });
  return found == kFormats.end() ? nullptr : found;
}

Result<Response> StreamResponse(const StreamFormat& format, std::unique_ptr<promql::RangeStream> stream,
                                std::size_t limit) {
  const auto pieces = std::make_shared<SeriesPieces>(format, std::move(stream), limit);
  VEDETTE_CHECK(pieces->Load());
  Response response;
  response.headers.Set("Content-Type", std::string(format.content_type));
  response.headers.Add("Vary", "Accept");
  response.body = format.head;
  response.more = [pieces](std::string& out) { return pieces->Next(out); };
  return response;
}

}  // namespace vedette::dashboards
