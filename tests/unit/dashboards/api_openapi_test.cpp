#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/unit/dashboards/api_fixture.h"

using namespace vedette;
using namespace vedette::dashboards;

namespace {

/// "get /path" of every route, as the document names paths.
std::set<std::string> RoutesAsDocumented() {
  constexpr std::pair<Method, const char*> kMethods[] = {
      {kGet, "get "}, {kPost, "post "}, {kPut, "put "}, {kDelete, "delete "}};
  std::set<std::string> out;
  for (const ApiRoute& route : ApiRoutes()) {
    std::string path(route.path);
    if (path.ends_with('*')) path.replace(path.size() - 1, 1, "{path}");
    for (const auto& [method, name] : kMethods) {
      if ((route.methods & method) != 0) out.insert(name + path);
    }
  }
  return out;
}

std::set<std::string> DocumentedRoutes(const nlohmann::json& document) {
  std::set<std::string> out;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) out.insert(method + " " + path);
  }
  return out;
}

/// Every "$ref" in it.
void CollectReferences(const nlohmann::json& value, std::set<std::string>& out) {
  if (value.is_object() && value.contains("$ref")) out.insert(value["$ref"].get<std::string>());
  if (!value.is_structured()) return;
  for (const auto& item : value) CollectReferences(item, out);
}

}  // namespace

TEST_CASE_METHOD(ApiFixture, "the OpenAPI document has every route and nothing else", "[api][openapi]") {
  const auto document = nlohmann::json::parse(Get("openapi.json"), nullptr, false);
  REQUIRE(document.is_object());
  CHECK(document["openapi"] == "3.1.0");
  CHECK(DocumentedRoutes(document) == RoutesAsDocumented());
  CHECK(Text(Call(kGet, "/api/v1/openapi.yaml")) == Get("openapi.json"));
}

TEST_CASE_METHOD(ApiFixture, "what the OpenAPI document refers to is in it, and named once", "[api][openapi]") {
  const auto document = nlohmann::json::parse(Get("openapi.json"), nullptr, false);
  std::set<std::string> references, ids;
  CollectReferences(document, references);
  CHECK(references.size() > 50);
  for (const std::string& reference : references) {
    INFO(reference);
    REQUIRE(reference.starts_with("#/"));
    CHECK(document.contains(nlohmann::json::json_pointer(reference.substr(1))));
  }
  for (const auto& methods : document["paths"]) {
    for (const auto& operation : methods) {
      INFO(operation["operationId"]);
      CHECK(ids.insert(operation["operationId"].get<std::string>()).second);
      CHECK(operation.contains("responses"));
    }
  }
}
