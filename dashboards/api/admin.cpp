// Work on the store that an operator asks for: deleting, snapshots, flushing, bulk import and export.
#include <charconv>
#include <filesystem>

#include "collector/bulk/exporter.h"
#include "collector/bulk/importer.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

/// About the size of one answer of export; a series is never cut.
constexpr std::size_t kExportBytes = 8 << 20;
/// Samples one import request may hold in memory.
constexpr std::size_t kImportSamples = 4'000'000;

/// Runs an action unless the admin API is switched off.
template <class Function>
Response Admin(const ApiContext& context, Function&& function) {
  if (!context.options.admin_api || context.admin == nullptr) {
    return ErrorResponse({Code::kUnavailable, "admin APIs disabled"});
  }
  return Answer(std::forward<Function>(function));
}

Result<collector::BulkFormat> FormatParameter(const Parameters& parameters) {
  const auto format = collector::ParseBulkFormat(parameters.Has("format") ? parameters.Get("format") : "jsonl");
  if (!format) return InvalidParameter("format", format.error().message);
  return format;
}

Result<MatcherSets> NamedMatchers(const Parameters& parameters) {
  auto sets = MatchParameters(parameters);
  if (!sets) return InvalidParameter("match[]", sets.error().message);
  return sets;
}

/// Where to go on: behind the series with this id, which the answer before named.
Result<std::size_t> FirstAfter(std::string_view text, std::span<const storage::SeriesEntry> entries) {
  if (text.empty()) return std::size_t{0};
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return InvalidParameter("after", "not a number");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].id == storage::SeriesId(id)) return i + 1;
  }
  return Fail(Code::kBadData, "the series after which to go on is gone; start again");
}

}  // namespace

Response Flush(const ApiContext& context, const Request&) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_CHECK(context.storage.Flush());
    return NoContent();
  });
}

Response DeleteSeries(const ApiContext& context, const Request& request) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    if (!parameters.Has("match[]")) return Fail(Code::kBadData, "no match[] parameter provided");
    VEDETTE_TRY(const TimeRange range, RangeParameters(parameters));
    VEDETTE_TRY(const MatcherSets sets, NamedMatchers(parameters));
    for (const std::vector<Matcher>& matchers : sets) VEDETTE_CHECK(context.admin->Delete(matchers, range));
    return NoContent();
  });
}

Response CleanTombstones(const ApiContext& context, const Request&) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_CHECK(context.admin->CleanTombstones());
    return NoContent();
  });
}

Response Snapshot(const ApiContext& context, const Request& request) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    // Prometheus leaves out samples that are not in a block yet; here they are in the journal, which always comes
    // along.
    VEDETTE_TRY([[maybe_unused]] const bool skip_head,
                BoolParameter(parameters, "skip_head", false, "unable to parse boolean: "));
    VEDETTE_TRY(const std::string path, context.admin->Snapshot());
    Success success;
    success.json().BeginObject();
    success.json().Key("name");
    success.json().String(std::filesystem::path(path).filename().string());
    success.json().Key("path");
    success.json().String(path);
    success.json().End();
    return std::move(success).Finish();
  });
}

Response Import(const ApiContext& context, const Request& request) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_TRY(const collector::BulkFormat format, FormatParameter(request.query));
    const auto writer = context.admin->NewBulkWriter();
    collector::Importer importer(*writer, format, kImportSamples);
    VEDETTE_CHECK(importer.Feed(request.body));
    VEDETTE_TRY(const collector::ImportReport report, importer.Finish());
    Success success;
    JsonWriter& json = success.json();
    json.BeginObject();
    const auto number = [&](std::string_view key, std::uint64_t value) {
      json.Key(key);
      json.Uint(value);
    };
    number("lines", report.lines);
    number("series", report.series);
    number("samples", report.samples);
    number("stored", report.outcome.stored);
    number("tooOld", report.outcome.too_old);
    number("tooNew", report.outcome.too_new);
    number("badLines", report.bad_lines);
    json.Key("firstBad");
    json.BeginArray();
    for (const auto& bad : report.first_bad) {
      json.BeginObject();
      number("line", bad.number);
      json.Key("error");
      json.String(bad.error);
      json.End();
    }
    json.End();
    json.End();
    return std::move(success).Finish();
  });
}

Response Export(const ApiContext& context, const Request& request) {
  return Admin(context, [&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    if (!parameters.Has("match[]")) return Fail(Code::kBadData, "no match[] parameter provided");
    VEDETTE_TRY(const collector::BulkFormat format, FormatParameter(parameters));
    VEDETTE_TRY(const TimeRange range, RangeParameters(parameters));
    VEDETTE_TRY(const MatcherSets sets, NamedMatchers(parameters));
    if (sets.size() != 1) return Fail(Code::kBadData, "one match[] parameter expected");
    const auto querier = context.storage.NewQuerier(range);
    VEDETTE_TRY(collector::Exporter exporter, collector::Exporter::Start(*querier, sets.front(), format));
    VEDETTE_TRY(std::size_t at, FirstAfter(parameters.Get("after"), exporter.entries()));
    Response response;
    if (at == 0) exporter.Begin(response.body);
    for (; at < exporter.entries().size() && response.body.size() < kExportBytes; ++at) {
      if (request.stop.stop_requested()) return Fail(Code::kCanceled, "the client went away");
      VEDETTE_CHECK(exporter.Append(at, response.body));
    }
    if (at < exporter.entries().size()) {
      const auto id = static_cast<std::uint64_t>(exporter.entries()[at - 1].id);
      response.headers.Set("X-Vedette-After", std::to_string(id));
    } else {
      exporter.End(response.body);
    }
    if (exporter.left_out() > 0) response.headers.Set("X-Vedette-Left-Out", std::to_string(exporter.left_out()));
    response.headers.Set("Content-Type", "text/plain; charset=utf-8");
    return response;
  });
}

}  // namespace vedette::dashboards::api
