// Requests that show a cloud provider who sends: against a server that is the end and the provider at once.
#include <atomic>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <boost/asio/thread_pool.hpp>

#include "collector/remote/request_auth.h"
#include "core/aws_sigv4.h"
#include "tests/support/catch.h"
#include "tests/support/client_io.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

using test::Received;
using test::Reply;

HttpRequest Push(std::string url) {
  HttpRequest out;
  out.method = "POST";
  out.url = std::move(url);
  out.headers = {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}};
  out.body = "a body";
  return out;
}

/// Clients, and an environment of their own.
struct AuthBed {
  ~AuthBed() { workers.join(); }
  std::unique_ptr<HttpClient> Client(const RequestAuth& auth, const HttpConfig& http = {}) {
    return MustHave(NewAuthorizedClient(Environment(), http, auth));
  }
  AuthEnvironment Environment() {
    return {io.context(), workers, clock, [this](const char* name) {
              const auto found = variables.find(name);
              return found == variables.end() ? std::string() : found->second;
            }};
  }

  std::map<std::string, std::string> variables;
  test::FakeClock clock{TimeMs(1'700'000'000'000)};
  boost::asio::thread_pool workers{2};
  test::ClientIo io;
};

/// The signature that the request should have.
std::string Signed(const Received& request, const std::string& url, const AwsCredentials& credentials, TimeMs at) {
  HttpRequest again;
  again.method = request.method;
  again.url = url;
  again.headers = {{"Content-Type", request.Header("Content-Type")}};
  again.body = request.body;
  MustSucceed(SignAws(again, credentials, "eu-west-1", "aps", at));
  for (const auto& [name, value] : again.headers) {
    if (name == "Authorization") return value;
  }
  return {};
}

std::string DecodeBase64Url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const std::size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(size < 0 ? 0 : static_cast<std::size_t>(size) - padding);
  return out;
}

std::string RsaPem() {
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return out;
}

/// As JSON writes a key of several lines.
std::string WithEscapedLines(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out;
}

}  // namespace

TEST_CASE("requests are signed for AWS", "[request_auth]") {
  const test::HttpServer server([](const Received&) -> Reply { return {.status = 204}; });
  AuthBed bed;
  AwsCredentials expected{"AKIDOWN", Secret("secret/own"), {}};
  RequestAuth auth{.sigv4 = Sigv4Options{}};
  SECTION("with keys of the configuration") {
    auth.sigv4->region = "eu-west-1";
    auth.sigv4->access_key = "AKIDOWN";
    auth.sigv4->secret_key = Secret("secret/own");
  }
  SECTION("with those of the environment, and its region") {
    bed.variables = {{"AWS_ACCESS_KEY_ID", "AKIDENV"},
                     {"AWS_SECRET_ACCESS_KEY", "s"},
                     {"AWS_SESSION_TOKEN", "t"},
                     {"AWS_REGION", "eu-west-1"}};
    expected = {"AKIDENV", Secret("s"), Secret("t")};
  }
  const auto client = bed.Client(auth);
  const std::string url = server.Url("/workspaces/ws-1/api/v1/remote_write");
  CHECK(MustHave(client->Send(Push(url))).status == 204);
  const Received request = server.requests().at(0);
  CHECK(request.Header("X-Amz-Date") == "20231114T221320Z");
  CHECK(request.Header("X-Amz-Security-Token") == expected.session_token.Reveal());
  CHECK(request.Header("Authorization") == Signed(request, url, expected, bed.clock.Now()));
  CHECK(request.body == "a body");
}

