// Arithmetic and comparisons between two vectors: rows of the same signature are paired.
//
// One side is "one": at each step it has at most one row of a signature, or the matching is ambiguous. The other is
// "many", which in one-to-one matching is just as single. Signatures are worked off one after the other over all
// steps; ambiguity is a matter of single steps, so rows that never overlap in time may share a signature.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "analytics/promql/binary.h"
#include "analytics/promql/eval_labels.h"

namespace vedette::promql {

namespace {

constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

/// Rows of one signature on both sides.
struct Partners {
  std::vector<std::size_t> many, one;
};

class RowMatching {
 public:
  RowMatching(Evaluator& eval, const BinaryExpr& binary, const Vector& left, const Vector& right)
      : eval_(eval),
        binary_(binary),
        matching_(*binary.matching),
        one_to_one_(matching_.card == Cardinality::kOneToOne),
        swapped_(matching_.card == Cardinality::kOneToMany),
        many_(swapped_ ? right : left),
        one_(swapped_ ? left : right),
        mixed_(left.has_histograms() || right.has_histograms() || IsTrim(binary.op)),
        drops_metadata_(IsArithmetic(binary.op) || (binary.return_bool && !eval.context().delayed_name_removal)),
        matched_labels_(SortedUnique(matching_.labels)),
        signatures_(matching_),
        out_(eval.NewVector(left.steps())) {}

  Result<Vector> Run() {
    std::vector<Partners> partners;
    for (std::size_t row = 0; row < many_.rows(); ++row) PartnersOf(partners, many_, row).many.push_back(row);
    for (std::size_t row = 0; row < one_.rows(); ++row) PartnersOf(partners, one_, row).one.push_back(row);
    // Of several errors the one is told that comes first step by step, and at a step those of the "one" side.
    Status failed = Ok();
    std::pair<std::size_t, bool> place;
    for (std::size_t signature = 0; signature < partners.size(); ++signature) {
      VEDETTE_CHECK(eval_.context().Check());
      Status status = Match(partners[signature], signatures_.LabelsOf(signature));
      if (status) continue;
      if (status.error().code != Code::kExecution) return status.error();
      if (!failed && place <= at_) continue;
      failed = std::move(status);
      place = at_;
    }
    VEDETTE_CHECK(std::move(failed));
    out_.RemoveEmptyRows();
    return std::move(out_);
  }

 private:
  // Fill values belong to the sides as they are matched: the left one stands in for "many", the right one for "one".
  const std::optional<double>& fill_many() const { return matching_.fill_left; }
  const std::optional<double>& fill_one() const { return matching_.fill_right; }

  bool Has(const Vector& side, std::size_t row, std::size_t step) const {
    return !IsAbsent(side.values(row)[step]) || (mixed_ && side.HasAt(row, step));
  }

  Partners& PartnersOf(std::vector<Partners>& partners, const Vector& side, std::size_t row) {
    const std::size_t signature = signatures_.Of(side.name(row).labels);
    if (signature >= partners.size()) partners.resize(signature + 1);
    return partners[signature];
  }

  Status Match(const Partners& partners, const Labels& signature) {
    if (partners.one.empty() && !fill_one()) return Ok();
    if (partners.many.empty() && !fill_many() && partners.one.size() < 2) return Ok();
    pairs_.clear();
    last_pairs_.assign(partners.many.size() + 1, {});
    for (std::size_t step = 0; step < out_.steps(); ++step) {
      at_ = {step, false};
      VEDETTE_TRY(const std::size_t one, OneAt(partners, step, signature));
      at_.second = true;
      if (one == kNoRow && !fill_one()) continue;
      ++stamp_;
      std::size_t matched = 0;
      for (std::size_t i = 0; i < partners.many.size(); ++i) {
        if (!Has(many_, partners.many[i], step)) continue;
        if (mixed_) {
          VEDETTE_TRY(const bool defined,
                      CombineMixed(partners.many[i], one, step, signature, last_pairs_[i], matched));
          matched += defined ? 1 : 0;
          continue;
        }
        if (++matched > 1 && one_to_one_) return Ambiguous();
        VEDETTE_CHECK(Combine(partners.many[i], one, step, signature, last_pairs_[i]));
      }
      if (matched > 0 || one == kNoRow || !fill_many()) continue;
      if (mixed_) {
        VEDETTE_CHECK(CombineMixed(kNoRow, one, step, signature, last_pairs_.back(), matched));
      } else {
        VEDETTE_CHECK(Combine(kNoRow, one, step, signature, last_pairs_.back()));
      }
    }
    return Ok();
  }

