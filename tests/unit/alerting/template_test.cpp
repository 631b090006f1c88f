#include "alerting/template/alert_template.h"

#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting::tmpl;

namespace {

/// Answers two queries: `up` with two samples and `nothing` with none.
class FakeEnvironment final : public Environment {
 public:
  Result<std::vector<QuerySample>> Query(std::string_view expr) override {
    if (expr == "nothing") return std::vector<QuerySample>();
    if (expr != "up") return Fail(Code::kBadData, "1:1: parse error: no such thing");
    std::vector<QuerySample> samples;
    samples.push_back({Labels{{"__name__", "up"}, {"job", "api"}, {"instance", "a"}}, 0.5});
    samples.push_back({Labels{{"__name__", "up"}, {"job", "api"}, {"instance", "b"}}, 1});
    return samples;
  }
  TimeMs Now() const override { return TimeMs(60'000); }
  std::string ExternalUrl() const override { return "http://host:9090/path"; }
};

std::string Expand(std::string_view text, const AlertTemplateData& data) {
  const auto parsed = ParseAlertTemplate(text, "A");
  if (!parsed) return "does not parse: " + parsed.error().message;
  if (*parsed == nullptr) return std::string(text);
  FakeEnvironment environment;
  bool failed = false;
  return ExpandAlertTemplate(**parsed, environment, data, failed);
}

std::string Expand(std::string_view text) {
  return Expand(text, {Labels{{"__name__", "up_value"}, {"instance", "h:1"}, {"job", "api"}}, 12.3456, Labels{}, ""});
}

struct Case {
  std::string text, want;
};

}  // namespace

TEST_CASE("templates of alerts expand as in Prometheus", "[alerting][template]") {
  // Every row was compared with promtool 2.42.
  const auto c = GENERATE(values<Case>({
      {R"x(plain)x", R"x(plain)x"},
      {R"x({{ $value }})x", R"x(12.3456)x"},
      {R"x({{ .Value }})x", R"x(12.3456)x"},
      {R"x({{$labels.instance}})x", R"x(h:1)x"},
      {R"x({{ .Labels.job }} on {{ $labels.instance }})x", R"x(api on h:1)x"},
      {R"x({{ $labels.missing }}|)x", R"x(|)x"},
      {R"x({{ $labels.__name__ }})x", R"x(up_value)x"},
      {R"x({{ $externalLabels.x }}{{ .ExternalLabels.x }}|)x", R"x(|)x"},
      {R"x({{ $value | humanize }})x", R"x(12.35)x"},
      {R"x({{ humanize 1048576.0 }})x", R"x(1.049M)x"},
      {R"x({{ humanize 0.00123 }})x", R"x(1.23m)x"},
      {R"x({{ humanize 0.0 }})x", R"x(0)x"},
      {R"x({{ humanize -12345 }})x", R"x(-12.35k)x"},
      {R"x({{ humanize "1234" }})x", R"x(1.234k)x"},
      {R"x({{ humanize 1e30 }})x", R"x(1e+06Y)x"},
      {R"x({{ humanize 1e-30 }})x", R"x(1e-06y)x"},
      {R"x({{ humanize 999.95 }})x", R"x(1000)x"},
      {R"x({{ humanize 999999 }})x", R"x(1000k)x"},
      {R"x({{ humanize1024 1048576.0 }})x", R"x(1Mi)x"},
      {R"x({{ humanize1024 0.5 }})x", R"x(0.5)x"},
      {R"x({{ humanize1024 2048 }})x", R"x(2ki)x"},
      {R"x({{ humanize1024 1 }})x", R"x(1)x"},
      {R"x({{ humanizeDuration 135.3563 }})x", R"x(2m 15s)x"},
      {R"x({{ humanizeDuration 0.0 }})x", R"x(0s)x"},
      {R"x({{ humanizeDuration 1 }})x", R"x(1s)x"},
      {R"x({{ humanizeDuration 59.9 }})x", R"x(59.9s)x"},
      {R"x({{ humanizeDuration 3600 }})x", R"x(1h 0m 0s)x"},
      {R"x({{ humanizeDuration 86400 }})x", R"x(1d 0h 0m 0s)x"},
      {R"x({{ humanizeDuration -90 }})x", R"x(-1m 30s)x"},
      {R"x({{ humanizeDuration 0.000123 }})x", R"x(123us)x"},
      {R"x({{ humanizeDuration 899.99 }})x", R"x(14m 59s)x"},
      {R"x({{ humanizeDuration 9.9999 }})x", R"x(10s)x"},
      {R"x({{ humanizePercentage 0.959 }})x", R"x(95.9%)x"},
      {R"x({{ humanizePercentage -0.00001 }})x", R"x(-0.001%)x"},
      {R"x({{ humanizePercentage 12.345 }})x", R"x(1234%)x"},
      {R"x({{ humanizeTimestamp 1643114203 }})x", R"x(2022-01-25 12:36:43 +0000 UTC)x"},
      {R"x({{ 1643114203.5 | humanizeTimestamp }})x", R"x(2022-01-25 12:36:43.5 +0000 UTC)x"},
      {R"x({{ humanizeTimestamp -1.5 }})x", R"x(1969-12-31 23:59:58.5 +0000 UTC)x"},
      {R"x({{ title "hello wORLD foo-bar a_b" }})x", R"x(Hello WORLD Foo-Bar A_b)x"},
      {R"x({{ toUpper "aBc" }})x", R"x(ABC)x"},
      {R"x({{ "ABC" | toLower }})x", R"x(abc)x"},
      {R"x({{ stripPort "host.example:80" }})x", R"x(host.example)x"},
      {R"x({{ stripPort "[::1]:80" }})x", R"x(::1)x"},
      {R"x({{ stripPort "nohost" }})x", R"x(nohost)x"},
      {R"x({{ stripDomain "a.b.c:90" }})x", R"x(a:90)x"},
      {R"x({{ stripDomain "10.0.0.1:90" }})x", R"x(10.0.0.1:90)x"},
      {R"x({{ stripDomain "a.b" }})x", R"x(a)x"},
      {R"x({{ stripPort "::1" }})x", R"x(::1)x"},
      {R"x({{ match "a+" "xaay" }})x", R"x(true)x"},
      {R"x({{ match "^b" "ab" }})x", R"x(false)x"},
      {R"x({{ reReplaceAll "(a)(b)" "$2$1" "xabab" }})x", R"x(xbaba)x"},
      {R"x({{ reReplaceAll "localhost:(.*)" "my.domain:$1" "localhost:9090" }})x", R"x(my.domain:9090)x"},
      {R"x({{ parseDuration "2h10m15s" }})x", R"x(7815)x"},
      {R"x({{ graphLink "up == 1" }})x", R"x(/graph?g0.expr=up+%3D%3D+1&g0.tab=0)x"},
      {R"x({{ tableLink "sum(up) by (job)" }})x", R"x(/graph?g0.expr=sum%28up%29+by+%28job%29&g0.tab=1)x"},
      {R"x({{ safeHtml "<b>" }})x", R"x(<b>)x"},
      {R"x({{ printf "%s %d %v %.2f %q %e %g %t %x %%" "a" 5 $value $value "q" 1234.5678 0.00001 true 255 }})x",
       R"x(a 5 12.3456 12.35 "q" 1.234568e+03 1e-05 true ff %)x"},
      {R"x({{ printf "%d" $value }})x", R"x(%!d(float64=12.3456))x"},
      {R"x({{ printf "%s" 5 }})x", R"x(%!s(int=5))x"},
      {R"x({{ printf "%d" "hi" }})x", R"x(%!d(string=hi))x"},
      {R"x({{ printf "%s" }})x", R"x(%!s(MISSING))x"},
      {R"x({{ printf "a" 1 "b" }})x", R"x(a%!(EXTRA int=1, string=b))x"},
      {R"x({{ printf "%" }})x", R"x(%!(NOVERB))x"},
      {R"x({{ printf "%5d|%-5d|%05d|%+d" 42 42 42 42 }})x", R"x(   42|42   |00042|+42)x"},
      {R"x({{ printf "%8.3f|%-8.2f|%08.2f" 3.14159 3.14159 3.14159 }})x", R"x(   3.142|3.14    |00003.14)x"},
      {R"x({{ printf "%10s|%-10s|%.2s" "abc" "abc" "abc" }})x", R"x(       abc|abc       |ab)x"},
      {R"x({{ printf "%x %X" "hi" "hi" }})x", R"x(6869 6869)x"},
      {R"x({{ printf "%v %s" true false }})x", R"x(true %!s(bool=false))x"},
      {R"x({{ printf "%z" 3 }})x", R"x(%!z(int=3))x"},
      {R"x({{ printf "%T %T %T" 1 1.5 "x" }})x", R"x(int float64 string)x"},
      {R"x({{ printf "%c %U" 65 65 }})x", R"x(A U+0041)x"},
      {R"x({{ printf "%b %o %#x" 5 8 255 }})x", R"x(101 10 0xff)x"},
      {R"x({{ printf "%*d" 5 42 }})x", R"x(   42)x"},
      {R"x({{ printf "%6.2f%%" $value }})x", R"x( 12.35%)x"},
      {R"x({{ $value | printf "%.1f" }})x", R"x(12.3)x"},
      {R"x({{ printf "%.3g" 1234567.0 }})x", R"x(1.23e+06)x"},
      {R"x({{ printf "%g" 1e21 }})x", R"x(1e+21)x"},
      {R"x({{ printf "%v" $labels }})x", R"x(map[__name__:up_value instance:h:1 job:api])x"},
      {R"x({{ $labels }})x", R"x(map[__name__:up_value instance:h:1 job:api])x"},
      {R"x({{ 1e6 }} {{ 100000.0 }} {{ 1000000.0 }} {{ 0.00001 }} {{ 12345678 }} {{ 1.5 }} {{ 0x1F }} {{ 'a' }} {{ 1_000 }} {{ -5 }} {{ +3 }})x",
       R"x(1e+06 100000 1e+06 1e-05 12345678 1.5 31 97 1000 -5 3)x"},
      {R"x({{ if gt $value 5.0 }}big{{ else }}small{{ end }})x", R"x(big)x"},
      {R"x({{ if eq $labels.job "api" }}A{{ else if eq $labels.job "db" }}B{{ else }}C{{ end }})x", R"x(A)x"},
      {R"x({{ with $labels.missing }}x{{ else }}none{{ end }})x", R"x(none)x"},
      {R"x({{ with $labels.job }}[{{ . }}]{{ end }})x", R"x([api])x"},
      {R"x({{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }})x", R"x(__name__=up_value;instance=h:1;job=api;)x"},
      {R"x({{ range query "up" }}{{ .Labels.instance }}:{{ .Value }} {{ end }})x", R"x(a:0.5 b:1 )x"},
      {R"x({{ range $i, $s := query "up" }}{{ $i }}{{ $s.Labels.instance }}{{ end }})x", R"x(0a1b)x"},
      {R"x({{ query "up" | first | value }})x", R"x(0.5)x"},
      {R"x({{ query "up" | first | label "instance" }})x", R"x(a)x"},
      {R"x({{ with query "up" }}{{ . | first | value | humanizePercentage }}{{ end }})x", R"x(50%)x"},
      {R"x({{ range query "up" | sortByLabel "instance" }}{{ label "instance" . }}{{ end }})x", R"x(ab)x"},
      {R"x({{ len (query "up") }})x", R"x(2)x"},
      {R"x({{ (query "up" | first).Labels.job }})x", R"x(api)x"},
      {R"x({{ strvalue (query "up" | first) }}|)x", R"x(|)x"},
      {R"x({{ define "t" }}<{{ . }}>{{ end }}{{ template "t" $labels.job }})x", R"x(<api>)x"},
      {R"x({{ define "x" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "x" (args 1 "b") }})x", R"x(1-b)x"},
      {R"x(a {{- " b " -}} c)x", R"x(a b c)x"},
      {R"x(x
  {{- /* comment */ -}}
 y)x",
       R"x(xy)x"},
      {R"x({{/* c */}}z)x", R"x(z)x"},
      {R"x({{ $x := 5 }}{{ $x }}{{ $x = 6 }}{{ $x }})x", R"x(56)x"},
      {R"x({{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }})x", R"x(2)x"},
      {R"x({{ if true }}{{ $y := 3 }}{{ $y }}{{ end }})x", R"x(3)x"},
      {R"x({{ and 1 0 }} {{ and 1 2 }} {{ or 0 "" }} {{ or "a" 1 }} {{ not 0 }} {{ not "x" }})x",
       R"x(0 2  a true false)x"},
      {R"x({{ len "abc" }} {{ len $labels }})x", R"x(3 3)x"},
      {R"x({{ index $labels "job" }}|{{ index $labels "zz" }}|)x", R"x(api||)x"},
      {R"x({{ eq 1 1 }} {{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1.5 1.0 }} {{ ge "b" "a" }})x",
       R"x(true true true true true true true)x"},
      {R"x({{ print 1 2 "a" "b" 3 }}|{{ println "x" 1 }}|)x", R"x(1 2ab3|x 1
|)x"},
      {R"x({{ html "<a href='x'>&\"" }})x", R"x(&lt;a href=&#39;x&#39;&gt;&amp;&#34;)x"},
      {R"x({{ urlquery "a b&c" }})x", R"x(a+b%26c)x"},
      {R"x({{ slice "abcdef" 1 3 }})x", R"x(bc)x"},
      {R"x({{ "a\tb\u00e9\x41" }})x", R"x(a	béA)x"},
      {R"x({{ `raw\n` }})x", R"x(raw\n)x"},
      {R"x({{ $labels.instance | reReplaceAll ":.*" "" }})x", R"x(h)x"},
      {R"x({{ (printf "%s" "x") | toUpper }})x", R"x(X)x"},
      {R"x({{ range $i, $e := query "up" }}{{ if $i }}, {{ end }}{{ $e.Labels.instance }}{{ end }})x", R"x(a, b)x"},
      {R"x({{ range query "up" }}{{ if eq .Labels.instance "b" }}{{ break }}{{ end }}{{ .Labels.instance }}{{ end }})x",
       R"x(a)x"},
      {R"x({{ range query "up" }}{{ if eq .Labels.instance "a" }}{{ continue }}{{ end }}{{ .Labels.instance }}{{ end }})x",
       R"x(b)x"},
      {R"x({{ range query "nothing" }}x{{ else }}empty{{ end }})x", R"x(empty)x"},
      {R"x({{ true }} {{ false }})x", R"x(true false)x"},
      {R"x({{ block "b" . }}{{ .Value }}{{ end }})x", R"x(12.3456)x"},
      {R"x({{ (toTime 1643114203).Format "2006-01-02T15:04:05Z07:00 Jan _2 3:04PM Mon" }})x",
       R"x(2022-01-25T12:36:43Z Jan 25 12:36PM Tue)x"},
      {R"x({{ toTime 1643114203 }})x", R"x(2022-01-25 12:36:43 +0000 UTC)x"},
      {R"x({{ printf "%s" $labels }})x", R"x(map[__name__:up_value instance:h:1 job:api])x"},
      {R"x({{ printf "%q" 65 }})x", R"x('A')x"},
      {R"x({{ $ }})x", R"x({map[__name__:up_value instance:h:1 job:api] map[]  12.3456})x"},
      {R"x({{ . }})x", R"x({map[__name__:up_value instance:h:1 job:api] map[]  12.3456})x"},
      {R"x({{ if $value }}t{{ end }})x", R"x(t)x"},
      {R"x({{ if 0.0 }}t{{ else }}f{{ end }})x", R"x(f)x"},
      {R"x({{with $x := 5}}{{$x}}{{.}}{{end}})x", R"x(55)x"},
      {R"x({{ $value | humanize | printf "%s!" }})x", R"x(12.35!)x"},
      {R"x({{ not (eq $labels.job "api") }})x", R"x(false)x"},
      {R"x({{ $value | }})x", R"x(12.3456)x"},
  }));
  INFO(c.text);
  CHECK(Expand(c.text) == c.want);
}

TEST_CASE("functions newer than promtool 2.42 give the documented texts", "[alerting][template]") {
  const auto c = GENERATE(values<Case>({
      {"{{ toDuration 7815.5 }}", "2h10m15.5s"},
      {"{{ humanizeDuration (toDuration 90) }}", "1m 30s"},
      {"{{ (toDuration 90).Minutes }}", "1.5"},
      {"{{ now }}", "60"},
      {"{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"},
      {"{{ externalURL }} {{ pathPrefix }}", "http://host:9090/path /path"},
      {"{{ tmpl \"t\" 5 }}{{ define \"t\" }}[{{ . }}]{{ end }}", "[5]"},
      {"{{ parseDuration \"-1m\" }}", "-60"},
  }));
  INFO(c.text);
  CHECK(Expand(c.text) == c.want);
}

TEST_CASE("a template that does not parse is refused when it is loaded", "[alerting][template]") {
  const auto text = GENERATE(
      as<std::string>(), R"x({{ $label.x }})x", R"x({{ $labels.q * 100 }})x", R"x({{ foo }})x",
      R"x({{ if }}x{{ end }})x", R"x({{ if true }}x)x", R"x({{ end }})x", R"x({{)x", R"x({{ }})x", R"x({{ "abc }})x",
      R"x({{ 5 | 6 }})x", R"x({{ (5 }})x", R"x({{ 5) }})x", R"x({{ .5x }})x", R"x({{ template }})x",
      R"x({{ define "a" }}x)x", R"x({{ 08z }})x", R"x({{ /* c */ }})x", R"x({{ break }})x", R"x({{ else }})x",
      R"x({{ | $value }})x", R"x({{ '}})x", R"x({{define "x"}}{{$value}}{{end}})x", R"x({{ "a".b }})x",
      R"x({{ $a, $b := 5 }})x", R"x({{ $value := }})x", R"x({{ , }})x", R"x({{ range $a, $b, $c := $labels }}{{end}})x",
      R"x({{ printf "%s""x" }})x", R"x({{ $labels. job }})x", R"x({{ $labels.x }}{{ nosuchfunction }})x");
  INFO(text);
  const auto parsed = ParseAlertTemplate(text, "A");
  REQUIRE(!parsed);
  CHECK(parsed.error().message.substr(0, 23) == "template: __alert_A:1: ");
}

