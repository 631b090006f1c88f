#include "dashboards/web/pages.h"

#include "core/http_client.h"
#include "dashboards/web/assets.h"
#include "tests/support/catch.h"

namespace vedette::dashboards {
namespace {

Response Ask(const Router& router, std::string_view path, Headers headers = {}) {
  const Router::Match match = router.Find(kGet, path);
  if (match.handler == nullptr) return match.refusal;
  Request request;
  request.headers = std::move(headers);
  return (*match.handler)(request);
}

TEST_CASE("the pages are in the binary, compressed and with an ETag", "[web]") {
  Router router;
  AddPages(router);
  const Response plain = Ask(router, "/");
  CHECK(plain.status == 200);
  CHECK(plain.Body().find("<!doctype html>") == 0);
  CHECK(plain.headers.Get("Content-Security-Policy").find("default-src 'self'") == 0);
  const Response packed = Ask(router, "/query", {{"Accept-Encoding", "gzip, br"}});
  CHECK(packed.headers.Get("Content-Encoding") == "gzip");
  CHECK(MustHave(Gunzip(packed.Body(), 1 << 20)) == plain.Body());
  const Response again = Ask(router, "/targets", {{"If-None-Match", std::string(plain.headers.Get("ETag"))}});
  CHECK(again.status == 304);
  CHECK(again.Body().empty());
  CHECK(Ask(router, "/graph").headers.Get("Location") == "/query");
  CHECK(Ask(router, "/assets/missing.js").status == 404);
}

TEST_CASE("the page refers only to its own files, and to all of them", "[web]") {
  Router router;
  AddPages(router);
  std::string all;
  for (const Asset& asset : Assets()) {
    INFO(asset.name);
    CHECK(Ask(router, fmt::format("/assets/{}", asset.name)).Body() == asset.content);
    for (std::string_view forbidden : {"innerHTML", "eval(", "https://", "document.write", "onclick=\"", "style=\""}) {
      INFO(forbidden);
      CHECK(asset.content.find(forbidden) == std::string_view::npos);
    }
    all += asset.content;
  }
  for (const Asset& asset : Assets()) {
    INFO(asset.name);
    if (asset.name != "index.html") CHECK(all.find(fmt::format("/{}\"", asset.name)) != std::string::npos);
  }
}

}  // namespace
}  // namespace vedette::dashboards