TEST_CASE("credentials that are refused are found anew, and those that expire in time", "[request_auth]") {
  std::atomic<int> leases = 0;
  std::atomic<int> status = 204;
  const test::HttpServer server([&](const Received& received) -> Reply {
    if (received.target == "/latest/api/token") return {.body = "token"};
    if (received.target == "/latest/meta-data/iam/security-credentials/") return {.body = "role"};
    if (received.target == "/latest/meta-data/iam/security-credentials/role") {
      return {.body = fmt::format(R"({{"Code":"Success","AccessKeyId":"AKID{}","SecretAccessKey":"s","Token":"t",)"
                                  R"("Expiration":"2023-11-14T23:13:20Z"}})",
                                  ++leases)};
    }
    return {.status = status};
  });
  AuthBed bed;
  bed.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.Url("");
  RequestAuth auth{.sigv4 = Sigv4Options{}};
  auth.sigv4->region = "eu-west-1";
  const auto client = bed.Client(auth);
  const auto send = [&] {
    (void)MustHave(client->Send(Push(server.Url("/write"))));
    return server.requests().back().Header("Authorization");
  };
  CHECK(send().find("Credential=AKID1/") != std::string::npos);
  CHECK(send().find("Credential=AKID1/") != std::string::npos);
  status = 403;
  CHECK(send().find("Credential=AKID1/") != std::string::npos);
  status = 204;
  CHECK(send().find("Credential=AKID1/") != std::string::npos);  // too new to be the reason
  status = 403;
  bed.clock.Advance(std::chrono::minutes(1));
  CHECK(send().find("Credential=AKID1/") != std::string::npos);
  status = 204;
  CHECK(send().find("Credential=AKID2/") != std::string::npos);
  bed.clock.Advance(std::chrono::hours(1));
  CHECK(send().find("Credential=AKID3/") != std::string::npos);
}

TEST_CASE("tokens of Azure are asked for once and shown until they are refused", "[request_auth]") {
  std::mutex mutex;
  std::vector<Received> asked;
  std::atomic<int> status = 204;
  AuthBed bed;
  // As these services write it, with numbers as texts: that of a machine says both, and that of applications when.
  const test::HttpServer server([&](const Received& received) -> Reply {
    if (received.target == "/write") return {.status = status};
    const std::lock_guard lock(mutex);
    asked.push_back(received);
    std::string times;
    if (received.target.find("2019-08-01") == std::string::npos) times = R"("expires_in":"3600",)";
    if (received.method == "GET") times += fmt::format(R"("expires_on":"{}",)", bed.clock.Now().ms / 1000 + 3600);
    return {.headers = {{"Content-Type", "application/json"}},
            .body = fmt::format(R"({{"access_token":"T{}",{}"token_type":"Bearer"}})", asked.size(), times)};
  });
  const test::TempDir directory;
  AzureOptions options{"11111111-2222-3333-4444-555555555555", "https://monitor.azure.com//.default", {}, {}};
  std::string target =
      "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
      "https%3A%2F%2Fmonitor.azure.com%2F&client_id=" +
      options.client_id;
  std::pair<std::string, std::string> header = {"Metadata", "true"};
  std::string body;
  SECTION("of a machine") { bed.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.Url("/"); }
  SECTION("of a service that runs applications") {
    bed.variables = {{"IDENTITY_ENDPOINT", server.Url("/msi")}, {"IDENTITY_HEADER", "own"}};
    target = "/msi?api-version=2019-08-01&resource=https%3A%2F%2Fmonitor.azure.com%2F&client_id=" + options.client_id;
    header = {"X-IDENTITY-HEADER", "own"};
  }
  SECTION("for a token of Kubernetes") {
    options.token_url = server.Url("/tenant/oauth2/v2.0/token");
    options.token_file = directory.Write("token", "projected.token\n");
    target = "/tenant/oauth2/v2.0/token";
    header = {"Content-Type", "application/x-www-form-urlencoded"};
    body = "grant_type=client_credentials&client_id=" + options.client_id +
           "&scope=https%3A%2F%2Fmonitor.azure.com%2F%2F.default&client_assertion_type="
           "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=projected.token";
  }
  const auto client = bed.Client({.azure = options});
  const auto send = [&] {
    (void)MustHave(client->Send(Push(server.Url("/write"))));
    return server.requests().back().Header("Authorization");
  };
  CHECK(send() == "Bearer T1");
  CHECK(send() == "Bearer T1");
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].target == target);
  CHECK(asked[0].Header(header.first) == header.second);
  CHECK(asked[0].body == body);
  status = 401;
  CHECK(send() == "Bearer T1");
  status = 204;
  CHECK(send() == "Bearer T1");  // too new to be the reason
  status = 401;
  bed.clock.Advance(std::chrono::minutes(1));
  CHECK(send() == "Bearer T1");
  status = 204;
  CHECK(send() == "Bearer T2");
  bed.clock.Advance(std::chrono::minutes(58));
  CHECK(send() == "Bearer T2");
  bed.clock.Advance(std::chrono::minutes(1));
  CHECK(send() == "Bearer T3");
}

