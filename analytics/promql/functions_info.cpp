// info(): adds to each series the labels of the info series that have the same instance and job.
//
// Info series are looked up at the times at which the argument's first selector looks, `@` and offsets included, so
// that series and labels belong together. Of several info series of one name the one with the newest sample counts.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/functions_impl.h"
#include "core/matcher.h"

namespace vedette::promql::fn {

namespace {

constexpr std::string_view kTargetInfo = "target_info";
const std::vector<std::string>& IdentifyingLabels() {
  static const std::vector<std::string> kNames = {"instance", "job"};
  return kNames;
}

/// The matchers of the second argument, sorted out.
struct InfoSelector {
  std::vector<Matcher> names;         // on __name__
  std::vector<Matcher> data;          // on the labels to be added
  std::set<std::string_view> wanted;  // the labels that `data` names; empty: all

  bool WantsSome() const {
    return std::ranges::any_of(data, [](const Matcher& matcher) { return !matcher.MatchesEmpty(); });
  }
};

bool IsPositive(const Matcher& matcher) { return matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex; }

Result<InfoSelector> SelectorOf(const CallExpr& call) {
  InfoSelector selector;
  if (call.args.size() > 1) {
    for (const Matcher& matcher : As<VectorSelector>(Unwrap(*call.args[1])).matchers) {
      (matcher.name() == kMetricName ? selector.names : selector.data).push_back(matcher);
    }
  }
  for (const Matcher& matcher : selector.data) selector.wanted.insert(matcher.name());
  if (selector.names.empty()) {
    selector.names.push_back(Matcher::Equal(std::string(kMetricName), std::string(kTargetInfo)));
  } else if (std::ranges::none_of(selector.names, IsPositive)) {
    VEDETTE_TRY(Matcher any, Matcher::Create(MatchOp::kRegex, std::string(kMetricName), ".+_info"));
    selector.names.insert(selector.names.begin(), std::move(any));
  }
  return selector;
}

/// Time modifiers of the first selector within `expr`, those of the subqueries around it added up to the first `@`.
/// False when there is no selector.
bool ReferenceOf(const Expr& expr, TimeModifiers& time) {
  const auto first_of = [&time](std::initializer_list<const Expr*> parts) {
    return std::ranges::any_of(parts, [&time](const Expr* part) { return part && ReferenceOf(*part, time); });
  };
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      time.at = As<VectorSelector>(expr).time.at;
      time.offset = As<VectorSelector>(expr).time.offset;
      return true;
    case ExprKind::kMatrixSelector:
      return ReferenceOf(*As<MatrixSelector>(expr).selector, time);
    case ExprKind::kSubquery: {
      const auto& subquery = As<SubqueryExpr>(expr);
      if (!ReferenceOf(*subquery.expr, time)) return false;
      if (!time.at) {
        time.at = subquery.time.at;
        time.offset += subquery.time.offset;
      }
      return true;
    }
    case ExprKind::kCall:
      return std::ranges::any_of(As<CallExpr>(expr).args, [&](const ExprPtr& arg) { return ReferenceOf(*arg, time); });
    case ExprKind::kAggregate:
      return first_of({As<AggregateExpr>(expr).expr.get(), As<AggregateExpr>(expr).param.get()});
    case ExprKind::kBinary:
      return first_of({As<BinaryExpr>(expr).lhs.get(), As<BinaryExpr>(expr).rhs.get()});
    case ExprKind::kUnary:
      return ReferenceOf(*As<UnaryExpr>(expr).expr, time);
    case ExprKind::kParen:
      return ReferenceOf(*As<ParenExpr>(expr).expr, time);
    default:
      return false;
  }
}

/// Enriches one vector.
class Enrichment {
 public:
  Enrichment(Evaluator& eval, const CallExpr& call, const Steps& steps, const InfoSelector& selector,
             const Vector& base)
      : eval_(eval), call_(call), steps_(steps), selector_(selector), base_(base), out_(eval.NewVector(steps.count)) {}

  Result<Vector> Run() {
    VEDETTE_TRY(const Vector info, InfoSeries());
    VEDETTE_CHECK(IndexInfo(info));
    for (std::size_t row = 0; row < base_.rows(); ++row) {
      VEDETTE_CHECK(eval_.context().Check());
      VEDETTE_CHECK(Enrich(row));
    }
    out_.RemoveEmptyRows();
    return std::move(out_);
  }

 private:
  /// Info series are not enriched themselves.
  bool IsInfo(const Labels& labels) const {
    return std::ranges::all_of(selector_.names, [&](const Matcher& m) { return m.Matches(labels.MetricName()); });
  }

  /// Times of the samples of the info series, which tell the newest.
  Result<Vector> InfoSeries() {
    std::map<std::string, std::set<std::string>> values;
    for (std::size_t row = 0; row < base_.rows(); ++row) {
      const Labels& labels = base_.name(row).labels;
      if (IsInfo(labels)) continue;
      for (const std::string& name : IdentifyingLabels()) {
        if (const std::string_view value = labels.Get(name); !value.empty()) values[name].emplace(value);
      }
    }
    if (values.empty()) return eval_.NewVector(steps_.count);

    VectorSelector series;
    for (const auto& [name, texts] : values) {
      std::string pattern;
      for (const std::string& text : texts) pattern += (pattern.empty() ? "" : "|") + QuoteForRegex(text);
      VEDETTE_TRY(Matcher matcher, Matcher::Create(MatchOp::kRegex, name, pattern));
      series.matchers.push_back(std::move(matcher));
    }
    series.matchers.insert(series.matchers.end(), selector_.names.begin(), selector_.names.end());
    series.matchers.insert(series.matchers.end(), selector_.data.begin(), selector_.data.end());
    ReferenceOf(*call_.args.front(), series.time);
    return eval_.SampleTimes(series, steps_, Evaluator::TimeOf::kInfo);
  }