  /// The row of the "one" side at a step, or none.
  Result<std::size_t> OneAt(const Partners& partners, std::size_t step, const Labels& signature) const {
    std::size_t found = kNoRow;
    for (const std::size_t row : partners.one) {
      if (!Has(one_, row, step)) continue;
      if (found != kNoRow && NothingToMatch(step)) return kNoRow;
      if (found != kNoRow) return Duplicate(found, row, signature);
      found = row;
    }
    return found;
  }

  /// The other side has no row at all at this step, so that nobody asks whether this side is unique.
  bool NothingToMatch(std::size_t step) const {
    if (fill_many() || fill_one()) return false;
    for (std::size_t row = 0; row < many_.rows(); ++row) {
      if (Has(many_, row, step)) return false;
    }
    return true;
  }

  Error Duplicate(std::size_t a, std::size_t b, const Labels& signature) const {
    std::string first = BracedText(one_.name(a).labels), second = BracedText(one_.name(b).labels);
    if (second < first) std::swap(first, second);
    return Fail(Code::kExecution,
                "found duplicate series for the match group {} on the {} hand-side of the operation: [{}, "
                "{}];many-to-many matching not allowed: matching labels must be unique on one side",
                BracedText(signature), swapped_ ? "left" : "right", first, second);
  }

  /// The row of the result that a pair of rows goes to. A row mostly meets the same partner again.
  struct LastPair {
    std::size_t one = kNoRow, result = kNoRow;
  };

  /// Computes one value of the result. kNoRow: the fill value stands in for the row.
  Status Combine(std::size_t many, std::size_t one, std::size_t step, const Labels& signature, LastPair& last) {
    const double of_many = many == kNoRow ? *fill_many() : many_.values(many)[step];
    const double of_one = one == kNoRow ? *fill_one() : one_.values(one)[step];
    const OperationResult result =
        swapped_ ? Operate(binary_.op, of_one, of_many) : Operate(binary_.op, of_many, of_one);
    VEDETTE_CHECK(Place(many, one, signature, last));
    if (!result.keep && !binary_.return_bool) return Ok();
    double& value = out_.values(last.result)[step];
    if (!IsAbsent(value)) return Overlapping();
    value = binary_.return_bool ? (result.keep ? 1 : 0) : result.value;
    return Ok();
  }

  /// The same where one side or both may have a histogram. False: the operation is not defined for them, and then they
  /// are no match. `matched`: so many were before.
  Result<bool> CombineMixed(std::size_t many, std::size_t one, std::size_t step, const Labels& signature,
                            LastPair& last, std::size_t matched) {
    const auto operand = [step](const Vector& side, std::size_t row, const std::optional<double>& fill) -> Operand {
      if (row == kNoRow) return {*fill, nullptr};
      const auto histograms = side.histograms(row);
      return {side.values(row)[step], histograms.empty() ? nullptr : histograms[step]};
    };
    const Operand of_many = operand(many_, many, fill_many()), of_one = operand(one_, one, fill_one());
    const Operand& left = swapped_ ? of_one : of_many;
    const Operand& right = swapped_ ? of_many : of_one;
    MixedResult result;
    if (left.histogram || right.histogram || IsTrim(binary_.op)) {
      result = OperateMixed(binary_, left, right, eval_.context().notes);
      if (!result.defined) return false;
    } else {
      const OperationResult number = Operate(binary_.op, left.value, right.value);
      result = {true, number.keep, {number.value, nullptr}};
    }
    if (matched > 0 && one_to_one_) return Ambiguous();
    VEDETTE_CHECK(Place(many, one, signature, last));
    if (!result.keep && !binary_.return_bool) return true;
    if (out_.HasAt(last.result, step)) return Overlapping();
    if (result.value.histogram && !binary_.return_bool) {
      VEDETTE_CHECK(out_.SetHistogram(last.result, step, std::move(result.value.histogram)));
      return true;
    }
    out_.values(last.result)[step] = binary_.return_bool ? (result.keep ? 1 : 0) : result.value.value;
    return true;
  }

