#include "analytics/promql/query_profile.h"

#include <algorithm>

#include "analytics/promql/printer.h"

namespace vedette::promql {
namespace {

/// Of the text of a node the beginning is shown.
constexpr std::size_t kShownText = 512;

std::string_view KindName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kNumber:
      return "number";
    case ExprKind::kString:
      return "string";
    case ExprKind::kVectorSelector:
      return "selector";
    case ExprKind::kMatrixSelector:
      return "range selector";
    case ExprKind::kSubquery:
      return "subquery";
    case ExprKind::kCall:
      return "call";
    case ExprKind::kAggregate:
      return "aggregation";
    case ExprKind::kBinary:
      return "binary operation";
    case ExprKind::kUnary:
      return "unary operation";
    case ExprKind::kParen:
      break;
  }
  return "parentheses";
}

bool IsLiteral(const Expr& expr) { return expr.kind == ExprKind::kNumber || expr.kind == ExprKind::kString; }

}  // namespace

QueryProfile::Visit::Visit(QueryProfile* profile, const void* node, const std::uint64_t& samples_read)
    : profile_(profile), node_(node), samples_read_(samples_read), samples_before_(samples_read) {
  if (profile_ != nullptr) begun_ = profile_->clock_.Monotonic();
}

QueryProfile::Visit::~Visit() {
  if (profile_ == nullptr) return;
  Cost& all = profile_->costs_[node_];
  ++all.evaluations;
  all.series += cost_.series;
  all.bytes += cost_.bytes;
  all.samples += samples_read_ - samples_before_;
  all.workers = std::max(all.workers, cost_.workers);
  all.time += profile_->clock_.Monotonic() - begun_;
}

void QueryProfile::Visit::Result(std::uint64_t series, std::uint64_t bytes) {
  cost_.series = series;
  cost_.bytes = bytes;
}

void QueryProfile::Visit::Workers(std::size_t count) { cost_.workers = count; }

QueryProfile::Cost QueryProfile::CostOf(const Expr& expr) const {
  Cost cost;
  if (const auto found = costs_.find(&expr); found != costs_.end()) cost = found->second;
  const VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = As<MatrixSelector>(expr).selector.get();
  if (selector == nullptr) return cost;
  const auto found = costs_.find(KeyOf(selector->matchers));
  if (found == costs_.end()) return cost;
  const Cost& read = found->second;
  cost.evaluations = std::max(cost.evaluations, read.evaluations);
  cost.series = read.series;  // found, also those without a value
  cost.samples = std::max(cost.samples, read.samples);
  cost.bytes = std::max(cost.bytes, read.bytes);
  cost.time = std::max(cost.time, read.time);
  cost.workers = read.workers;
  return cost;
}

void QueryProfile::AddChild(const Plan& plan, const Expr* expr, ExplainNode& to) const {
  if (expr == nullptr || IsLiteral(Unwrap(*expr))) return;
  to.children.push_back(NodeOf(plan, Unwrap(*expr)));
}

ExplainNode QueryProfile::NodeOf(const Plan& plan, const Expr& given) const {
  const Expr& expr = Unwrap(given);
  const Cost cost = CostOf(expr);
  ExplainNode node{std::string(KindName(expr.kind)),
                   Print(expr),
                   plan.SameAtEveryStep(expr),
                   cost.evaluations,
                   cost.series,
                   cost.samples,
                   cost.bytes,
                   cost.workers,
                   cost.time,
                   cost.time,
                   {}};
  if (node.text.size() > kShownText) node.text.resize(kShownText);
  switch (expr.kind) {
    case ExprKind::kSubquery:
      AddChild(plan, As<SubqueryExpr>(expr).expr.get(), node);
      break;
    case ExprKind::kCall:
      for (const ExprPtr& argument : As<CallExpr>(expr).args) AddChild(plan, argument.get(), node);
      break;
    case ExprKind::kAggregate:
      AddChild(plan, As<AggregateExpr>(expr).param.get(), node);
      AddChild(plan, As<AggregateExpr>(expr).expr.get(), node);
      break;
    case ExprKind::kBinary:
      AddChild(plan, As<BinaryExpr>(expr).lhs.get(), node);
      AddChild(plan, As<BinaryExpr>(expr).rhs.get(), node);
      break;
    case ExprKind::kUnary:
      AddChild(plan, As<UnaryExpr>(expr).expr.get(), node);
      break;
    default:
      break;
  }
  for (const ExplainNode& child : node.children) {
    node.own_time -= child.time;
    // A subquery is no step of its own in the evaluator.
    if (expr.kind == ExprKind::kSubquery) {
      node.time = child.time;
      node.samples = child.samples;
      node.series = child.series;
      node.evaluations = child.evaluations;
    }
  }
  node.own_time = std::max(node.own_time, std::chrono::nanoseconds(0));
  return node;
}

}  // namespace vedette::promql