TEST_CASE("parse errors name the line and what was mistyped", "[alerting][template]") {
  CHECK(ParseAlertTemplate("a\nb {{ $label.x }}", "X").error().message ==
        "template: __alert_X:2: undefined variable \"$label\"");
  CHECK(ParseAlertTemplate("{{ foo }}", "X").error().message == "template: __alert_X:1: function \"foo\" not defined");
}

TEST_CASE("a failing template leaves its error in the text", "[alerting][template]") {
  const auto c = GENERATE(values<Case>({
      {"{{ query \"nothing\" | first | value }}",
       "at <first>: error calling first: first() called on vector with no elements"},
      {"{{ if gt $value 5 }}x{{ end }}", "at <gt $value 5>: error calling gt: incompatible types for comparison"},
      {"{{ query \"up{\" }}", "error calling query: 1:1: parse error"},
      {"{{ template \"nope\" }}", "template \"nope\" not defined"},
      {"{{ $labels.job.foo }}", "can't evaluate field foo in type string"},
      {"{{ .Nope }}", "can't evaluate field Nope in type struct"},
      {"{{ humanize \"abc\" }}", "parsing \"abc\": invalid syntax"},
      {"{{ index $labels 1 }}", "value has type int; should be string"},
      {"{{ slice \"abc\" 2 9 }}", "index out of range: 9"},
      {"{{ range $value }}{{ end }}", "range can't iterate over 12.3456"},
      {"{{ 5 | $value }}", "can't give argument to non-function $value"},
      {"{{ humanize 1 2 }}", "wrong number of args for humanize: want 1 got 2"},
      {"{{ match \"(\" \"x\" }}", "error calling match"},
      {"{{ toTime \"NaN\" }}", "value is NaN or Inf"},
  }));
  INFO(c.text);
  const std::string got = Expand(c.text);
  CHECK(got.substr(0, 41) == "<error expanding template: error executin");
  CHECK(got.find(c.want) != std::string::npos);
}

