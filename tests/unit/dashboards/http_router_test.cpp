#include "core/gzip.h"
#include "core/http_client.h"
#include "core/listen_address.h"
#include "dashboards/http/negotiation.h"
#include "dashboards/http/response_head.h"
#include "dashboards/http/router.h"
#include "dashboards/options.h"
#include "tests/support/catch.h"

namespace vedette::dashboards {
namespace {

Handler Says(std::string text) {
  return [text](const Request& r) { return TextResponse(200, text + r.path_parameter); };
}

std::string Answer(const Router& router, Method method, std::string_view path) {
  const Router::Match match = router.Find(method, path);
  Request request;
  request.path_parameter = match.path_parameter;
  const Response response = match.handler == nullptr ? match.refusal : (*match.handler)(request);
  std::string out = fmt::format("{} {}", response.status, response.body);
  if (response.headers.Has("Allow")) out += fmt::format(" [{}]", response.headers.Get("Allow"));
  return out;
}

TEST_CASE("routes are chosen by path and method", "[web]") {
  Router router;
  router.Add(kGet | kPost, "/api/v1/query", Says("query"))
      .Add(kDelete, "/api/v1/query", Says("delete"))
      .Add(kGet, "/api/v1/label/{name}/values", Says("values of "))
      .Add(kGet, "/api/v2/silence/{id}", Says("silence "))
      .Add(kGet, "/files/*", Says("file "))
      .Add(kGet, "/", Says("page"));
  CHECK(Answer(router, kGet, "/api/v1/query") == "200 query");
  CHECK(Answer(router, kHead, "/api/v1/query") == "200 query");
  CHECK(Answer(router, kDelete, "/api/v1/query") == "200 delete");
  CHECK(Answer(router, kPut, "/api/v1/query") == "405 Method Not Allowed\n [GET, HEAD, POST, DELETE, OPTIONS]");
  CHECK(Answer(router, kOptions, "/api/v1/query") == "204  [GET, HEAD, POST, DELETE, OPTIONS]");
  CHECK(Answer(router, kOptions, "/api/v1/whatever") == "204 ");
  CHECK(Answer(router, kGet, "/api/v1/label/a%2Fb/values") == "200 values of a/b");
  CHECK(Answer(router, kGet, "/api/v1/label//values") == "404 404 page not found\n");
  CHECK(Answer(router, kGet, "/api/v1/label/a/b/values") == "404 404 page not found\n");
  CHECK(Answer(router, kGet, "/api/v2/silence/x") == "200 silence x");
  CHECK(Answer(router, kPost, "/api/v2/silence/x") == "405 Method Not Allowed\n [GET, HEAD, OPTIONS]");
  CHECK(Answer(router, kGet, "/files/a/b.js") == "200 file a/b.js");
  CHECK(Answer(router, kGet, "/") == "200 page");
  CHECK(Answer(router, kGet, "/nowhere") == "404 404 page not found\n");
  CHECK(router.Find(kGet, "/nowhere").pattern == "other");
  CHECK(router.Patterns().size() == 5);
}

TEST_CASE("form bodies go before the query", "[web]") {
  Request request;
  request.method = kPost;
  request.query.Add("query", "from the URL");
  request.headers.Add("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = "query=up%7Ba%3D%22b+c%22%7D&match%5B%5D=x&match[]=y";
  const Parameters form = MustHave(FormParameters(request));
  CHECK(form.Get("query") == "up{a=\"b c\"}");
  CHECK(form.All("query").size() == 2);
  CHECK(form.All("match[]") == std::vector<std::string>{"x", "y"});
  CHECK_FALSE(form.Has("missing"));
  request.method = kGet;
  CHECK(MustHave(FormParameters(request)).Get("query") == "from the URL");
}

TEST_CASE("the first known encoding compresses the answer", "[web]") {
  const auto encoded = [](std::string accept) {
    Request request;
    request.headers.Add("Accept-Encoding", std::move(accept));
    Response response = TextResponse(200, std::string(1000, 'a'));
    CompressFor(request, response);
    CHECK(response.headers.Get("Vary") == "Accept-Encoding");
    if (response.headers.Get("Content-Encoding") == "gzip") CHECK(MustHave(Gunzip(response.body, 1000)).size() == 1000);
    return std::string(response.headers.Get("Content-Encoding"));
  };
  CHECK(encoded("br, deflate;q=0.5, gzip") == "deflate");
  CHECK(encoded("GZIP") == "gzip");
  CHECK(encoded("gzip;q=0, deflate ; q=1") == "deflate");
  CHECK(encoded("br") == "");
  CHECK(encoded("") == "");

  Request request;
  request.headers.Add("Accept-Encoding", "gzip");
  Response asset = TextResponse(200, "bytes");
  asset.headers.Add("Content-Encoding", "br");
  CompressFor(request, asset);
  CHECK(asset.body == "bytes");
}

TEST_CASE("CORS headers follow the origin expression", "[web]") {
  const auto allowed = [](std::string_view pattern, std::string origin) {
    Request request;
    if (!origin.empty()) request.headers.Add("Origin", std::move(origin));
    Response response;
    MustHave(CorsPolicy::Create(pattern)).Apply(request, response);
    CHECK(response.headers.Get("Vary") == "Origin");
    return std::string(response.headers.Get("Access-Control-Allow-Origin"));
  };
  CHECK(allowed(".*", "https://grafana.example") == "*");
  CHECK(allowed(".*", "") == "");
  CHECK(allowed("https://(a|b)\\.example", "https://b.example") == "https://b.example");
  CHECK(allowed("https://(a|b)\\.example", "https://b.example.evil") == "");
  CHECK_FALSE(CorsPolicy::Create("(").has_value());
}

TEST_CASE("header values cannot split an answer", "[web]") {
  Response response = RedirectResponse("/x\r\nSet-Cookie: a=b");
  const std::string head = ResponseHead(response, TimeMs(784'111'777'000), true);
  CHECK(head.find("Location: /x  Set-Cookie: a=b\r\n") != std::string::npos);
  CHECK(head.find("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") != std::string::npos);
  CHECK(head.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("listen addresses", "[web]") {
  CHECK(MustHave(ParseListenAddress("127.0.0.1:9090")).port == 9090);
  CHECK(MustHave(ParseListenAddress(":9090")).host.empty());
  CHECK(MustHave(ParseListenAddress("[::1]:1")).host == "::1");
  for (const char* bad : {"", "9090", "localhost", "h:", "h:70000", "h:-1", "[::1:1", "::1:1", "h:1x"}) {
    INFO(bad);
    CHECK_FALSE(ParseListenAddress(bad).has_value());
  }
  ServerOptions options;
  MustSucceed(options.Validate());
  options.cors_origin = "(";
  CHECK_FALSE(options.Validate().has_value());
}

}  // namespace
}  // namespace vedette::dashboards
