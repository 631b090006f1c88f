#include "core/aws_sigv4.h"

#include "tests/support/catch.h"

namespace vedette {
namespace {

const AwsCredentials kExample{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {}};
/// 2015-08-30T12:36:00Z, of the published test suite.
constexpr TimeMs kThen = TimeMs::FromSeconds(1440938160);

std::string Signature(HttpRequest request, std::string_view service = "service") {
  MustSucceed(SignAws(request, kExample, "us-east-1", service, kThen));
  const std::string& value = request.headers.back().second;
  return value.substr(value.rfind('=') + 1);
}

}  // namespace

TEST_CASE("requests are signed as the published test suite says", "[aws]") {
  HttpRequest request;
  request.url = "https://example.amazonaws.com/";
  SECTION("get-vanilla") {
    CHECK(Signature(request) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  }
  SECTION("get-vanilla-query-order-key-case") {
    request.url += "?Param2=value2&Param1=value1";
    CHECK(Signature(request) == "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  }
  SECTION("post-vanilla") {
    request.method = "POST";
    CHECK(Signature(request) == "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  }
  SECTION("post-x-www-form-urlencoded") {
    request.method = "POST";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = "Param1=value1";
    CHECK(Signature(request) == "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  }
  SECTION("the worked example: ListUsers of IAM") {
    request.url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    CHECK(Signature(request, "iam") == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  }
}

TEST_CASE("a signed request names what was signed, and carries its token", "[aws]") {
  HttpRequest request;
  request.url = "http://localhost:4566/";
  AwsCredentials credentials = kExample;
  credentials.session_token = Secret("token");
  MustSucceed(SignAws(request, credentials, "eu-west-1", "ec2", kThen));
  CHECK(request.headers.at(0).second == "20150830T123600Z");
  CHECK(request.headers.at(1).second == "token");
  CHECK(request.headers.at(2).second.starts_with(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/ec2/aws4_request, "
      "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="));
  request.url = "nonsense";
  CHECK_FALSE(SignAws(request, credentials, "r", "s", kThen).has_value());
}

}  // namespace vedette