  static std::string QuoteForRegex(std::string_view text) {
    std::string quoted;
    for (const char c : text) {
      if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) quoted += '\\';
      quoted += c;
    }
    return quoted;
  }

  /// For each identity and info name: the info series that counts at each step.
  Status IndexInfo(const Vector& info) {
    for (std::size_t row = 0; row < info.rows(); ++row) {
      const Labels& labels = info.name(row).labels;
      auto& chosen = info_[Only(labels, IdentifyingLabels())][std::string(labels.MetricName())];
      chosen.resize(steps_.count);
      const Labels* kept = kept_labels_.emplace_back(std::make_unique<Labels>(labels)).get();
      const auto times = info.values(row);
      for (std::size_t step = 0; step < steps_.count; ++step) {
        if (IsAbsent(times[step])) continue;
        if (chosen[step].labels != nullptr && chosen[step].time == times[step]) {
          return Fail(Code::kExecution, "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                      BracedText(*chosen[step].labels), Millisecond(times[step]), BracedText(labels),
                      Millisecond(times[step]));
        }
        if (chosen[step].labels == nullptr || chosen[step].time < times[step]) chosen[step] = {kept, times[step]};
      }
    }
    return Ok();
  }
  static std::int64_t Millisecond(double seconds) { return std::llround(seconds * 1000); }

  Status Enrich(std::size_t row) {
    const RowName& name = base_.name(row);
    const auto infos = info_.find(Only(name.labels, IdentifyingLabels()));
    const bool as_it_is = IsInfo(name.labels) || infos == info_.end();
    const bool missing_is_wrong = !IsInfo(name.labels) && selector_.WantsSome();
    if (as_it_is && missing_is_wrong) return Ok();
    std::vector<const Labels*> sources;
    for (std::size_t step = 0; step < steps_.count; ++step) {
      if (!base_.HasAt(row, step)) continue;
      sources.clear();
      if (!as_it_is) {
        for (const auto& [info_name, chosen] : infos->second) {
          if (chosen[step].labels != nullptr) sources.push_back(chosen[step].labels);
        }
        if (sources.empty() && missing_is_wrong) continue;
      }
      VEDETTE_CHECK(Put(row, sources, step));
    }
    return Ok();
  }

  Status Put(std::size_t row, const std::vector<const Labels*>& sources, std::size_t step) {
    const RowName& name = base_.name(row);
    if (sources != last_sources_ || last_base_ != &name) {
      VEDETTE_TRY(Labels labels, Merge(name.labels, sources));
      const auto [entry, is_new] = rows_.try_emplace(std::move(labels), out_.rows());
      if (is_new) VEDETTE_CHECK(out_.AddRow({entry->first, name.drop_name}));
      last_row_ = entry->second;
      last_sources_ = sources;
      last_base_ = &name;
    }
    if (out_.HasAt(last_row_, step)) {
      return Fail(Code::kExecution, "vector cannot contain metrics with the same labelset");
    }
    return out_.CopyAt(last_row_, step, base_, row, step);
  }

  Result<Labels> Merge(const Labels& base, const std::vector<const Labels*>& sources) const {
    LabelsBuilder added;
    for (const Labels* source : sources) {
      for (const LabelView label : *source) {
        if (label.name == kMetricName) continue;
        if (!selector_.wanted.empty() && !selector_.wanted.contains(label.name)) continue;
        const std::string_view before = added.Get(label.name);
        if (!before.empty() && before != label.value) {
          return Fail(Code::kExecution, "conflicting label: {}", label.name);
        }
        if (!base.Has(label.name)) added.Set(label.name, label.value);
      }
    }
    Labels merged = base;
    for (const auto& [name, value] : added.items()) merged = With(merged, name, value);
    return merged;
  }

  struct Chosen {
    const Labels* labels = nullptr;
    double time = 0;  // of the sample, seconds
  };

  Evaluator& eval_;
  const CallExpr& call_;
  const Steps& steps_;
  const InfoSelector& selector_;
  const Vector& base_;
  Vector out_;
  std::unordered_map<Labels, std::map<std::string, std::vector<Chosen>>> info_;
  std::vector<std::unique_ptr<Labels>> kept_labels_;
  std::unordered_map<Labels, std::size_t> rows_;
  std::vector<const Labels*> last_sources_;
  const RowName* last_base_ = nullptr;
  std::size_t last_row_ = 0;
};

}  // namespace

Result<Vector> Info(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const InfoSelector selector, SelectorOf(call));
  VEDETTE_TRY(const Vector base, eval.EvalVector(*call.args.front(), steps));
  return Enrichment(eval, call, steps, selector, base).Run();
}

}  // namespace vedette::promql::fn
