// OAuth 2.0: what is asked, what is made of the answer, and when.
#include "core/oauth2_message.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include <nlohmann/json.hpp>

#include "core/url.h"
#include "tests/support/catch.h"
#include "tests/support/client_io.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette {
namespace {

using test::After;
using test::ClientIo;
using test::Get;
using test::HttpServer;
using test::Mentions;
using test::MustFail;
using test::Received;
using test::Reply;

using Json = nlohmann::json;

std::map<std::string, std::string> FormOf(const std::string& body) {
  std::map<std::string, std::string> out;
  for (auto& [name, value] : MustHave(ParseForm(body))) out[name] = value;
  return out;
}

Reply JsonReply(const Json& json, int status = 200) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = json.dump()};
}

OAuth2 Config(const std::string& token_url) {
  OAuth2 config;
  config.client_id = "my client";
  config.client_secret = Secret("s3cr3t:&");
  config.token_url = token_url;
  return config;
}

HttpConfig With(const OAuth2& oauth2) {
  HttpConfig config;
  config.oauth2 = oauth2;
  return config;
}

std::string Authorization(const Received& request) { return request.Header("Authorization"); }

/// A target that answers with the credentials it got.
Reply Echo(const Received& request) { return {.body = Authorization(request)}; }

TEST_CASE("what a token server is asked", "[oauth2]") {
  OAuth2 config = Config("https://idp/token?x=y");
  const HttpRequest plain = MustHave(BuildTokenRequest(config, config.client_secret, TokenStyle::kHeader, TimeMs(0)));
  CHECK(plain.method == "POST");
  CHECK(plain.url == "https://idp/token?x=y");
  CHECK(plain.body == "grant_type=client_credentials");
  CHECK(plain.headers.at(1).second == "Basic " + Base64Encode("my+client:s3cr3t%3A%26"));
  config.scopes = {"a", "b/c"};
  config.endpoint_params = {{"audience", "x y"}, {"grant_type", "other"}};
  const HttpRequest full =
      MustHave(BuildTokenRequest(config, config.client_secret, TokenStyle::kParameters, TimeMs(0)));
  CHECK(full.body == "audience=x+y&client_id=my+client&client_secret=s3cr3t%3A%26&grant_type=other&scope=a+b%2Fc");
  CHECK(full.headers.size() == 1);
  config.endpoint_params = {{"scope", "c"}};
  CHECK_FALSE(BuildTokenRequest(config, config.client_secret, TokenStyle::kHeader, TimeMs(0)).has_value());
}

TEST_CASE("what is made of the answer of a token server", "[oauth2]") {
  struct Row {
    int status;
    const char* type;
    const char* body;
    const char* expected;  // the header's value and lifetime, or a part of the error
  };
  const Row row = GENERATE(values<Row>({
      {200, "application/json", R"({"access_token": "t"})", "Bearer t -"},
      {200, "application/json", R"({"access_token": "t", "token_type": "bearer", "expires_in": 3600})",
       "Bearer t 3600"},
      {201, "", R"({"access_token": "t", "token_type": "MAC", "expires_in": "60"})", "MAC t 60"},
      {200, "", R"({"access_token": "t", "token_type": "DPoP", "expires_in": 1e300})", "DPoP t 2147483647"},
      {200, "", R"({"access_token": "t", "expires_in": 0, "token_type": null})", "Bearer t -"},
      {200, "", R"({"access_token": "t", "expires_in": null})", "Bearer t -"},
      {200, "", R"({"access_token": "t", "expires_in": -5})", "Bearer t -1"},
      {200, "text/plain; charset=utf-8", "access_token=t%20u&expires_in=99", "Bearer t u 99"},
      {200, "application/x-www-form-urlencoded", "access_token=t&expires_in=99999999999999", "Bearer t 2147483647"},
      {200, "", R"({"access_token": "t", "expires_in": "soon"})", "cannot be parsed"},
      {200, "", R"({"access_token": 5})", "cannot be parsed"},
      {200, "", "[]", "cannot be parsed"},
      {200, "", "", "cannot be parsed"},
      {200, "", "{}", "missing access_token"},
      {200, "text/plain", "", "missing access_token"},
      {200, "", R"({"access_token": "t", "error": "no"})", R"(status 200: "no")"},
      {401, "", R"({"error": "invalid_client", "error_description": "who\nis it"})",
       R"("invalid_client" "who\nis it")"},
      {400, "text/plain", "error=a&error_description=b", R"("a" "b")"},
      {503, "text/html", "<html>", "status 503"},
      {400, "", R"({"error": "x", "error_description": "wrong secret s3cr3t:&"})", R"(status 400: "x")"},
      {400, "", R"({"error": "x", "error_description": "wrong secret s3cr3t%3A%26"})", R"(status 400: "x")"},
  }));
  INFO(row.body);
  HttpResponse reply;
  reply.status = row.status;
  reply.headers = {{"Content-Type", row.type}};
  reply.body = row.body;
  const auto token = ParseTokenReply(reply, Secret("s3cr3t:&"));
  if (token) {
    CHECK_FALSE(token->expires.has_value());
    CHECK(token->authorization + " " + (token->lifetime ? std::to_string(token->lifetime->count()) : "-") ==
          row.expected);
  } else {
    CHECK(Mentions(token.error(), row.expected));
    CHECK_FALSE(Mentions(token.error(), "s3cr3t"));
  }
}