  static Error Ambiguous() {
    return Fail(Code::kExecution,
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  }

  static Error Overlapping() { return Fail(Code::kExecution, "vector cannot contain metrics with the same labelset"); }

  /// Finds the row of the result, which no other pair may have used at this step.
  Status Place(std::size_t many, std::size_t one, const Labels& signature, LastPair& last) {
    if (last.result == kNoRow || last.one != one) {
      VEDETTE_TRY(const std::size_t row, ResultRow(many, one, signature));
      last = {one, row};
    }
    if (stamps_[last.result] == stamp_) {
      return Fail(Code::kExecution, "multiple matches for labels: grouping labels must ensure unique matches");
    }
    stamps_[last.result] = stamp_;
    return Ok();
  }

  Result<std::size_t> ResultRow(std::size_t many, std::size_t one, const Labels& signature) {
    const auto pair = pairs_.find({many, one});
    if (pair != pairs_.end()) return pair->second;
    Labels labels = ResultLabels(many == kNoRow ? signature : many_.name(many).labels,
                                 one == kNoRow ? signature : one_.name(one).labels);
    const auto [entry, is_new] = rows_.try_emplace(std::move(labels), out_.rows());
    if (is_new) {
      VEDETTE_CHECK(out_.AddRow({entry->first, binary_.return_bool}));
      stamps_.push_back(0);
    }
    pairs_.emplace(std::pair(many, one), entry->second);
    return entry->second;
  }

  Labels ResultLabels(const Labels& many, const Labels& one) const {
    Labels labels = drops_metadata_ ? WithoutMetadata(many) : many;
    if (one_to_one_) labels = matching_.on ? Only(labels, matched_labels_) : Without(labels, matched_labels_);
    for (const std::string& name : matching_.include) labels = With(labels, name, one.Get(name));
    return labels;
  }

  struct PairHash {
    std::size_t operator()(const std::pair<std::size_t, std::size_t>& pair) const {
      constexpr std::size_t kOdd = 0x9e3779b97f4a7c15;  // spreads consecutive numbers
      return pair.first * kOdd ^ pair.second;
    }
  };

  Evaluator& eval_;
  const BinaryExpr& binary_;
  const VectorMatching& matching_;
  const bool one_to_one_, swapped_;
  const Vector& many_;
  const Vector& one_;
  const bool mixed_;  // some side is not just numbers
  const bool drops_metadata_;
  const std::vector<std::string> matched_labels_;
  Signatures signatures_;
  Vector out_;
  std::unordered_map<Labels, std::size_t> rows_;  // of the result
  std::vector<std::size_t> stamps_;               // per row of the result: the last step of a signature that used it
  std::size_t stamp_ = 0;
  std::pair<std::size_t, bool> at_;  // the step, and whether its "one" side was looked through
  std::unordered_map<std::pair<std::size_t, std::size_t>, std::size_t, PairHash> pairs_;  // of one signature
  std::vector<LastPair> last_pairs_;                                                      // per row of "many"
};

}  // namespace

Result<Vector> EvalMatching(Evaluator& eval, const BinaryExpr& binary, const Vector& left, const Vector& right) {
  return RowMatching(eval, binary, left, right).Run();
}

}  // namespace vedette::promql
