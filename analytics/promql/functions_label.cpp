// label_replace and label_join.
#include <string>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/functions_impl.h"
#include "core/matcher.h"

namespace vedette::promql::fn {

namespace {

Status CheckLabelName(std::string_view what, std::string_view function, const std::string& name) {
  if (!name.empty() && IsValidUtf8(name)) return Ok();
  return Fail(Code::kExecution, "invalid {}label name in {}(): {}", what, function, name);
}

/// Sets `target` of a row. A name given anew is a name to keep.
void SetLabel(RowName& name, std::string_view target, std::string_view value) {
  name.labels = With(name.labels, target, value);
  if (target == kMetricName) name.drop_name = false;
}

}  // namespace

Result<Vector> LabelReplace(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  const std::string& target = Evaluator::StringOf(*call.args[1]);
  const std::string& replacement = Evaluator::StringOf(*call.args[2]);
  const std::string& source = Evaluator::StringOf(*call.args[3]);
  const std::string& pattern = Evaluator::StringOf(*call.args[4]);
  const auto regex = Regex::Compile(pattern);
  if (!regex) return Fail(Code::kExecution, "invalid regular expression in label_replace(): {}", pattern);
  VEDETTE_CHECK(CheckLabelName("destination ", "label_replace", target));

  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args[0], steps));
  std::string value;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    RowName& name = vector.name(row);
    value.clear();
    if (regex->Expand(name.labels.Get(source), replacement, value)) SetLabel(name, target, value);
  }
  VEDETTE_CHECK(MergeRows(vector));
  return vector;
}

Result<Vector> LabelJoin(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  constexpr std::size_t kFirstSource = 3;
  const std::string& target = Evaluator::StringOf(*call.args[1]);
  const std::string& separator = Evaluator::StringOf(*call.args[2]);
  VEDETTE_CHECK(CheckLabelName("destination ", "label_join", target));
  for (std::size_t i = kFirstSource; i < call.args.size(); ++i) {
    VEDETTE_CHECK(CheckLabelName("source ", "label_join", Evaluator::StringOf(*call.args[i])));
  }

  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args[0], steps));
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    RowName& name = vector.name(row);
    std::string value;
    for (std::size_t i = kFirstSource; i < call.args.size(); ++i) {
      if (i > kFirstSource) value += separator;
      value += name.labels.Get(Evaluator::StringOf(*call.args[i]));
    }
    SetLabel(name, target, value);
  }
  VEDETTE_CHECK(MergeRows(vector));
  return vector;
}

}  // namespace vedette::promql::fn
