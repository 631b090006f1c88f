#include "collector/relabel/relabel.h"

#include "tests/support/catch.h"

namespace vedette::collector {
namespace {

RelabelConfig Rule(RelabelAction action, std::vector<std::string> sources, std::string_view regex = "(.*)",
                   std::string target = "", std::string replacement = "$1") {
  RelabelConfig rule;
  rule.action = action;
  rule.source_labels = std::move(sources);
  rule.regex = MustHave(Regex::Compile(regex));
  rule.target_label = std::move(target);
  rule.replacement = std::move(replacement);
  return rule;
}

std::string Apply(const Labels& labels, const RelabelConfig& rule) {
  LabelsBuilder builder(labels);
  return Relabel(builder, {&rule, 1}) ? builder.Build().ToString() : "dropped";
}

std::string Problem(const RelabelConfig& rule, NameValidation names = NameValidation::kUtf8) {
  const Status status = rule.Validate(names);
  return status ? "" : status.error().message;
}

}  // namespace

TEST_CASE("each relabel action does what Prometheus' does", "[relabel]") {
  using enum RelabelAction;
  const Labels in = {{"a", "foo"}, {"b", "Bar"}, {"c", "baz"}};
  CHECK(Apply(in, Rule(kReplace, {"a"}, "f(.*)", "d", "ch${1}-ch${1}")) ==
        R"({a="foo", b="Bar", c="baz", d="choo-choo"})");
  CHECK(Apply(in, Rule(kReplace, {"a", "b"}, "f(.*);B(.*)r", "a", "b${1}${2}m")) == R"({a="booam", b="Bar", c="baz"})");
  CHECK(Apply(in, Rule(kReplace, {"a"}, "nomatch", "d", "x")) == in.ToString());
  CHECK(Apply(in, Rule(kReplace, {"a"}, "foo", "b", "")) == R"({a="foo", c="baz"})");
  CHECK(Apply(in, Rule(kReplace, {"a"}, "(f)(o+)", "${1}_$2", "v")) == R"({a="foo", b="Bar", c="baz", f_oo="v"})");
  CHECK(Apply(in, Rule(kReplace, {}, "(.*)", "d", "const")) == R"({a="foo", b="Bar", c="baz", d="const"})");
  CHECK(Apply(in, Rule(kKeep, {"a"}, "fo")) == "dropped");  // anchored
  CHECK(Apply(in, Rule(kKeep, {"a"}, "fo.")) == in.ToString());
  CHECK(Apply(in, Rule(kDrop, {"a"}, "fo.")) == "dropped");
  CHECK(Apply(in, Rule(kKeepEqual, {"a"}, "(.*)", "c")) == "dropped");
  CHECK(Apply(in, Rule(kDropEqual, {"a"}, "(.*)", "c")) == in.ToString());
  CHECK(Apply(in, Rule(kDropEqual, {"a"}, "(.*)", "a")) == "dropped");
  CHECK(Apply(in, Rule(kLowercase, {"b"}, "(.*)", "d")) == R"({a="foo", b="Bar", c="baz", d="bar"})");
  CHECK(Apply({{"a", "straße ÄÖ я"}}, Rule(kUppercase, {"a"}, "(.*)", "a")) == R"({a="STRAßE ÄÖ Я"})");
  CHECK(Apply(in, Rule(kLabelMap, {}, "(b|c)", "", "x_$1")) == R"({a="foo", b="Bar", c="baz", x_b="Bar", x_c="baz"})");
  CHECK(Apply(in, Rule(kLabelDrop, {}, "(b|c)")) == R"({a="foo"})");
  CHECK(Apply(in, Rule(kLabelKeep, {}, "(b|c)")) == R"({b="Bar", c="baz"})");
  RelabelConfig hash = Rule(kHashMod, {"c"}, "(.*)", "d");
  hash.modulus = 1000;
  CHECK(Apply({{"c", "baz"}}, hash) == R"({c="baz", d="976"})");  // value of Prometheus' own relabel test
}

TEST_CASE("rules that make no sense are refused in Prometheus' words", "[relabel]") {
  using enum RelabelAction;
  CHECK(Problem(Rule(kReplace, {"a"})) == "relabel configuration for replace action requires 'target_label' value");
  CHECK(Problem(Rule(kHashMod, {"a"}, "(.*)", "b")) == "relabel configuration for hashmod requires non-zero modulus");
  CHECK(Problem(Rule(kLowercase, {"a"}, "(.*)", "b", "x")) == "'replacement' can not be set for lowercase action");
  CHECK(Problem(Rule(kLabelDrop, {"a"}, "b")) == "labeldrop action requires only 'regex', and no other fields");
  CHECK(Problem(Rule(kKeepEqual, {"a"}, "x", "b")) ==
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields");
  CHECK(Problem(Rule(kReplace, {"a"}, "(.*)", "a-b")).empty());
  CHECK(Problem(Rule(kReplace, {"a"}, "(.*)", "a-b"), NameValidation::kLegacy) ==
        "\"a-b\" is invalid 'target_label' for replace action");
  CHECK(Problem(Rule(kReplace, {"a"}, "(.*)", "${x}_$2b"), NameValidation::kLegacy).empty());
  CHECK(Problem(Rule(kLabelMap, {}, "(.*)", "", "${1-}"), NameValidation::kLegacy) ==
        "\"${1-}\" is invalid 'replacement' for labelmap action");
  CHECK(MustHave(ParseRelabelAction("LabelMap")) == kLabelMap);
  CHECK(ParseRelabelAction("shred").error().message == "unknown relabel action \"shred\"");
}

}  // namespace vedette::collector
