#include "alerting/rules/rule_file.h"

#include <glob.h>

#include <map>
#include <set>

#include <fmt/format.h>

#include "alerting/template/alert_template.h"
#include "analytics/promql/printer.h"
#include "core/yaml.h"

namespace vedette::alerting {
namespace {

constexpr std::string_view kFileKeys[] = {"groups"};
constexpr std::string_view kGroupKeys[] = {"name", "interval", "query_offset", "limit", "labels", "rules"};
constexpr std::string_view kRuleKeys[] = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"};

/// Reads one file, gathering every mistake on the way.
class Loader {
 public:
  Loader(RuleFileCheck& check, const RuleFileOptions& options) : check_(check), options_(options) {}

  void File(const YamlNode& root) {
    if (!MapOrNull(root, kFileKeys)) return;
    const std::optional<YamlNode> groups = root.Get("groups");
    if (!groups) return;
    const auto items = groups->Sequence();
    if (!items) return Report(items.error());
    std::set<std::string> names;
    for (const YamlNode& item : *items) {
      Group(item);
      if (check_.file.groups.empty()) continue;
      const std::string& name = check_.file.groups.back().name;
      if (!name.empty() && !names.insert(name).second) {
        Report(item.At(fmt::format("groupname: \"{}\" is repeated in the same file", name)));
      }
    }
  }

 private:
  void Report(Error error) { check_.errors.push_back(std::move(error)); }

  /// Reads an optional value, reporting what is wrong with it.
  template <class T>
  void Read(const YamlNode& node, std::string_view key, T& out) {
    if (const Status status = node.Read(key, out); !status) Report(status.error());
  }

  bool MapOrNull(const YamlNode& node, std::span<const std::string_view> keys) {
    if (const auto entries = node.Map(); !entries) {
      Report(entries.error());
      return false;
    }
    if (options_.ignore_unknown_fields) return true;
    for (Error& error : node.UnknownKeys(keys)) Report(std::move(error));
    return true;
  }

  void Group(const YamlNode& node) {
    if (!MapOrNull(node, kGroupKeys)) return;
    RuleGroupSpec& group = check_.file.groups.emplace_back();
    group.line = node.line();
    Read(node, "name", group.name);
    if (group.name.empty()) Report(node.At("the name of a group must not be empty"));
    group.interval = ReadSpan(node, "interval");
    if (group.interval == Millis(0)) group.interval.reset();
    group.query_offset = ReadSpan(node, "query_offset");
    std::int64_t limit = 0;
    Read(node, "limit", limit);
    group.limit = limit > 0 ? static_cast<std::size_t>(limit) : 0;
    const TextMap labels = ReadTexts(node, "labels", true);
    const std::optional<YamlNode> rules = node.Get("rules");
    if (!rules) return;
    const auto items = rules->Sequence();
    if (!items) return Report(items.error());
    for (const YamlNode& item : *items) OneRule(item, group, labels);
  }

  std::optional<Millis> ReadSpan(const YamlNode& node, std::string_view key) {
    const std::optional<YamlNode> value = node.Get(key);
    if (!value || value->IsNull()) return std::nullopt;
    const auto span = value->As<Millis>();
    if (!span) {
      Report(span.error());
      return std::nullopt;
    }
    return *span;
  }

  struct PlacedText {
    std::string text;
    YamlNode node;
  };
  using TextMap = std::map<std::string, PlacedText>;

  /// A map of names to texts. Labels must not be named `__name__`.
  TextMap ReadTexts(const YamlNode& node, std::string_view key, bool labels) {
    TextMap texts;
    const std::optional<YamlNode> value = node.Get(key);
    if (!value) return texts;
    const auto entries = value->Map();
    if (!entries) {
      Report(entries.error());
      return texts;
    }
    for (const YamlNode::Entry& entry : *entries) {
      if (entry.key.empty() || (labels && entry.key == kMetricName)) {
        Report(entry.value.At(fmt::format("invalid {} name: {}", labels ? "label" : "annotation", entry.key)));
      }
      auto text = entry.value.As<std::string>();
      if (!text) {
        Report(text.error());
        continue;
      }
      texts.emplace(entry.key, PlacedText{*std::move(text), entry.value});
    }
    return texts;
  }

