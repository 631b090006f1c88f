// Sections that are checked as Prometheus checks them and of which nothing is kept: what they ask for is listed by
// not_run.cpp until the agent does it.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "config/sections.h"

namespace vedette::config {

using Text = std::string;
using Texts = std::vector<std::string>;
using TextMap = std::vector<std::pair<std::string, std::string>>;

/// A key, and what its value has to be.
struct KeyCheck {
  std::string_view key;
  Status (*check)(const YamlNode& value);
};

template <class T>
Status Is(const YamlNode& value) {
  T read{};
  return ReadValue(value, read);
}
/// Up to 65,535.
Status IsPort(const YamlNode& value);
Status IsHttpUrl(const YamlNode& value);
/// A list of {name, values}, as the Docker and AWS discoveries filter; the latter want values.
Status IsFilters(const YamlNode& value);
Status IsAwsFilters(const YamlNode& value);
Status IsTlsConfig(const YamlNode& value);
Status IsRelabelConfigs(const YamlNode& value);
Status IsStaticConfigs(const YamlNode& value);
Status IsSigv4(const YamlNode& value);
Status ReadSigv4(const YamlNode& node, collector::Sigv4Options& out);
/// Of a section whose keys were checked. `http` gets the credentials that it knows itself.
Status ReadRequestAuth(const YamlNode& section, const SectionContext& context, HttpConfig& http,
                       collector::RequestAuth& out);

/// Unknown keys and values of a wrong kind are errors with their place, as in ReadFields().
Status CheckKeys(const YamlNode& section, std::string_view what, std::span<const KeyCheck> keys);
/// The same of a section that also takes the keys of http_config, which are read into `http` and checked.
/// `discovers`: it may have service discoveries as well.
Status CheckHttpSection(const YamlNode& section, std::string_view what, std::span<const KeyCheck> keys,
                        const SectionContext& context, HttpConfig& http, bool discovers = false);

/// The text of a scalar, empty when it is missing: of a section that was checked.
std::string TextOf(const YamlNode& section, std::string_view key);
/// Whether a key says anything: it is there, not null, and no empty text or list.
bool IsSet(const YamlNode& section, std::string_view key);
/// Error: one of `keys` is missing or empty. The message has the first of them in the place of {}.
Status NeedTexts(const YamlNode& section, std::initializer_list<std::string_view> keys, std::string_view message);
/// Error: the text of `key` is none of `known`. A missing or empty one is `fallback`.
Status NeedOneOf(const YamlNode& section, std::string_view key, std::string_view fallback,
                 std::initializer_list<std::string_view> known);

/// An entry `<kind>_sd_configs` of `parent`. Errors: an unknown kind (at the key), or what is wrong in it.
Status CheckDiscovery(const YamlNode& parent, const YamlNode::Entry& entry, const SectionContext& context);
/// One item of kubernetes_sd_configs.
Status CheckKubernetes(const YamlNode& section, const HttpConfig& http);
/// The same, checked before.
Status ReadKubernetes(const YamlNode& section, const SectionContext& context, collector::KubernetesSdConfig& out);

}  // namespace vedette::config