namespace {

/// A machine of Azure, whose service answers as told, and an end that takes everything.
struct AzureMachine {
  AzureMachine() { bed.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.Url("/"); }
  Result<HttpResponse> Send() { return client->Send(Push(server.Url("/write"))); }
  /// What is shown.
  std::string Shown() {
    (void)MustHave(Send());
    return server.requests().back().Header("Authorization");
  }

  AuthBed bed;
  std::atomic<int> asked = 0, status = 200;
  std::string times;  // members of the answer
  test::HttpServer server{[this](const Received& received) -> Reply {
    if (received.target == "/write") return {.status = 204};
    const int number = ++asked;
    return {.status = status,
            .headers = {{"Content-Type", "application/json"}},
            .body = fmt::format(R"({{"access_token":"T{}"{}}})", number, times)};
  }};
  std::unique_ptr<HttpClient> client = bed.Client({.azure = AzureOptions{{}, "x/.default", {}, {}}});
};

}  // namespace

TEST_CASE("tokens are renewed a minute early, or when half of their time is over", "[request_auth]") {
  struct Row {
    const char* times;
    int good_seconds;
  };
  const Row row = GENERATE(values<Row>({
      {R"(,"expires_in":"3600")", 3540},
      {R"(,"expires_in":90)", 45},
      {R"(,"expires_on":"1700000300")", 240},
      {R"(,"expires_on":"1699999999")", 240},  // over: who knows whose clock is wrong
      {R"(,"expires_on":"soon")", 240},
      {"", 240},
  }));
  INFO(row.times);
  AzureMachine machine;
  machine.times = row.times;
  CHECK(machine.Shown() == "Bearer T1");
  machine.bed.clock.Advance(std::chrono::seconds(row.good_seconds) - Millis(1));
  CHECK(machine.Shown() == "Bearer T1");
  machine.bed.clock.Advance(Millis(1));
  CHECK(machine.Shown() == "Bearer T2");
}

TEST_CASE("a token that is not renewed in time is shown until it expires", "[request_auth]") {
  AzureMachine machine;
  machine.times = R"(,"expires_in":3600)";
  CHECK(machine.Shown() == "Bearer T1");
  machine.status = 500;
  machine.bed.clock.Advance(std::chrono::seconds(3540));
  CHECK(machine.Shown() == "Bearer T1");
  CHECK(machine.Shown() == "Bearer T1");
  CHECK(machine.asked == 2);  // not for each request
  machine.bed.clock.Advance(std::chrono::seconds(10));
  CHECK(machine.Shown() == "Bearer T1");
  CHECK(machine.asked == 3);
  machine.bed.clock.Advance(std::chrono::seconds(50));
  CHECK_FALSE(machine.Send().has_value());
  machine.status = 200;
  CHECK(machine.Shown() == "Bearer T5");
}

