#include "collector/relabel/relabel.h"

#include <openssl/evp.h>

#include <array>

#include "collector/relabel/unicode_case.h"

namespace vedette::collector {
namespace {

/// The last eight bytes of the MD5 sum, big endian: what Prometheus has used from its first release on.
std::uint64_t Md5Tail(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::uint64_t tail = 0;
  for (std::size_t i = 8; i < 16; ++i) tail = tail << 8 | digest[i];
  return tail;
}

std::string JoinSources(const LabelsBuilder& labels, const RelabelConfig& rule) {
  std::string joined;
  for (std::size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) joined += rule.separator;
    joined += labels.Get(rule.source_labels[i]);
  }
  return joined;
}

void Replace(LabelsBuilder& labels, const RelabelConfig& rule, std::string_view source, NameValidation names) {
  const bool plain_target = rule.target_label.find('$') == std::string::npos;
  std::string value;
  if (!rule.regex.Expand(source, rule.replacement, value)) return;
  if (plain_target) {
    labels.Set(rule.target_label, value);  // an empty value deletes
    return;
  }
  std::string target;
  if (rule.regex.Expand(source, rule.target_label, target) && IsValidLabelName(target, names)) {
    labels.Set(target, value);
  }
}

void MapNames(LabelsBuilder& labels, const RelabelConfig& rule) {
  const auto before = labels.items();  // a copy: Set() moves what it iterates over
  for (const auto& [name, value] : before) {
    std::string target;
    if (rule.regex.Expand(name, rule.replacement, target)) labels.Set(target, value);
  }
}

/// Removes the labels whose name the regex accepts, or the others.
void FilterNames(LabelsBuilder& labels, const Regex& regex, bool remove_matching) {
  std::vector<std::string> gone;
  for (const auto& [name, value] : labels.items()) {
    if (regex.Matches(name) == remove_matching) gone.push_back(name);
  }
  for (const std::string& name : gone) labels.Delete(name);
}

/// False: the set is dropped.
bool ApplyRule(LabelsBuilder& labels, const RelabelConfig& rule, NameValidation names) {
  switch (rule.action) {
    case RelabelAction::kLabelMap:
      MapNames(labels, rule);
      return true;
    case RelabelAction::kLabelDrop:
      FilterNames(labels, rule.regex, true);
      return true;
    case RelabelAction::kLabelKeep:
      FilterNames(labels, rule.regex, false);
      return true;
    default:
      break;
  }
  const std::string source = JoinSources(labels, rule);
  switch (rule.action) {
    case RelabelAction::kKeep:
      return rule.regex.Matches(source);
    case RelabelAction::kDrop:
      return !rule.regex.Matches(source);
    case RelabelAction::kKeepEqual:
      return labels.Get(rule.target_label) == source;
    case RelabelAction::kDropEqual:
      return labels.Get(rule.target_label) != source;
    case RelabelAction::kReplace:
      Replace(labels, rule, source, names);
      break;
    case RelabelAction::kLowercase:
      labels.Set(rule.target_label, ToLowerUtf8(source));
      break;
    case RelabelAction::kUppercase:
      labels.Set(rule.target_label, ToUpperUtf8(source));
      break;
    case RelabelAction::kHashMod:
      labels.Set(rule.target_label, std::to_string(Md5Tail(source) % rule.modulus));
      break;
    default:
      break;
  }
  return true;
}

}  // namespace

bool Relabel(LabelsBuilder& labels, std::span<const RelabelConfig> rules, NameValidation names) {
  for (const RelabelConfig& rule : rules) {
    if (!ApplyRule(labels, rule, names)) return false;
  }
  return true;
}

bool IsValidLabelName(std::string_view name, NameValidation names) {
  return names == NameValidation::kLegacy ? IsLegacyLabelName(name) : !name.empty() && IsValidUtf8(name);
}

}  // namespace vedette::collector
