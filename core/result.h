// Errors as values: Result<T> carries a T or an Error. See docs/architecture.md, "Errors".
//
// Input, network, disk and limits give a Result; a broken invariant is a bug and aborts. Exceptions stay inside
// libraries. The Code decides behaviour (HTTP status, retry, drop); the message is for people and says what, where and
// the offending value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/system/result.hpp>

namespace vedette {

/// What a caller may do about an error. Values are stable: own metrics and logs print them.
enum class Code : std::uint8_t {
  kBadData,      // the input is wrong; repeating it will not help
  kNotFound,     // the thing named does not exist
  kOutOfOrder,   // a sample outside what the store accepts
  kLimit,        // a configured limit would be exceeded
  kTimeout,      // the deadline passed
  kCanceled,     // the caller gave up
  kExecution,    // a well-formed query that cannot be evaluated on this data
  kUnavailable,  // not now: try again later
  kIo,           // the operating system refused
  kCorruption,   // stored data is not what was written
  kInternal,     // a library threw or a state was reached that should not exist
};

/// Lower-case name of `code`, e.g. "bad_data".
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;
};

/// Needed by boost::system::result: reading a value that is not there is a bug. Aborts with the message.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

template <class T = void>
struct [[nodiscard]] Result : boost::system::result<T, Error> {
  using boost::system::result<T, Error>::result;
};

using Status = Result<>;

/// Result<void> needs a value to return: `return Ok();`
inline Status Ok() { return Status(boost::system::in_place_value); }

/// Builds an Error with a formatted message: `return Fail(Code::kBadData, "value '{}' is not a number", text);`
template <class... Args>
Error Fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

/// The same error with `context` put before its message: "config.yml:3:5: unknown key 'x'".
Error Annotate(std::string_view context, Error error);

}  // namespace vedette

#define VEDETTE_CONCAT_INNER(a, b) a##b
#define VEDETTE_CONCAT(a, b) VEDETTE_CONCAT_INNER(a, b)

/// VEDETTE_TRY(const Fields fields, SplitFields(line)); binds the value, or leaves the function with the error.
#define VEDETTE_TRY(declaration, ...) \
  VEDETTE_TRY_INNER(VEDETTE_CONCAT(vedette_result_, __LINE__), declaration, __VA_ARGS__)
#define VEDETTE_TRY_INNER(result, declaration, ...) \
  auto result = (__VA_ARGS__);                      \
  if (!result) return std::move(result).error();    \
  declaration = std::move(*result)

/// VEDETTE_CHECK(WriteHeader(out)); leaves the function with the error, if there is one.
#define VEDETTE_CHECK(...) VEDETTE_CHECK_INNER(VEDETTE_CONCAT(vedette_status_, __LINE__), __VA_ARGS__)
#define VEDETTE_CHECK_INNER(status, ...)           \
  do {                                             \
    auto status = (__VA_ARGS__);                   \
    if (!status) return std::move(status).error(); \
  } while (false)
