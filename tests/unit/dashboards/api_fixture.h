// The whole API on a memory store, called through the router as the server would, without a socket.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "dashboards/api/routes.h"
#include "dashboards/http/router.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::dashboards {

using Form = std::vector<std::pair<std::string, std::string>>;

class ApiFixture {
 public:
  ApiFixture() {
    context.admin = storage.get();
    AddApiRoutes(router_, context);
  }

  /// Samples at now, one minute before, and so on: the newest value first.
  void Store(const Labels& labels, const std::vector<double>& newest_first) {
    const auto appender = storage->NewAppender();
    const storage::SeriesId id = MustHave(appender->Series(labels));
    TimeMs time = clock.Now();
    for (const double value : newest_first) {
      appender->Add(id, time, value);
      time -= Millis(60'000);
    }
    MustHave(appender->Commit());
  }

  Response Call(Method method, const std::string& path, Form form = {}, Headers headers = {}, std::string body = {}) {
    const Router::Match match = router_.Find(method, path);
    if (match.handler == nullptr) return match.refusal;
    Request request;
    request.method = method;
    request.path = path;
    request.path_parameter = match.path_parameter;
    request.query = Parameters(std::move(form));
    request.headers = std::move(headers);
    request.body = std::move(body);
    return (*match.handler)(request);
  }

  /// GET below /api/v1/. The body, and the status in front when it is not 200.
  std::string Get(const std::string& path, Form form = {}) {
    return Text(Call(kGet, "/api/v1/" + path, std::move(form)));
  }
  static std::string Text(const Response& response) {
    const std::string status = response.status == 200 ? "" : std::to_string(response.status) + " ";
    return status + std::string(response.Body());
  }

  static std::string Ok(const std::string& data) { return R"({"status":"success","data":)" + data + "}"; }
  static std::string Bad(const std::string& error, int status = 400, const std::string& type = "bad_data") {
    return std::to_string(status) + R"( {"status":"error","errorType":")" + type + R"(","error":")" + error + "\"}";
  }

  test::FakeClock clock;  // 1700000000
  std::unique_ptr<storage::MemoryStore> storage = storage::NewMemoryStorage({}, clock);
  prometheus::Registry registry;
  promql::Engine engine{*storage, {}, clock, registry};
  ApiContext context{*storage, engine, clock, registry};

 private:
  Router router_;
};

}  // namespace vedette::dashboards
