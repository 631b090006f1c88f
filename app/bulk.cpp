// `vedette import` and `vedette export`.
//
// Of a running agent both go in pieces: whole lines up there, whole series down here. Whatever happens in between is
// said, with what is stored already.
#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

#include "analytics/promql/parser.h"
#include "app/api_client.h"
#include "app/commands.h"
#include "app/offline_store.h"
#include "collector/bulk/exporter.h"
#include "collector/bulk/importer.h"

namespace vedette::app {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
/// Of one request: far below what the server takes, and some hundred thousand samples.
constexpr std::size_t kRequestBytes = 32 << 20;
constexpr std::size_t kNamedBadLines = 20;

class File {
 public:
  File() = default;
  ~File() {
    if (fd_ > 2) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Status Open(const std::string& name, bool write) {
    fd_ = write ? STDOUT_FILENO : STDIN_FILENO;
    if (name == "-") return Ok();
    fd_ = ::open(name.c_str(), write ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0644);
    return fd_ >= 0 ? Ok() : Status(Fail(Code::kIo, "cannot open {}", name));
  }
  /// Appends to `out`; false at the end.
  Result<bool> Read(std::string& out) {
    const std::size_t size = out.size();
    out.resize(size + kReadBytes);
    const ssize_t n = ::read(fd_, out.data() + size, kReadBytes);
    if (n < 0) return Fail(Code::kIo, "cannot read the file");
    out.resize(size + static_cast<std::size_t>(n));
    return n > 0;
  }
  Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0) return Fail(Code::kIo, "cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return Ok();
  }