TEST_CASE("services of Azure say when a token expires, not how long it lasts", "[oauth2]") {
  const auto expiry = [](const std::string& json) {
    HttpResponse reply;
    reply.status = 200;
    reply.body = R"({"access_token": "t", "expires_on": )" + json + "}";
    const auto token = MustHave(ParseTokenReply(reply, Secret()));
    CHECK_FALSE(token.lifetime.has_value());
    return token.expires ? token.expires->ms : -1;
  };
  CHECK(expiry(R"("1700003600")") == 1'700'003'600'000);
  CHECK(expiry("1700003600") == 1'700'003'600'000);
  CHECK(expiry("1e300") == 4'294'967'295'000);
  CHECK(expiry(R"("9223372036854775807")") == 4'294'967'295'000);
  CHECK(expiry("null") == -1);
  CHECK(expiry("-1") == -1);
  CHECK(expiry(R"("11/14/2023 11:13:20 PM +00:00")") == -1);
}

TEST_CASE("a token is asked for once and sent with each request", "[oauth2]") {
  const HttpServer idp([](const Received&) { return JsonReply({{"access_token", "tok"}, {"expires_in", 3600}}); });
  const HttpServer other(Echo);
  const HttpServer server([&](const Received& r) -> Reply {
    if (r.target == "/away") return {.status = 307, .headers = {{"Location", other.Url()}}};
    return Echo(r);
  });
  ClientIo io;
  const auto client = io.Client(With(Config(idp.Url("/token"))));
  for (int i = 0; i < 3; ++i) CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer tok");
  CHECK(MustHave(client->Send(Get(server.Url("/away")))).body.empty());  // not to another host
  HttpRequest own = Get(server.Url());
  own.headers = {{"Authorization", "Own"}};
  CHECK(MustHave(client->Send(own)).body == "Own");
  CHECK(MustHave(io.Client(With(Config("http://127.0.0.1:1")))->Send(own)).body == "Own");
  REQUIRE(idp.requests().size() == 1);
  CHECK(idp.requests()[0].target == "/token");
  CHECK(idp.requests()[0].Header("Content-Type") == "application/x-www-form-urlencoded");
}

TEST_CASE("a token that is about to expire is replaced", "[oauth2]") {
  std::atomic<int> count = 0;
  const HttpServer idp([&](const Received&) {
    return JsonReply({{"access_token", std::to_string(++count)}, {"expires_in", count == 1 ? 10 : 3600}});
  });
  const HttpServer server(Echo);
  ClientIo io;
  const auto client = io.Client(With(Config(idp.Url())));
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer 1");  // good for ten seconds: used once
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer 2");
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer 2");
}

TEST_CASE("a server that does not take the header gets parameters, from then on at once", "[oauth2]") {
  const HttpServer idp([](const Received& r) {
    if (!Authorization(r).empty()) return JsonReply({{"error", "invalid_client"}}, 401);
    const auto form = FormOf(r.body);
    CHECK(form.at("client_secret") == "s3cr3t:&");
    return JsonReply({{"access_token", form.at("client_id")}, {"expires_in", 1}});
  });
  const HttpServer server(Echo);
  ClientIo io;
  const auto client = io.Client(With(Config(idp.Url())));
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer my client");
  CHECK(idp.requests().size() == 2);
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer my client");
  CHECK(idp.requests().size() == 3);
}

