// /api/v1/openapi.json: what the endpoints take and answer. The document is openapi.json in this folder, kept by hand:
// a route without an entry, or an entry without a route, fails a unit test, and the integration tests hold every answer
// against it.
#include "dashboards/api/handlers.h"

// What dashboards/CMakeLists.txt embeds.
extern "C" const char vedette_api_openapi_json[], vedette_api_openapi_json_end[];

namespace vedette::dashboards::api {

namespace {

std::shared_ptr<const std::string> OpenApiText() {
  static const auto text = std::make_shared<const std::string>(vedette_api_openapi_json, vedette_api_openapi_json_end);
  return text;
}

}  // namespace

Response OpenApi(const ApiContext&, const Request&) {
  Response response = JsonResponse(200, {});
  response.shared_body = OpenApiText();
  return response;
}

// JSON is YAML, too.
Response OpenApiYaml(const ApiContext&, const Request&) {
  Response response;
  response.headers.Set("Content-Type", "application/yaml");
  response.shared_body = OpenApiText();
  return response;
}

}  // namespace vedette::dashboards::api
