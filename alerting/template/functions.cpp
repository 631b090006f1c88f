#include "alerting/template/functions.h"

#include <algorithm>

namespace vedette::alerting::tmpl {
namespace {

constexpr int kAnyNumber = -1;

constexpr FunctionSpec kFunctions[] = {
    {"and", 1, kAnyNumber, nullptr, "the first argument that is false or empty, else the last"},
    {"args", 0, kAnyNumber, fn::ArgsMap, "a map arg0, arg1, ... to hand several values to a template"},
    {"eq", 1, kAnyNumber, fn::Eq, "whether the first argument equals any of the others"},
    {"externalURL", 0, 0, fn::ExternalUrl, "the address of this agent as others see it"},
    {"first", 1, 1, fn::First, "the first sample of a query's result"},
    {"ge", 2, 2, fn::Ge, "a >= b"},
    {"graphLink", 1, 1, fn::GraphLink, "path of the page that draws the expression"},
    {"gt", 2, 2, fn::Gt, "a > b"},
    {"html", 0, kAnyNumber, fn::Html, "the text with &, <, >, \" and ' escaped"},
    {"humanize", 1, 1, fn::Humanize, "a number with metric prefix: 1.049M"},
    {"humanize1024", 1, 1, fn::Humanize1024, "a number with binary prefix: 1Mi"},
    {"humanizeDuration", 1, 1, fn::HumanizeDuration, "seconds as text: 2m 15s"},
    {"humanizePercentage", 1, 1, fn::HumanizePercentage, "a ratio in percent: 95.9%"},
    {"humanizeTimestamp", 1, 1, fn::HumanizeTimestamp, "Unix seconds as text"},
    {"index", 1, kAnyNumber, fn::Index, "the element of a list or map under the keys"},
    {"label", 2, 2, fn::Label, "the value of a label of a sample"},
    {"le", 2, 2, fn::Le, "a <= b"},
    {"len", 1, 1, fn::Len, "number of elements or bytes"},
    {"lt", 2, 2, fn::Lt, "a < b"},
    {"match", 2, 2, fn::Match, "whether the regular expression occurs in the text"},
    {"ne", 2, 2, fn::Ne, "a != b"},
    {"not", 1, 1, fn::Not, "the opposite truth"},
    {"now", 0, 0, fn::Now, "Unix seconds of the evaluation"},
    {"or", 1, kAnyNumber, nullptr, "the first argument that is true or not empty, else the last"},
    {"parseDuration", 1, 1, fn::ParseDurationText, "seconds of a duration like 1h30m"},
    {"pathPrefix", 0, 0, fn::PathPrefix, "the path of the external URL"},
    {"print", 0, kAnyNumber, fn::Print, "the arguments as text, spaces between those that are no text"},
    {"printf", 1, kAnyNumber, fn::Printf, "formatted text: %s %d %.2f"},
    {"println", 0, kAnyNumber, fn::Println, "the arguments as text with spaces between and a line end"},
    {"query", 1, 1, fn::Query, "the samples of an instant query"},
    {"reReplaceAll", 3, 3, fn::ReReplaceAll, "pattern, replacement, text: replaces every match"},
    {"safeHtml", 1, 1, fn::SafeHtml, "the text as it is"},
    {"slice", 1, 4, fn::Slice, "a part of a text or list"},
    {"sortByLabel", 2, 2, fn::SortByLabel, "the samples sorted by the value of a label"},
    {"stripDomain", 1, 1, fn::StripDomain, "a host name without its domain"},
    {"stripPort", 1, 1, fn::StripPort, "an address without its port"},
    {"strvalue", 1, 1, fn::StrValue, "the text that a sample carries as label __value__"},
    {"tableLink", 1, 1, fn::TableLink, "path of the page that shows the expression as a table"},
    {"title", 1, 1, fn::Title, "each word with a capital letter"},
    {"tmpl", 2, 2, nullptr, "the text of the template of that name"},
    {"toDuration", 1, 1, fn::ToDuration, "seconds as a duration"},
    {"toLower", 1, 1, fn::ToLower, "in small letters"},
    {"toTime", 1, 1, fn::ToTime, "Unix seconds as a time"},
    {"toUpper", 1, 1, fn::ToUpper, "in capital letters"},
    {"urlQueryEscape", 1, 1, fn::UrlQuery, "the text for use in the query of a URL"},
    {"urlquery", 0, kAnyNumber, fn::UrlQuery, "the text for use in the query of a URL"},
    {"value", 1, 1, fn::SampleValue, "the value of a sample"},
};

constexpr bool IsSorted() {
  for (std::size_t i = 1; i < std::size(kFunctions); ++i) {
    if (!(kFunctions[i - 1].name < kFunctions[i].name)) return false;
  }
  return true;
}
static_assert(IsSorted(), "sorted by name, each name once");

}  // namespace

const FunctionSpec* FindTemplateFunction(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kFunctions), std::end(kFunctions), name,
                                       [](const FunctionSpec& f, std::string_view n) { return f.name < n; });
  return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

Result<std::string_view> ToText(const Value& value) {
  if (const std::string* text = value.IfText()) return std::string_view(*text);
  return Fail(Code::kBadData, "wrong type for value; expected string; got {}", value.TypeName());
}

std::span<const FunctionSpec> AllTemplateFunctions() { return kFunctions; }

}  // namespace vedette::alerting::tmpl
