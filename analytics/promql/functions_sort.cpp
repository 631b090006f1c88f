// sort, sort_desc, sort_by_label, sort_by_label_desc. They order the rows of an instant query; a range query is always
// ordered by labels, so there they only leave a warning.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analytics/promql/functions_impl.h"
#include "core/numbers.h"

namespace vedette::promql::fn {

namespace {

/// Length of the run of digits, or of other characters, that `text` starts with.
std::size_t RunLength(std::string_view text) {
  std::size_t n = 1;
  while (n < text.size() && IsDigit(text[n]) == IsDigit(text[0])) ++n;
  return n;
}

/// Order of two runs of digits by number: longer is larger once leading zeros are gone.
int CompareNumbers(std::string_view a, std::string_view b) {
  const auto trim = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  const std::string_view x = trim(a), y = trim(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return x.compare(y);
}

/// Natural order: runs of digits compare as numbers, "v2" before "v10".
int CompareNaturally(std::string_view a, std::string_view b) {
  std::string_view left = a, right = b;
  while (!left.empty() && !right.empty()) {
    const std::string_view x = left.substr(0, RunLength(left)), y = right.substr(0, RunLength(right));
    const bool numbers = IsDigit(x[0]) && IsDigit(y[0]);
    if (const int order = numbers ? CompareNumbers(x, y) : x.compare(y); order != 0) return order;
    left.remove_prefix(x.size());
    right.remove_prefix(y.size());
  }
  if (left.empty() != right.empty()) return left.empty() ? -1 : 1;
  return a.compare(b);  // the same but for leading zeros
}

/// Where there is one step puts the rows into the order of `before(row, row)`.
template <class Before>
Result<Vector> Sorted(Evaluator& eval, const CallExpr& call, const Steps& steps, Vector vector, const Before& before) {
  if (steps.count != 1) {
    eval.context().notes.SortInRangeQuery(call.pos);
    return vector;
  }
  std::vector<std::size_t> order(vector.rows());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return before(vector, a, b); });
  vector.Reorder(order);
  return vector;
}

Result<Vector> SortedByValue(Evaluator& eval, const CallExpr& call, const Steps& steps, bool descending) {
  VEDETTE_TRY(Vector argument, eval.EvalVector(*call.args.front(), steps));
  argument.DropHistograms();  // they have no order
  return Sorted(eval, call, steps, std::move(argument),
                [descending](const Vector& vector, std::size_t a, std::size_t b) {
                  const double x = vector.values(a)[0], y = vector.values(b)[0];
                  if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);  // NaN last, either way
                  return descending ? x > y : x < y;
                });
}

Result<Vector> SortedByLabels(Evaluator& eval, const CallExpr& call, const Steps& steps, bool descending) {
  VEDETTE_TRY(Vector argument, eval.EvalVector(*call.args.front(), steps));
  return Sorted(eval, call, steps, std::move(argument),
                [&call, descending](const Vector& vector, std::size_t a, std::size_t b) {
                  const Labels& x = vector.name(descending ? b : a).labels;
                  const Labels& y = vector.name(descending ? a : b).labels;
                  for (std::size_t i = 1; i < call.args.size(); ++i) {
                    const std::string& label = Evaluator::StringOf(*call.args[i]);
                    if (const int order = CompareNaturally(x.Get(label), y.Get(label)); order != 0) return order < 0;
                  }
                  return x < y;
                });
}

}  // namespace

Result<Vector> Sort(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return SortedByValue(eval, call, steps, false);
}
Result<Vector> SortDesc(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return SortedByValue(eval, call, steps, true);
}
Result<Vector> SortByLabel(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return SortedByLabels(eval, call, steps, false);
}
Result<Vector> SortByLabelDesc(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return SortedByLabels(eval, call, steps, true);
}

}  // namespace vedette::promql::fn
