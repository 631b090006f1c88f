#include "collector/discovery/json_reader.h"

#include <nlohmann/json.hpp>

#include "core/labels.h"

namespace vedette::collector {

Status CheckJsonSize(std::string_view body) {
  std::size_t values = 1, depth = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    switch (body[i]) {
      case '"':
        for (++i; i < body.size() && body[i] != '"'; ++i) {
          if (body[i] == '\\') ++i;
        }
        continue;
      case '[':
      case '{':
        if (++depth > kMaxJsonDepth) return Fail(Code::kLimit, "nested more than {} times", kMaxJsonDepth);
        break;  // its first element has nothing else before it
      case ']':
      case '}':
        if (depth > 0) --depth;
        continue;
      case ',':
        break;
      default:
        continue;
    }
    if (++values > kMaxJsonValues) return Fail(Code::kLimit, "more than {} values", kMaxJsonValues);
  }
  return Ok();
}

JsonReader::JsonReader(std::string_view body) {
  if (const Status fits = CheckJsonSize(body); !fits) {
    failed_ = true;
    error_ = fits.error().message;
    return;
  }
  try {
    root_ = std::make_unique<Json>(Json::parse(body));
  } catch (const Json::parse_error& error) {
    failed_ = true;
    error_ = fmt::format("not JSON, at byte {}", error.byte);
  } catch (const Json::exception&) {
    failed_ = true;
    error_ = "not JSON: a number is out of range";
  }
}

JsonReader::~JsonReader() = default;

/// Null when it is missing or null.
const JsonReader::Json* JsonReader::Find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::Refuse(std::string_view key, std::string_view wanted) {
  if (std::exchange(failed_, true)) return;
  error_ = fmt::format("{} is not {}", key, wanted);
}

const JsonReader::Json& JsonReader::Checked(const Json* value, bool object, std::string_view what) {
  static const Json kNoObject = Json::object(), kNoList = Json::array();
  const Json& none = object ? kNoObject : kNoList;
  if (value == nullptr || value->is_null()) return none;
  if (object ? value->is_object() : value->is_array()) return *value;
  Refuse(what, object ? "an object" : "a list");
  return none;
}

const JsonReader::Json& JsonReader::Root(bool object) {
  // Nothing at all is no empty list, which would take all targets away.
  if (root_ && root_->is_null()) Refuse("the reply", object ? "an object" : "a list");
  return Checked(root_.get(), object, "the reply");
}

std::string JsonReader::TextOf(const Json& value, std::string_view key) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  Refuse(key, "a text");
  return {};
}

std::string JsonReader::Text(const Json& object, std::string_view key) {
  const Json* value = Find(object, key);
  return value == nullptr ? std::string() : TextOf(*value, key);
}

std::int64_t JsonReader::Number(const Json& object, std::string_view key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return 0;
  if (value->is_number_integer()) return value->get<std::int64_t>();
  Refuse(key, "a whole number");
  return 0;
}

bool JsonReader::Flag(const Json& object, std::string_view key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  Refuse(key, "true or false");
  return false;
}

std::vector<std::string> JsonReader::Texts(const Json& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& item : List(object, key)) texts.push_back(TextOf(item, key));
  return texts;
}

std::vector<std::pair<std::string, std::string>> JsonReader::TextMap(const Json& object, std::string_view key) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [name, value] : Object(object, key).items()) {
    if (!value.is_null()) texts.emplace_back(name, TextOf(value, Quote(name)));
  }
  return texts;
}

}  // namespace vedette::collector
