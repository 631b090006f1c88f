// What the nodes of a query cost, measured when somebody asks for it (explain=1): a null pointer in the EvalContext
// otherwise, looked at once per node.
//
// Written by the thread that owns the query; what others read for it comes together before its nodes end.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/promql/ast.h"
#include "analytics/promql/plan.h"
#include "core/clock.h"

namespace vedette::promql {

/// A node of the plan and what became of it. Times, samples and bytes include those of the nodes below.
struct ExplainNode {
  std::string kind;  // "aggregation", "call", ...
  std::string text;  // the expression, cut when it is long
  bool same_at_every_step = false;
  std::uint64_t evaluations = 0;
  std::uint64_t series = 0;   // of a selector: found; of others: rows of the result
  std::uint64_t samples = 0;  // read
  std::uint64_t bytes = 0;    // of the result
  std::size_t workers = 0;    // threads that worked on a selector at once
  std::chrono::nanoseconds time{0}, own_time{0};
  std::vector<ExplainNode> children;
};

class QueryProfile {
 public:
  struct Cost {
    std::uint64_t evaluations = 0, series = 0, samples = 0, bytes = 0;
    std::size_t workers = 0;
    std::chrono::nanoseconds time{0};
  };

  explicit QueryProfile(const Clock& clock) : clock_(clock) {}

  /// Measures from here to its end. Null: nothing. `samples_read`: the query's counter.
  class Visit {
   public:
    Visit(QueryProfile* profile, const void* node, const std::uint64_t& samples_read);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    void Result(std::uint64_t series, std::uint64_t bytes);
    void Workers(std::size_t count);

   private:
    QueryProfile* const profile_;
    const void* const node_;
    const std::uint64_t& samples_read_;
    const std::uint64_t samples_before_;
    std::chrono::nanoseconds begun_{0};
    Cost cost_;
  };

  /// The key of what reads the series of a selector: its matchers are what the readers know of it.
  static const void* KeyOf(std::span<const Matcher> matchers) { return matchers.data(); }

  /// The tree of the plan with what was measured.
  ExplainNode Explain(const Plan& plan) const { return NodeOf(plan, plan.root()); }

 private:
  ExplainNode NodeOf(const Plan& plan, const Expr& expr) const;
  void AddChild(const Plan& plan, const Expr* expr, ExplainNode& to) const;
  Cost CostOf(const Expr& expr) const;

  const Clock& clock_;
  std::unordered_map<const void*, Cost> costs_;
};

}  // namespace vedette::promql