  void OneRule(const YamlNode& node, RuleGroupSpec& group, const TextMap& group_labels) {
    if (!MapOrNull(node, kRuleKeys)) return;
    ++check_.rules;
    Rule rule;
    rule.line = node.line();
    rule.column = node.column();
    std::string record, alert;
    Read(node, "record", record);
    Read(node, "alert", alert);
    rule.alerting = !alert.empty();
    rule.name = rule.alerting ? alert : record;
    if (!record.empty() && !alert.empty()) Report(node.At("only one of 'record' and 'alert' must be set"));
    if (record.empty() && alert.empty()) Report(node.At("one of 'record' or 'alert' must be set"));
    Expression(node, rule);
    rule.hold = ReadSpan(node, "for").value_or(Millis(0));
    rule.keep_firing = ReadSpan(node, "keep_firing_for").value_or(Millis(0));
    TextMap labels = ReadTexts(node, "labels", true);
    const TextMap annotations = ReadTexts(node, "annotations", false);
    if (!rule.alerting && !record.empty()) CheckRecording(node, rule, !annotations.empty());
    labels.insert(group_labels.begin(), group_labels.end());  // the rule's own stay
    for (const auto& [name, text] : labels) rule.labels.push_back(Templated(rule, "label", name, text));
    for (const auto& [name, text] : annotations) rule.annotations.push_back(Templated(rule, "annotation", name, text));
    group.rules.push_back(std::move(rule));
  }

  void Expression(const YamlNode& node, Rule& rule) {
    const std::optional<YamlNode> value = node.Get("expr");
    std::string text;
    Read(node, "expr", text);
    if (text.empty()) {
      if (!value || value->IsNull() || value->IsScalar()) Report(node.At("field 'expr' must be set in rule"));
      return;
    }
    auto expr = promql::ParseExpr(text, options_.parser);
    if (!expr) return Report(value->At(fmt::format("could not parse expression: {}", expr.error().message)));
    rule.query = promql::Print(**expr);
    rule.expr = *std::move(expr);
  }

  void CheckRecording(const YamlNode& node, const Rule& rule, bool annotated) {
    if (annotated) Report(node.At("invalid field 'annotations' in recording rule"));
    if (rule.hold != Millis(0)) Report(node.At("invalid field 'for' in recording rule"));
    if (rule.keep_firing != Millis(0)) Report(node.At("invalid field 'keep_firing_for' in recording rule"));
    if (rule.name.find_first_of("{}") != std::string::npos) {
      Report(node.Get("record")->At(
          fmt::format("braces present in the recording rule name; should it be in expr?: {}", rule.name)));
    }
  }

  TemplatedLabel Templated(const Rule& rule, std::string_view what, const std::string& name, const PlacedText& text) {
    TemplatedLabel label{name, text.text, nullptr};
    if (!rule.alerting) return label;
    auto parsed = tmpl::ParseAlertTemplate(text.text, rule.name);
    if (parsed) {
      label.rendered = *std::move(parsed);
    } else {
      Report(text.node.At(fmt::format("{} \"{}\": {}", what, name, parsed.error().message)));
    }
    return label;
  }

  RuleFileCheck& check_;
  const RuleFileOptions& options_;
};

RuleFileCheck CheckDocument(const Result<YamlDocument>& document, const std::string& path,
                            const RuleFileOptions& options) {
  RuleFileCheck check;
  check.file.path = path;
  if (!document) {
    check.errors.push_back(document.error());
    return check;
  }
  if (document->more_documents) {
    check.warnings.emplace_back("more than one YAML document: only the first is used");
  }
  Loader(check, options).File(document->root);
  return check;
}

/// A path without wildcards is given back whether it exists or not: opening it tells.
std::vector<std::string> Matching(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

}  // namespace

RuleFileCheck CheckRuleFile(const std::string& path, const RuleFileOptions& options) {
  return CheckDocument(LoadYamlFile(path), path, options);
}

RuleFileCheck CheckRuleText(std::string_view text, const std::string& path, const RuleFileOptions& options) {
  return CheckDocument(ParseYaml(text, path), path, options);
}

Result<RuleFiles> LoadRuleFiles(std::span<const std::string> patterns, const RuleFileOptions& options) {
  RuleFiles loaded;
  std::string problems;
  std::set<std::string> seen;
  for (const std::string& pattern : patterns) {
    for (const std::string& path : Matching(pattern)) {
      if (!seen.insert(path).second) continue;
      RuleFileCheck check = CheckRuleFile(path, options);
      for (const Error& error : check.errors) problems.append(problems.empty() ? "" : "\n").append(error.message);
      for (const std::string& warning : check.warnings) loaded.warnings.push_back(fmt::format("{}: {}", path, warning));
      loaded.files.push_back(std::move(check.file));
    }
  }
  if (!problems.empty()) return Error{Code::kBadData, std::move(problems)};
  return loaded;
}

}  // namespace vedette::alerting
