#include "core/url.h"

#include "core/gzip.h"
#include "core/http_client.h"
#include "tests/support/catch.h"

namespace vedette {
namespace {

TEST_CASE("a URL is taken apart and printed without its secrets", "[http]") {
  const Url url = MustHave(ParseUrl("HTTPS://us%3Aer:p%40ss@Example.COM:8443/a/b?x=1&y=%20#frag"));
  CHECK(url.scheme == "https");
  CHECK(url.username == "us:er");
  CHECK(url.password == "p@ss");
  CHECK(url.host == "example.com");
  CHECK(url.port == 8443);
  CHECK(url.Target() == "/a/b?x=1&y=%20");
  CHECK(url.ToString() == "https://example.com:8443/a/b?x=1&y=%20");

  const Url bare = MustHave(ParseUrl("http://[::1]"));
  CHECK(bare.host == "::1");
  CHECK(bare.port == 80);
  CHECK(bare.HostHeader() == "[::1]");
  CHECK(bare.Authority() == "[::1]:80");
  CHECK(MustHave(ParseUrl("http://h?x")).Target() == "/?x");
}

TEST_CASE("what is not an absolute http URL is refused without repeating it", "[http]") {
  for (const char* text : {"", "host", "ftp://h/", "http://", "http:///x", "http://h:0/", "http://h:65536",
                           "http://h:x/", "http://a b/", "http://h/\r\nX: y", "http://[::1", "http://[zz]/",
                           "http://h\x01/", "http://secret@", "http://h:80:90/", "http://[::1]x/", "//h/"}) {
    INFO(text);
    const auto url = ParseUrl(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().code == Code::kBadData);
    CHECK(url.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("references are resolved against the URL they were found at", "[http]") {
  const Url base = MustHave(ParseUrl("http://h:81/a/b/c?q=1"));
  const std::pair<const char*, const char*> cases[] = {
      {"g", "http://h:81/a/b/g"},       {"../g", "http://h:81/a/g"},   {"../../../g", "http://h:81/g"},
      {"/g/./h", "http://h:81/g/h"},    {"?y", "http://h:81/a/b/c?y"}, {"//o/p", "http://o/p"},
      {"https://o:9/", "https://o:9/"}, {"", "http://h:81/a/b/c?q=1"}, {"./", "http://h:81/a/b/"},
      {"..", "http://h:81/a/"},         {"/", "http://h:81/"},         {"g?a=b#f", "http://h:81/a/b/g?a=b"},
  };
  for (const auto& [reference, want] : cases) {
    INFO(reference);
    CHECK(MustHave(ResolveUrl(base, reference)).ToString() == want);
  }
  CHECK_FALSE(ResolveUrl(base, "javascript:alert(1)").has_value());
  CHECK_FALSE(ResolveUrl(base, "/a\r\nb").has_value());
}

TEST_CASE("percent coding keeps what it does not understand", "[http]") {
  CHECK(PercentDecode("a%20b+c%zz%4") == "a b+c%zz%4");
  CHECK(PercentDecode("a+b", true) == "a b");
  CHECK(PercentEncode("a b/ü~") == "a%20b%2F%C3%BC~");
  const auto form = MustHave(ParseForm("match[]=up%7Ba%3D%22b%22%7D&match[]=x&&empty=&flag"));
  REQUIRE(form.size() == 4);
  CHECK(form[0] == std::pair<std::string, std::string>("match[]", "up{a=\"b\"}"));
  CHECK(form[3] == std::pair<std::string, std::string>("flag", ""));
  CHECK(ParseForm("a&b&c", 2).error().code == Code::kLimit);
  CHECK(Base64Encode("Aladdin:open sesame") == "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(Base64Encode("ab") == "YWI=");
}

}  // namespace
}  // namespace vedette
