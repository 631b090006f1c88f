// A file that gets one line of JSON for each thing of one kind that happens: queries, scrapes that failed.
//
// Lines are written by a thread of the file's own, in order; whoever has one never waits. What does not fit the queue,
// because the disk is slower, is dropped and counted, and so is what the reader of a pipe does not take. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

#include "core/log.h"
#include "core/result.h"

namespace vedette {

class JsonLog {
 public:
  /// Lines are added behind those that are there. Errors: kIo "can't create json log file: ...", also for a pipe that
  /// nobody reads.
  static Result<std::shared_ptr<JsonLog>> Open(const std::string& path);
  /// Writes what waits.
  virtual ~JsonLog() = default;

  /// A line with time, level, source, `message` and `members`: more of the object, as it is to be written
  /// ("\"job_name\":\"a\""), or empty.
  virtual void Write(LogLevel level, std::string_view message, std::string_view members,
                     std::source_location where = std::source_location::current()) = 0;
  /// Lines that are not in the file, for whatever reason.
  virtual std::uint64_t dropped() const = 0;
};

/// The text with quotation marks, as JSON writes it.
std::string JsonText(std::string_view text);

}  // namespace vedette
