#include "core/result.h"

#include <cstdio>
#include <cstdlib>

namespace vedette {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kBadData:
      return "bad_data";
    case Code::kNotFound:
      return "not_found";
    case Code::kOutOfOrder:
      return "out_of_order";
    case Code::kLimit:
      return "limit";
    case Code::kTimeout:
      return "timeout";
    case Code::kCanceled:
      return "canceled";
    case Code::kExecution:
      return "execution";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kIo:
      return "io";
    case Code::kCorruption:
      return "corruption";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "%s:%u: value of a failed Result: %s\n", where.file_name(), static_cast<unsigned>(where.line()),
               error.message.c_str());
  std::abort();
}

Error Annotate(std::string_view context, Error error) {
  error.message = fmt::format("{}: {}", context, error.message);
  return error;
}

}  // namespace vedette
