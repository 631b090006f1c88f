#include "alerting/incident/classify.h"

#include <algorithm>
#include <cassert>

namespace vedette::alerting {
namespace {

constexpr Priority kDefaultKindPriority = Priority::kP2;

Priority Raised(Priority p) { return p == Priority::kP0 ? p : static_cast<Priority>(static_cast<int>(p) - 1); }
Priority Lowered(Priority p) { return p == Priority::kP3 ? p : static_cast<Priority>(static_cast<int>(p) + 1); }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// What the kind is recognised by.
std::string_view KindSubject(const IncidentAlert& alert) {
  if (const std::string_view stated = alert.labels.Get("kind"); !stated.empty()) return stated;
  return alert.kind == AlertKind::kRule ? alert.Name() : AlertKindName(alert.kind);
}

std::string RadiusText(const BlastRadius& radius) {
  return fmt::format("{} of {} targets of job {} {} affected", radius.affected, *radius.known, radius.job,
                     radius.affected == 1 ? "is" : "are");
}

}  // namespace

struct Classifier::Base {
  Priority priority;
  std::optional<Priority> floor;  // never less urgent than this
  Reason reason;
  bool final = false;          // nothing adjusts it
  bool informational = false;  // spreading does not make it worse
};

Classifier::Classifier(const IncidentOptions& options) : options_(options) {
  for (const KindRule& rule : options.kinds) {
    auto regex = Regex::Compile("(?is).*(?:" + rule.pattern + ").*");
    if (regex) kinds_.push_back({rule.kind, *std::move(regex), rule.priority});
  }
}

std::optional<Classifier::Base> Classifier::FromPriorityLabel(std::span<const IncidentAlert* const> firing,
                                                              std::vector<Reason>& out) const {
  std::optional<Base> best;
  for (const IncidentAlert* alert : firing) {
    for (const std::string& name : options_.priority_labels) {
      const std::string_view value = alert->labels.Get(name);
      if (value.empty()) continue;
      const auto priority = ParsePriority(value);
      if (!priority) {
        Reason note = {"label", fmt::format("{}={} is not a priority", name, value.substr(0, 64)), 0};
        if (std::find(out.begin(), out.end(), note) == out.end()) out.push_back(std::move(note));
        continue;
      }
      if (!best || *priority < best->priority) {
        best = Base{*priority, *priority, {"label", fmt::format("{}={} (label)", name, value), 0}, true, false};
      }
      break;
    }
  }
  return best;
}

std::optional<Classifier::Base> Classifier::FromSeverityLabel(std::span<const IncidentAlert* const> firing,
                                                              std::vector<Reason>& out) const {
  std::optional<Base> best;
  for (const IncidentAlert* alert : firing) {
    for (const std::string& name : options_.severity_labels) {
      const std::string_view value = alert->labels.Get(name);
      if (value.empty()) continue;
      const auto mapped = std::find_if(options_.severity_map.begin(), options_.severity_map.end(),
                                       [&](const auto& row) { return EqualIgnoringCase(row.first, value); });
      if (mapped == options_.severity_map.end()) {
        Reason note = {"label", fmt::format("{}={} is not in the severity map", name, value.substr(0, 64)), 0};
        if (std::find(out.begin(), out.end(), note) == out.end()) out.push_back(std::move(note));
        continue;
      }
      if (!best || mapped->second < best->priority) {
        best = Base{mapped->second,
                    mapped->second,
                    {"label", fmt::format("{}={} (label)", name, value), 0},
                    false,
                    mapped->second == Priority::kP3};
      }
      break;
    }
  }
  return best;
}

Classifier::Base Classifier::FromKind(std::span<const IncidentAlert* const> firing) const {
  std::optional<Base> best;
  std::string_view previous;
  for (const IncidentAlert* alert : firing) {
    const std::string_view subject = KindSubject(*alert);
    if (best && subject == previous) continue;  // nearly always: the alerts of an incident share their name
    previous = subject;
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& k) {
      return k.pattern.Matches(subject) || EqualIgnoringCase(k.name, subject);
    });
    const Priority priority = kind == kinds_.end() ? kDefaultKindPriority : kind->priority;
    if (best && best->priority <= priority) continue;
    const std::string_view name = kind == kinds_.end() ? std::string_view("threshold") : std::string_view(kind->name);
    best = Base{
        priority, std::nullopt, {"kind", fmt::format("it is of kind {}", name), 0}, false, priority == Priority::kP3};
  }
  return *best;
}

void Classifier::ApplyRadius(const Base& base, Priority kind, std::span<const BlastRadius> radius,
                             Classification& out) const {
  for (const BlastRadius& r : radius) {
    if (!r.known || *r.known == 0) {
      out.reasons.push_back({"blast_radius", fmt::format("how many targets job {} has is not known", r.job), 0});
      continue;
    }
    const double share = static_cast<double>(r.affected) / static_cast<double>(*r.known);
    Reason reason = {"blast_radius", RadiusText(r), 0};
    const Priority before = out.priority;
    if (share >= options_.wide_share && r.affected >= 2 && !base.informational) {
      const Priority raised = Raised(before);
      if (raised == Priority::kP0 && before != Priority::kP0 && kind != Priority::kP0) {
        out.reasons.push_back(std::move(reason));
        out.reasons.push_back({"bound", "P0 takes a label, the kind or two independent signals", 0});
        continue;
      }
      // One step for the widest spread, however many jobs are affected.
      if (before == base.priority) out.priority = raised;
    } else if (r.affected == 1 && options_.redundant_targets > 0 && *r.known >= options_.redundant_targets &&
               radius.size() == 1) {
      const Priority lowered = Lowered(before);
      if (!base.floor || lowered <= *base.floor) out.priority = lowered;
    }
    reason.weight = static_cast<int>(before) - static_cast<int>(out.priority);
    out.reasons.push_back(std::move(reason));
  }
}

Classification Classifier::Classify(std::span<const IncidentAlert* const> firing,
                                    std::span<const BlastRadius> radius) const {
  assert(!firing.empty());
  Classification out;
  std::vector<Reason> notes;
  const Base kind = FromKind(firing);
  std::optional<Base> base = FromPriorityLabel(firing, notes);
  if (!base) base = FromSeverityLabel(firing, notes);
  if (!base) base = kind;
  out.priority = base->priority;
  out.reasons.push_back(base->reason);
  if (!base->final) {
    if (base->reason.input != "kind" && kind.reason.text != "it is of kind threshold") {
      out.reasons.push_back(kind.reason);
    }
    ApplyRadius(*base, kind.priority, radius, out);
  }
  out.reasons.insert(out.reasons.end(), notes.begin(), notes.end());
  return out;
}

}  // namespace vedette::alerting