TEST_CASE("without a token nothing is sent, and the next request asks again", "[oauth2]") {
  std::atomic<bool> ill = true;
  const HttpServer idp([&](const Received&) {
    if (ill) return JsonReply({{"error", "invalid_client"}, {"error_description", "not s3cr3t:&"}}, 401);
    return JsonReply({{"access_token", "t"}});
  });
  const HttpServer server(Echo);
  ClientIo io;
  const auto client = io.Client(With(Config(idp.Url("/token?key=hidden"))));
  const Error error = MustFail(client->Send(Get(server.Url())));
  CHECK(error.code == Code::kUnavailable);
  CHECK(Mentions(error, fmt::format("oauth2: cannot fetch token from 127.0.0.1:{}: ", idp.port())));
  CHECK(Mentions(error, "invalid_client"));
  CHECK_FALSE(Mentions(error, "s3cr3t"));
  CHECK_FALSE(Mentions(error, "hidden"));
  CHECK(server.requests().empty());
  ill = false;
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer t");

  const auto nobody = io.Client(With(Config("http://no-such-host.invalid/")));
  CHECK(Mentions(MustFail(nobody->Send(Get(server.Url()))), "resolving no-such-host.invalid"));
  const HttpServer floods([](const Received&) { return Reply{.body = std::string(2 << 20, ' ')}; });
  CHECK(MustFail(io.Client(With(Config(floods.Url())))->Send(Get(server.Url()))).code == Code::kUnavailable);
  const HttpServer injects([](const Received&) { return JsonReply({{"access_token", "a\r\nX: b"}}); });
  CHECK(MustFail(io.Client(With(Config(injects.Url())))->Send(Get(server.Url()))).code == Code::kBadData);
}

TEST_CASE("a slow token server costs those that wait their time, and no more", "[oauth2]") {
  std::atomic<bool> hang = true;
  const HttpServer idp([&](const Received&) -> Reply {
    if (hang) return {.raw = "", .after = After::kHang};
    return JsonReply({{"access_token", "t"}});
  });
  const HttpServer server(Echo);
  ClientIo io;
  auto client = io.Client(With(Config(idp.Url())));
  HttpRequest request = Get(server.Url());
  request.timeout = Millis(50);
  const Error error = MustFail(client->Send(request));
  CHECK(error.code == Code::kTimeout);
  CHECK(Mentions(error, "timeout after 50ms while waiting for the OAuth 2.0 token for 127.0.0.1"));
  // Destroying the client ends what still waits.
  std::promise<Code> ended;
  client->Start(Get(server.Url()),
                [&](Result<HttpResponse> r) { ended.set_value(r ? Code::kInternal : r.error().code); });
  client.reset();
  CHECK(ended.get_future().get() == Code::kCanceled);
  CHECK(idp.requests().size() == 1);
}

TEST_CASE("many requests wait for one token", "[oauth2]") {
  std::mutex mutex;
  std::condition_variable all_wait;
  bool go = false;
  const HttpServer idp([&](const Received&) {
    std::unique_lock lock(mutex);
    all_wait.wait_for(lock, std::chrono::seconds(10), [&] { return go; });
    return JsonReply({{"access_token", "t"}, {"expires_in", 3600}});
  });
  const HttpServer server(Echo);
  ClientIo io;
  const auto client = io.Client(With(Config(idp.Url())));
  constexpr int kRequests = 100;
  std::vector<std::promise<std::string>> bodies(kRequests);
  for (auto& promise : bodies) {
    client->Start(Get(server.Url()),
                  [&promise](auto result) { promise.set_value(result ? result->body : result.error().message); });
  }
  REQUIRE(idp.WaitForRequests(1));
  {
    const std::scoped_lock lock(mutex);
    go = true;
  }
  all_wait.notify_all();
  for (auto& promise : bodies) CHECK(promise.get_future().get() == "Bearer t");
  CHECK(idp.requests().size() == 1);
}

TEST_CASE("another secret in its file makes the token void", "[oauth2]") {
  const HttpServer idp([](const Received& r) { return JsonReply({{"access_token", Authorization(r).substr(6)}}); });
  const HttpServer server(Echo);
  const test::TempDir dir;
  ClientIo io;
  OAuth2 config = Config(idp.Url());
  config.client_id = "c";
  config.client_secret = {};
  config.client_secret_file = dir.Write("secret", "one\n");
  const auto client = io.Client(With(config));
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer " + Base64Encode("c:one"));
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer " + Base64Encode("c:one"));
  CHECK(idp.requests().size() == 1);
  dir.Write("secret", "two");
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer " + Base64Encode("c:two"));
  std::filesystem::remove(dir.Sub("secret"));
  CHECK(MustFail(client->Send(Get(server.Url()))).code == Code::kIo);
}

