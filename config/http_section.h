// Parts of http_config that stand in it twice: for the requests, and for those of OAuth 2.0 tokens.
#pragma once

#include <string>
#include <string_view>

#include "config/sections.h"

namespace vedette::config {

Status ReadTls(const YamlNode& node, TlsOptions& out);
/// At most one way to give each thing; paths are made absolute.
Status CheckTls(const YamlNode& section, const SectionContext& context, TlsOptions& tls);

/// A key of ProxyOptions in a section that is one.
template <class Section, auto Member>
Status OfProxy(const YamlNode& node, Section& out) {
  return ReadValue(node, out.*Member);
}
template <class Section>
Status ProxyUrl(const YamlNode& node, Section& out) {
  return ReadHttpUrl(node, out.proxy_url);
}
/// A map of lists of texts, which are secrets.
Status ReadConnectHeader(const YamlNode& node, ProxyOptions& out);
template <class Section>
Status ConnectHeader(const YamlNode& node, Section& out) {
  return ReadConnectHeader(node, out);
}
Status CheckProxy(const YamlNode& section, const ProxyOptions& proxy);

Status ReadOauth2(const YamlNode& node, OAuth2& out);
Status CheckOauth2(const YamlNode& section, const SectionContext& context, OAuth2& oauth2);

/// Makes a path absolute and, when files are checked, sure that it can be opened.
Status UseFile(const YamlNode& section, const SectionContext& context, std::string_view what, std::string& path);
Error AtMostOne(const YamlNode& section, std::string_view names);

}  // namespace vedette::config
