#include "core/log.h"

#include <atomic>
#include <mutex>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "core/clock.h"

namespace vedette {
namespace {

std::atomic<LogFormat> g_format{LogFormat::kLogfmt};

/// The one sink; a raw pattern, since lines are laid out here.
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("vedette", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

/// A logfmt value: quoted when it holds anything but plain characters, with line breaks escaped.
void AppendValue(std::string& out, std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"=\\\n\r\t") == std::string_view::npos;
  if (plain) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string LogfmtLine(LogLevel level, std::string_view component, std::string_view message,
                       std::initializer_list<LogField> fields) {
  std::string out = fmt::format("time={} level={} component={} msg=", FormatRfc3339(SystemClock().Now()),
                                LevelName(level), component);
  AppendValue(out, message);
  for (const LogField& field : fields) {
    out.push_back(' ');
    out += field.name;
    out.push_back('=');
    AppendValue(out, field.text);
  }
  return out;
}

std::string JsonLine(LogLevel level, std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields) {
  nlohmann::ordered_json line = {{"time", FormatRfc3339(SystemClock().Now())},
                                 {"level", LevelName(level)},
                                 {"component", component},
                                 {"msg", message}};
  for (const LogField& field : fields) line[std::string(field.name)] = field.text;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return Fail(Code::kBadData, "unknown log level '{}' (debug, info, warn, error)", text);
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  return Fail(Code::kBadData, "unknown log format '{}' (logfmt, json)", text);
}

void ConfigureLogging(LogLevel level, LogFormat format) {
  g_format = format;
  Logger().set_level(SpdlogLevel(level));
}

void Log(LogLevel level, std::string_view component, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& sink = Logger();
  if (!sink.should_log(SpdlogLevel(level))) return;
  const std::string line = g_format.load() == LogFormat::kJson ? JsonLine(level, component, message, fields)
                                                               : LogfmtLine(level, component, message, fields);
  sink.log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

std::string Redacted(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "<redacted>";
  const std::string_view scheme = url.substr(0, scheme_end + 3);
  std::string_view rest = url.substr(scheme_end + 3);
  const auto path_at = rest.find_first_of("/?#");
  std::string_view host = rest.substr(0, path_at);
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  const bool has_more = path_at != std::string_view::npos && rest.size() > path_at + 1;
  return fmt::format("{}{}{}", scheme, host, has_more ? "/<redacted>" : "");
}

}  // namespace vedette
