// Queries inside templates, and what is done with their samples.
#include <algorithm>

#include "alerting/template/functions.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::string_view kSampleType = "*template.sample";
constexpr int kMaxMapDepth = 50;
constexpr std::size_t kLabelsField = 0, kValueField = 1;

Value MakeSample(const Environment::QuerySample& sample) {
  return Value(Object{kSampleType, {{"Labels", Value(sample.labels)}, {"Value", Value(sample.value)}}});
}

Result<const Object*> Sample(const Value& value) {
  const Object* object = value.IfObject();
  if (object != nullptr && object->type == kSampleType) return object;
  return Fail(Code::kBadData, "wrong type for value; expected {}; got {}", kSampleType, value.TypeName());
}

Result<const List*> Samples(const Value& value) {
  if (const List* list = value.IfList()) return list;
  return Fail(Code::kBadData, "wrong type for value; expected template.queryResult; got {}", value.TypeName());
}

std::string_view LabelOf(const Value& sample, std::string_view name) {
  const Object* object = sample.IfObject();
  return object ? object->fields[kLabelsField].second.If<Labels>()->Get(name) : std::string_view();
}

}  // namespace

namespace fn {

Result<Value> Query(Environment& environment, Args args) {
  VEDETTE_TRY(const std::string_view expr, ToText(args[0]));
  VEDETTE_TRY(const std::vector<Environment::QuerySample> samples, environment.Query(expr));
  List list;
  list.reserve(samples.size());
  for (const auto& sample : samples) list.push_back(MakeSample(sample));
  return Value(std::move(list));
}

Result<Value> First(Environment&, Args args) {
  VEDETTE_TRY(const List* list, Samples(args[0]));
  if (list->empty()) return Fail(Code::kBadData, "first() called on vector with no elements");
  return list->front();
}

Result<Value> Label(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view name, ToText(args[0]));
  VEDETTE_TRY(const Object* sample, Sample(args[1]));
  return Value(sample->fields[kLabelsField].second.If<Labels>()->Get(name));
}

Result<Value> SampleValue(Environment&, Args args) {
  VEDETTE_TRY(const Object* sample, Sample(args[0]));
  return sample->fields[kValueField].second;
}

Result<Value> StrValue(Environment&, Args args) {
  VEDETTE_TRY(const Object* sample, Sample(args[0]));
  return Value(sample->fields[kLabelsField].second.If<Labels>()->Get("__value__"));
}

Result<Value> SortByLabel(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view name, ToText(args[0]));
  VEDETTE_TRY(const List* list, Samples(args[1]));
  for (const Value& item : *list) {
    VEDETTE_TRY(const Object* sample, Sample(item));
    (void)sample;
  }
  List sorted = *list;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Value& a, const Value& b) { return LabelOf(a, name) < LabelOf(b, name); });
  return Value(std::move(sorted));
}

Result<Value> ArgsMap(Environment&, Args args) {
  Map map;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (const Map* inner = args[i].IfMap()) map.depth = std::max(map.depth, inner->depth + 1);
    map.emplace("arg" + std::to_string(i), args[i]);
  }
  if (map.depth > kMaxMapDepth) return Fail(Code::kLimit, "args nested deeper than {} levels", kMaxMapDepth);
  return Value(std::move(map));
}

}  // namespace fn
}  // namespace vedette::alerting::tmpl
