// Relabelling: rewriting or dropping a label set by an ordered list of rules, as Prometheus' relabel_config does.
//
// The same rules serve targets (relabel_configs), scraped samples (metric_relabel_configs), alerts and remote write.
// Pure functions; config/ calls Validate() once, the hot paths call Relabel().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/matcher.h"
#include "core/result.h"

namespace vedette::collector {

enum class RelabelAction : std::uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

/// "replace", "keep", ... in lower case; parsing accepts any case, as Prometheus does.
/// Errors: kBadData `unknown relabel action "x"`.
Result<RelabelAction> ParseRelabelAction(std::string_view text);
std::string_view RelabelActionName(RelabelAction action);

/// Which names are accepted: any UTF-8 text, or only what was legal before Prometheus 3.
enum class NameValidation : std::uint8_t { kUtf8, kLegacy };

struct RelabelConfig {
  std::vector<std::string> source_labels;  // their values, joined by the separator, are what the regex sees
  std::string separator = ";";
  Regex regex = DefaultRegex();  // anchored
  std::uint64_t modulus = 0;     // hashmod only
  std::string target_label;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;

  /// `(.*)`, compiled once.
  static const Regex& DefaultRegex();
  /// Errors: kBadData with Prometheus' sentence, e.g.
  /// "relabel configuration for replace action requires 'target_label' value".
  Status Validate(NameValidation names = NameValidation::kUtf8) const;
  bool operator==(const RelabelConfig& other) const;
};

/// Applies `rules` in order. False: the set is dropped, and what `labels` holds is of no use.
/// Cost: one regex match per rule, answered without the automaton for literals.
bool Relabel(LabelsBuilder& labels, std::span<const RelabelConfig> rules, NameValidation names = NameValidation::kUtf8);

/// Whether `name` may name a label under `names`.
bool IsValidLabelName(std::string_view name, NameValidation names);

}  // namespace vedette::collector