 private:
  int fd_ = -1;
};

void Print(const collector::ImportReport& report) {
  for (const auto& bad : report.first_bad) fmt::print(stderr, "line {}: {}\n", bad.number, bad.error);
  if (report.bad_lines > report.first_bad.size()) {
    fmt::print(stderr, "... and {} more bad lines\n", report.bad_lines - report.first_bad.size());
  }
  fmt::print("{} samples of {} series read from {} lines, {} stored, {} too old, {} too new, {} bad lines\n",
             report.samples, report.series, report.lines, report.outcome.stored, report.outcome.too_old,
             report.outcome.too_new, report.bad_lines);
}

Status ImportOffline(const ImportCommand& command, File& file, collector::ImportReport& report) {
  VEDETTE_TRY(const collector::BulkFormat format, collector::ParseBulkFormat(command.format));
  VEDETTE_TRY(const OfflineStore store, OfflineStore::Open(command.storage_path, true));
  const auto writer = store->NewBulkWriter();
  collector::Importer importer(*writer, format);
  const auto feed = [&]() -> Status {
    std::string bytes;
    for (;;) {
      bytes.clear();
      VEDETTE_TRY(const bool more, file.Read(bytes));
      if (!more) break;
      VEDETTE_CHECK(importer.Feed(bytes));
    }
    VEDETTE_TRY([[maybe_unused]] const collector::ImportReport done, importer.Finish());
    return Ok();
  };
  const Status fed = feed();
  report = importer.report();
  return fed;
}

void AddReply(const nlohmann::json& reply, collector::ImportReport& report) {
  const nlohmann::json& data = reply.at("data");
  for (const nlohmann::json& bad : data.at("firstBad")) {
    if (report.first_bad.size() < kNamedBadLines) {
      report.first_bad.push_back({report.lines + bad.at("line").get<std::uint64_t>(), bad.at("error")});
    }
  }
  report.lines += data.at("lines").get<std::uint64_t>();
  report.series = std::max(report.series, data.at("series").get<std::uint64_t>());  // of one request
  report.samples += data.at("samples").get<std::uint64_t>();
  report.outcome.stored += data.at("stored").get<std::uint64_t>();
  report.outcome.too_old += data.at("tooOld").get<std::uint64_t>();
  report.outcome.too_new += data.at("tooNew").get<std::uint64_t>();
  report.bad_lines += data.at("badLines").get<std::uint64_t>();
}

Status ImportOnline(const ImportCommand& command, File& file, collector::ImportReport& report) {
  ApiClient client(command.server);
  std::string head, bytes;
  for (bool more = true; more;) {
    VEDETTE_TRY(more, file.Read(bytes));
    if (more && bytes.size() < kRequestBytes) continue;
    std::size_t end = more ? bytes.rfind('\n') + 1 : bytes.size();
    if (end == 0 && more) continue;  // one long line
    std::string body = head + bytes.substr(0, end);
    if (command.format == "csv" && head.empty()) head = bytes.substr(0, bytes.find('\n') + 1);
    bytes.erase(0, end);
    if (body.empty()) continue;
    VEDETTE_TRY(const HttpResponse response,
                client.Send("admin/tsdb/import", {{"format", command.format}}, std::move(body)));
    AddReply(nlohmann::json::parse(response.body), report);
  }
  return Ok();
}

constexpr const char* kLeftOut = "native histograms were left out: only the format jsonl has them\n";

Status ExportOffline(const ExportCommand& command, File& file) {
  VEDETTE_TRY(const collector::BulkFormat format, collector::ParseBulkFormat(command.format));
  TimeRange range;
  if (!command.start.empty()) {
    VEDETTE_TRY(range.min, ParseTime(command.start));
  }
  if (!command.end.empty()) {
    VEDETTE_TRY(range.max, ParseTime(command.end));
  }
  VEDETTE_TRY(const OfflineStore store, OfflineStore::Open(command.storage_path, false));
  const auto querier = store->NewQuerier(range);
  std::string out;
  bool left_out = false;
  for (std::size_t m = 0; m < command.matchers.size(); ++m) {
    VEDETTE_TRY(const std::vector<Matcher> matchers, promql::ParseMetricSelector(command.matchers[m]));
    VEDETTE_TRY(collector::Exporter exporter, collector::Exporter::Start(*querier, matchers, format));
    if (m == 0) exporter.Begin(out);
    for (std::size_t i = 0; i < exporter.entries().size(); ++i) {
      VEDETTE_CHECK(exporter.Append(i, out));
      if (out.size() < kReadBytes) continue;
      VEDETTE_CHECK(file.Write(out));
      out.clear();
    }
    if (m + 1 == command.matchers.size()) exporter.End(out);
    left_out = left_out || exporter.left_out() > 0;
  }
  if (left_out) fmt::print(stderr, kLeftOut);
  return file.Write(out);
}

Status ExportOnline(const ExportCommand& command, File& file) {
  ApiClient client(command.server);
  bool left_out = false;
  for (const std::string& matcher : command.matchers) {
    std::string after;
    do {
      VEDETTE_TRY(const HttpResponse response, client.Send("admin/tsdb/export", {{"match[]", matcher},
                                                                                 {"format", command.format},
                                                                                 {"start", command.start},
                                                                                 {"end", command.end},
                                                                                 {"after", after}}));
      after.clear();
      for (const auto& [name, value] : response.headers) {
        if (name == "X-Vedette-After" || name == "x-vedette-after") after = value;
        left_out = left_out || name == "X-Vedette-Left-Out" || name == "x-vedette-left-out";
      }
      VEDETTE_CHECK(file.Write(response.body));
    } while (!after.empty());
  }
  if (left_out) fmt::print(stderr, kLeftOut);
  return Ok();
}

}  // namespace

int Import(const ImportCommand& command) {
  File file;
  collector::ImportReport report;
  Status done = file.Open(command.file, false);
  if (done) {
    done = command.storage_path.empty() ? ImportOnline(command, file, report) : ImportOffline(command, file, report);
    Print(report);
  }
  if (!done) {
    fmt::print(stderr, "vedette import: {}\n{}", done.error().message,
               report.outcome.stored > 0 ? "What is reported as stored above stays stored; the rest is not.\n" : "");
  }
  return done && report.bad_lines == 0 ? 0 : 1;
}

int Export(const ExportCommand& command) {
  // CSV's head line and OpenMetrics' end mark stand once.
  if (command.matchers.size() > 1 && (command.format == "csv" || command.format == "openmetrics")) {
    fmt::print(stderr, "vedette export: one --match with --format {}\n", command.format);
    return 2;
  }
  File file;
  Status done = file.Open(command.file, true);
  if (done) done = command.storage_path.empty() ? ExportOnline(command, file) : ExportOffline(command, file);
  if (!done) fmt::print(stderr, "vedette export: {}\n", done.error().message);
  return done ? 0 : 1;
}

}  // namespace vedette::app
