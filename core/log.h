// Structured logs: one logger per folder, a short constant sentence, then key=value pairs.
//
//   LogInfo("storage", "journal replayed", {{"series", n}, {"seconds", s}});
//
// error: a person should act; warn: degraded; info: life cycle; debug: the rest. Nothing per sample. URLs, tokens and
// headers pass through Redacted().
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/result.h"

namespace vedette {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

/// "debug", "info", "warn", "error"; kBadData names the text otherwise. ParseLogFormat likewise: "logfmt", "json".
Result<LogLevel> ParseLogLevel(std::string_view text);
Result<LogFormat> ParseLogFormat(std::string_view text);

/// Sets level and format of all loggers. Thread-safe. Logs go to standard error.
void ConfigureLogging(LogLevel level, LogFormat format);

struct LogField {
  template <class T>
  LogField(std::string_view key, const T& value) : name(key), text(fmt::format("{}", value)) {}
  LogField(std::string_view key, const Error& error) : name(key), text(error.message) {}
  std::string_view name;
  std::string text;
};

/// Writes one line: time, level, component (the folder), message and fields. Thread-safe.
void Log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, component, message, fields);
}
inline void LogInfo(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, component, message, fields);
}
inline void LogWarn(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarn, component, message, fields);
}
inline void LogError(std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, component, message, fields);
}

/// `url` without user info and with the values of its query and everything that looks like a token in its path hidden:
/// "https://u:p@h/services/T0/B0/xyz?k=v" -> "https://h/<redacted>".
std::string Redacted(std::string_view url);

}  // namespace vedette
