// Names that are dropped, and series that become equal by it.
#include <unordered_map>
#include <vector>

#include "analytics/promql/eval.h"
#include "analytics/promql/eval_labels.h"

namespace vedette::promql {

Status DropNames(EvalContext& context, Vector& vector) {
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    RowName& name = vector.name(row);
    name.drop_name = true;
    if (!context.delayed_name_removal) name.labels = WithoutMetadata(name.labels);
  }
  return context.delayed_name_removal ? Ok() : MergeRows(vector);
}

Status DropMarkedNames(Vector& vector) {
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    RowName& name = vector.name(row);
    if (name.drop_name) name.labels = WithoutMetadata(name.labels);
  }
  return MergeRows(vector);
}

Status MergeRows(Vector& vector) {
  std::unordered_map<Labels, std::size_t> first_of;
  first_of.reserve(vector.rows());
  std::vector<std::size_t> kept;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    const auto [entry, is_new] = first_of.try_emplace(vector.name(row).labels, row);
    if (is_new) {
      kept.push_back(row);
      continue;
    }
    for (std::size_t step = 0; step < vector.steps(); ++step) {
      if (!vector.HasAt(row, step)) continue;
      if (vector.HasAt(entry->second, step)) {
        return Fail(Code::kExecution, "vector cannot contain metrics with the same labelset");
      }
      VEDETTE_CHECK(vector.CopyAt(entry->second, step, vector, row, step));
    }
  }
  if (kept.size() < vector.rows()) vector.Reorder(kept);
  return Ok();
}

}  // namespace vedette::promql