TEST_CASE("output, steps, nesting and recursion are bounded", "[alerting][template]") {
  CHECK(Expand("{{ range 60000 }}xxxxxxxx{{ end }}").find("longer than") != std::string::npos);
  CHECK(Expand("{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}").find("too long") != std::string::npos);
  CHECK(Expand("{{ range 999999999999 }}{{ end }}").find("too long") != std::string::npos);
  CHECK(Expand("{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}").find("depth") !=
        std::string::npos);
  CHECK(Expand("{{ $x := \"ab\" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}").find("in all") != std::string::npos);
  CHECK(Expand("{{ $x := 1 }}{{ range 20000 }}{{ $x = args $x }}{{ end }}").find("nested deeper") != std::string::npos);
  CHECK(Expand("{{ reReplaceAll \"\" (printf \"%1000d\" 1) (printf \"%1000d%1000d%1000d%1000d%1000d\" 1 1 1 1 1) }}")
            .find("too long") != std::string::npos);
  CHECK(!ParseAlertTemplate("{{ " + std::string(100'000, '(') + "1" + std::string(100'000, ')') + " }}", "A"));
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "{{ if true }}";
  CHECK(!ParseAlertTemplate(deep, "A"));
  std::string chain = "{{ if true }}";
  for (int i = 0; i < 10'000; ++i) chain += "{{ else if true }}";
  CHECK(!ParseAlertTemplate(chain + "{{ end }}", "A"));
  CHECK(Expand("{{ printf \"%999999999d\" 5 }}").size() == 1000);
}