TEST_CASE("tokens come over TLS and through a proxy of their own", "[oauth2]") {
  const test::Certificate certificate = test::MakeCertificate();
  const HttpServer idp([](const Received&) { return JsonReply({{"access_token", "tls"}}); }, certificate);
  const HttpServer proxy([](const Received& r) { return JsonReply({{"access_token", r.target}}); });
  const HttpServer server(Echo);
  ClientIo io;
  OAuth2 config = Config(idp.Url());
  CHECK(Mentions(MustFail(io.Client(With(config))->Send(Get(server.Url()))), "certificate refused"));
  config.tls.ca = certificate.cert_pem;
  CHECK(MustHave(io.Client(With(config))->Send(Get(server.Url()))).body == "Bearer tls");
  config.token_url = "http://far.example/token";
  config.proxy_url = proxy.Url();
  CHECK(MustHave(io.Client(With(config))->Send(Get(server.Url()))).body == "Bearer http://far.example/token");
  config.token_url = "ftp://x";
  CHECK_FALSE(HttpClient::Validate(With(config)).has_value());
}

std::string FromBase64Url(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  const std::size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  REQUIRE(size >= 0);
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

struct RsaKey {
  RsaKey() {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    pem.assign(text, static_cast<std::size_t>(size));
    BIO_free(bio);
  }
  ~RsaKey() { EVP_PKEY_free(key); }
  RsaKey(const RsaKey&) = delete;
  RsaKey& operator=(const RsaKey&) = delete;

  bool Verifies(const std::string& text, const std::string& signature, const EVP_MD* digest) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good =
        EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
        EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
  }

  EVP_PKEY* const key = EVP_RSA_gen(2048);
  std::string pem;
};

TEST_CASE("a signed statement instead of a secret", "[oauth2]") {
  const RsaKey key;
  OAuth2 config;
  config.grant_type = OAuth2::kJwtBearer;
  config.client_id = "me";
  config.token_url = "https://idp/token";
  config.client_certificate_key = Secret(key.pem);
  config.client_certificate_key_id = "k1";
  config.scopes = {"a", "b"};
  config.endpoint_params = {{"resource", "r"}};
  config.claims_json = R"({"aud": ["x"], "n": 5})";
  struct Row {
    const char* algorithm;
    const EVP_MD* (*digest)();
  };
  const Row row = GENERATE(values<Row>({{"", EVP_sha256}, {"RS384", EVP_sha384}, {"RS512", EVP_sha512}}));
  config.signature_algorithm = row.algorithm;
  const HttpRequest request = MustHave(
      BuildTokenRequest(config, config.client_certificate_key, TokenStyle::kHeader, TimeMs(1'700'000'000'999)));
  CHECK(request.headers.size() == 1);
  const auto form = FormOf(request.body);
  CHECK(form.size() == 3);
  CHECK(form.at("grant_type") == OAuth2::kJwtBearer);
  CHECK(form.at("resource") == "r");
  const std::string assertion = form.at("assertion");
  const std::size_t first = assertion.find('.'), second = assertion.rfind('.');
  CHECK(key.Verifies(assertion.substr(0, second), FromBase64Url(assertion.substr(second + 1)), row.digest()));
  const Json header = Json::parse(FromBase64Url(assertion.substr(0, first)));
  CHECK(header == Json({{"alg", *row.algorithm == '\0' ? "RS256" : row.algorithm}, {"kid", "k1"}, {"typ", "JWT"}}));
  Json claims = Json::parse(FromBase64Url(assertion.substr(first + 1, second - first - 1)));
  CHECK(claims["jti"].get<std::string>().size() == 36);
  claims.erase("jti");
  CHECK(claims == Json({{"aud", {"x"}},
                        {"exp", 1'700'000'600},
                        {"iat", 1'700'000'000},
                        {"iss", "me"},
                        {"n", 5},
                        {"scope", "a b"},
                        {"sub", "me"}}));
  config.signature_algorithm = "none";
  CHECK_FALSE(BuildTokenRequest(config, config.client_certificate_key, TokenStyle::kHeader, TimeMs(0)).has_value());
  config.signature_algorithm = "";
  const auto no_key = BuildTokenRequest(config, Secret("s3cr3t"), TokenStyle::kHeader, TimeMs(0));
  REQUIRE_FALSE(no_key.has_value());
  CHECK_FALSE(Mentions(no_key.error(), "s3cr3t"));
}

}  // namespace
}  // namespace vedette
