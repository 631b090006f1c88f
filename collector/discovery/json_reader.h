// Reads JSON replies the way Go's decoder does: what is missing or null is empty, and a value of another kind than its
// key's makes the whole reply an error. The first error is remembered, so that callers look once at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

/// Of one reply. In memory a value takes many times the two bytes that it can be written with.
inline constexpr std::size_t kMaxJsonValues = 3'000'000;
inline constexpr std::size_t kMaxJsonDepth = 1'000;
/// Before a reply is parsed: kLimit when it has more values or is nested more deeply. Says nothing of whether it is
/// JSON.
Status CheckJsonSize(std::string_view body);

class JsonReader {
 public:
  using Json = nlohmann::json;

  explicit JsonReader(std::string_view body);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// The whole reply, which has to be of this kind; an empty one after an error.
  const Json& RootObject() { return Root(true); }
  const Json& RootList() { return Root(false); }

  const Json& Object(const Json& object, std::string_view key) { return Checked(Find(object, key), true, key); }
  const Json& List(const Json& object, std::string_view key) { return Checked(Find(object, key), false, key); }
  std::string Text(const Json& object, std::string_view key);
  std::int64_t Number(const Json& object, std::string_view key);
  bool Flag(const Json& object, std::string_view key);
  std::vector<std::string> Texts(const Json& object, std::string_view key);
  std::vector<std::pair<std::string, std::string>> TextMap(const Json& object, std::string_view key);

  /// kBadData that names a key, when anything was not what it should be.
  Status status() const { return failed_ ? Status(Fail(Code::kBadData, "{}", error_)) : Ok(); }

 private:
  static const Json* Find(const Json& object, std::string_view key);
  const Json& Root(bool object);
  const Json& Checked(const Json* value, bool object, std::string_view what);
  std::string TextOf(const Json& value, std::string_view key);
  void Refuse(std::string_view key, std::string_view wanted);

  std::unique_ptr<Json> root_;
  bool failed_ = false;
  std::string error_;
};

}  // namespace vedette::collector
