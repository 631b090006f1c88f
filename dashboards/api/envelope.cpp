#include "dashboards/api/envelope.h"

#include <algorithm>
#include <utility>

namespace vedette::dashboards {

namespace {

/// Prometheus' name of a kind of error and the HTTP status that goes with it.
struct ErrorKind {
  std::string_view type;
  int status;
};

ErrorKind KindOf(Code code) {
  switch (code) {
    case Code::kBadData:
      return {"bad_data", 400};
    case Code::kNotFound:
      return {"not_found", 404};
    case Code::kLimit:
    case Code::kExecution:
      return {"execution", 422};
    case Code::kCanceled:
      return {"canceled", 499};
    case Code::kTimeout:
      return {"timeout", 503};
    case Code::kUnavailable:  // Prometheus gives this type no status of its own
      return {"unavailable", 500};
    case Code::kOutOfOrder:
    case Code::kIo:
    case Code::kCorruption:
    case Code::kInternal:
      break;
  }
  return {"internal", 500};
}

void AppendNotes(JsonWriter& json, std::string_view key, std::string_view word, const std::vector<std::string>& notes) {
  constexpr std::size_t kShown = 10;
  if (notes.empty()) return;
  json.Key(key).BeginArray();
  for (std::size_t i = 0; i < std::min(kShown, notes.size()); ++i) json.String(notes[i]);
  if (notes.size() > kShown) {
    json.String(fmt::format("{} more {} annotations omitted", notes.size() - kShown, word));
  }
  json.End();
}

}  // namespace

Success::Success() { json_.BeginObject().Key("status").String("success").Key("data"); }

Response Success::Finish(const promql::Annotations& notes) && {
  WriteNotes(json_, notes);
  json_.End();
  return JsonResponse(200, std::move(json_).Take());
}

void WriteNotes(JsonWriter& json, const promql::Annotations& notes) {
  AppendNotes(json, "warnings", "warning", notes.warnings);
  AppendNotes(json, "infos", "info", notes.infos);
}

std::string_view ErrorTypeOf(const Error& error) { return KindOf(error.code).type; }

Response NoContent() {
  Response response;
  response.status = 204;
  return response;
}

Response ErrorResponse(const Error& error) {
  const ErrorKind kind = KindOf(error.code);
  JsonWriter json;
  json.BeginObject().Key("status").String("error").Key("errorType").String(kind.type);
  json.Key("error").String(error.message).End();
  return JsonResponse(kind.status, std::move(json).Take());
}

Error InvalidParameter(std::string_view name, std::string_view reason) {
  return Fail(Code::kBadData, "invalid parameter \"{}\": {}", name, reason);
}

}  // namespace vedette::dashboards
