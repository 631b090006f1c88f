// Which priority a trouble deserves, and why: a deterministic matrix whose every input is recorded.
//
// Base: an explicit priority label, else a mapped severity label (which is also the floor), else the kind of trouble.
// Then the blast radius: many targets of a job raise by one step, a single one of a redundant set lowers. P0 needs a
// label, the kind, or two independent signals. Pure; called by IncidentBook.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alerting/incident/incident.h"
#include "alerting/incident/options.h"
#include "core/matcher.h"

namespace vedette::alerting {

struct Classification {
  Priority priority = Priority::kP3;
  std::vector<Reason> reasons;
};

/// How far the trouble has spread among the targets of one job.
struct BlastRadius {
  std::string job;
  std::size_t affected = 0;          // targets with a firing alert of the same name
  std::optional<std::size_t> known;  // targets of the job; nothing: not known
};

class Classifier {
 public:
  /// `options` has been validated.
  explicit Classifier(const IncidentOptions& options);

  /// `firing`: the alerts of the incident that fire, at least one. `radius`: of each job among them.
  Classification Classify(std::span<const IncidentAlert* const> firing, std::span<const BlastRadius> radius) const;

 private:
  struct Base;
  std::optional<Base> FromPriorityLabel(std::span<const IncidentAlert* const> firing, std::vector<Reason>& out) const;
  std::optional<Base> FromSeverityLabel(std::span<const IncidentAlert* const> firing, std::vector<Reason>& out) const;
  Base FromKind(std::span<const IncidentAlert* const> firing) const;
  void ApplyRadius(const Base& base, Priority kind, std::span<const BlastRadius> radius, Classification& out) const;

  IncidentOptions options_;
  struct Kind {
    std::string name;
    Regex pattern;
    Priority priority;
  };
  std::vector<Kind> kinds_;
};

}  // namespace vedette::alerting