TEST_CASE("requests wait for credentials within their own time", "[request_auth]") {
  std::promise<void> asked, answer;
  const auto answered = answer.get_future().share();
  const test::HttpServer server([&](const Received& received) -> Reply {
    if (received.target == "/write") return {.status = 204};
    asked.set_value();  // a second time would throw
    answered.wait();
    return {.status = 500};
  });
  AuthBed bed;
  bed.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.Url("/");
  const auto client = bed.Client({.azure = AzureOptions{{}, "x/.default", {}, {}}});
  std::promise<Result<HttpResponse>> results[3];
  std::stop_source stop;
  for (std::size_t i = 0; i < std::size(results); ++i) {
    HttpRequest request = Push(server.Url("/write"));
    request.timeout = std::chrono::seconds(30);
    if (i == 2) {
      request.stop = stop.get_token();
      request.timeout = std::chrono::hours(1);
    }
    client->Start(std::move(request), [&, i](Result<HttpResponse> got) { results[i].set_value(std::move(got)); });
  }
  asked.get_future().wait();
  bed.clock.Advance(std::chrono::seconds(30));
  stop.request_stop();
  answer.set_value();
  const auto code = [&](std::size_t i) {
    const auto result = results[i].get_future().get();
    return result ? Code::kInternal : result.error().code;
  };
  CHECK(code(0) == Code::kUnavailable);  // what its asking came to
  CHECK(code(1) == Code::kTimeout);
  CHECK(code(2) == Code::kCanceled);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("Google gets what is signed with the key of a service account, or the token of the machine",
          "[request_auth]") {
  std::mutex mutex;
  std::vector<Received> asked;
  const test::HttpServer server([&](const Received& received) -> Reply {
    if (received.target == "/write") return {.status = 204};
    const std::lock_guard lock(mutex);
    asked.push_back(received);
    return {.headers = {{"Content-Type", "application/json"}},
            .body = R"({"access_token":"T","expires_in":3600,"token_type":"Bearer"})"};
  });
  const test::TempDir directory;
  AuthBed bed;
  GoogleOptions options;
  SECTION("machine") {
    bed.variables["GCE_METADATA_HOST"] = server.Url("").substr(std::string_view("http://").size());
    bed.variables["HOME"] = directory.path().string();
  }
  SECTION("service account") {
    options.credentials_file = directory.Write(
        "key.json", fmt::format(R"({{"type":"service_account","client_email":"a@b.iam","private_key":"{}",)"
                                R"("private_key_id":"k1","token_uri":"{}"}})",
                                WithEscapedLines(RsaPem()), server.Url("/token")));
  }
  SECTION("person") {
    bed.variables["GOOGLE_APPLICATION_CREDENTIALS"] =
        directory.Write("adc.json", fmt::format(R"({{"type":"authorized_user","client_id":"i","client_secret":"s",)"
                                                R"("refresh_token":"r/1","token_uri":"{}"}})",
                                                server.Url("/token")));
  }
  const auto client = bed.Client({.google = options});
  CHECK(MustHave(client->Send(Push(server.Url("/write")))).status == 204);
  CHECK(server.requests().back().Header("Authorization") == "Bearer T");
  REQUIRE(asked.size() == 1);
  if (asked[0].method == "GET") {
    CHECK(asked[0].Header("Metadata-Flavor") == "Google");
    CHECK(asked[0].target.find("scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fmonitoring.write") !=
          std::string::npos);
  } else if (options.credentials_file.empty()) {
    CHECK(asked[0].body == "grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r%2F1");
  } else {
    const std::string& body = asked[0].body;
    const std::size_t first = body.find('.', body.find("assertion="));
    REQUIRE(first != std::string::npos);
    const std::string claims = DecodeBase64Url(body.substr(first + 1, body.find('.', first + 1) - first - 1));
    INFO(claims);
    CHECK(claims.find(R"("iss":"a@b.iam")") != std::string::npos);
    CHECK(claims.find("https://www.googleapis.com/auth/monitoring.write") != std::string::npos);
    CHECK(claims.find("/token") != std::string::npos);
  }
}

TEST_CASE("what cannot be had fails the request, which may be made again", "[request_auth]") {
  const test::HttpServer server([](const Received&) -> Reply { return {.status = 500, .body = "secret text"}; });
  const test::TempDir directory;
  AuthBed bed;
  bed.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.Url("/");
  const auto client = bed.Client({.azure = AzureOptions{{}, "x/.default", {}, {}}});
  const auto failed = client->Send(Push(server.Url("/write")));
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == Code::kUnavailable);
  CHECK(failed.error().message.starts_with("azuread: "));
  const GoogleOptions other{directory.Write("key.json", R"({"type":"external_account"})")};
  CHECK_FALSE(NewAuthorizedClient(bed.Environment(), {}, {.google = other}).has_value());
  CHECK_FALSE(NewAuthorizedClient(bed.Environment(), {}, {.google = GoogleOptions{"/nowhere"}}).has_value());
}

TEST_CASE("a client that goes calls back, wherever its requests are", "[request_auth]") {
  std::promise<void> asked, leave;
  const auto left = leave.get_future().share();
  std::atomic<int> requests = 0;
  const test::HttpServer server([&](const Received&) -> Reply {
    if (requests++ == 0) asked.set_value();
    left.wait();
    return {};
  });
  AuthBed bed;
  bed.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.Url("/");
  auto client = bed.Client({.azure = AzureOptions{{}, "x/.default", {}, {}}});
  std::promise<Result<HttpResponse>> results[2];
  for (auto& result : results) {
    client->Start(Push(server.Url("/write")), [&](Result<HttpResponse> got) { result.set_value(std::move(got)); });
  }
  asked.get_future().wait();
  client.reset();
  for (auto& result : results) CHECK_FALSE(result.get_future().get().has_value());
  leave.set_value();
}

}  // namespace vedette::collector
