// `alerting:`: Alertmanager's routing tree, inhibition rules and receivers.
#include <algorithm>

#include "config/section_check.h"

namespace vedette::config {
namespace {

using alerting::InhibitRule;
using alerting::PagerdutyConfig;
using alerting::PagerdutyImage;
using alerting::PagerdutyLink;
using alerting::Receiver;
using alerting::RouteOptions;
using alerting::SlackAction;
using alerting::SlackConfig;
using alerting::SlackField;
using alerting::WebhookConfig;

/// `match` and `match_re`: a map of label and value.
template <MatchOp op>
Status ReadMatchMap(const YamlNode& node, std::vector<Matcher>& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    if (op == MatchOp::kRegex && entry.value.IsNull())
      return node.At(fmt::format("regex value for {} is empty", entry.key));
    VEDETTE_TRY(std::string value, entry.value.As<std::string>());
    auto matcher = Matcher::Create(op, entry.key, std::move(value));
    if (!matcher) return entry.value.At(matcher.error().message);
    out.push_back(*std::move(matcher));
  }
  return Ok();
}

Status ReadRoute(const YamlNode& node, RouteOptions& out);

constexpr Field<RouteOptions> kRouteFields[] = {
    {"receiver", Set<&RouteOptions::receiver>},
    {"matchers", [](const YamlNode& node, RouteOptions& out) { return ReadMatchers(node, out.matchers); }},
    {"match",
     [](const YamlNode& node, RouteOptions& out) { return ReadMatchMap<MatchOp::kEqual>(node, out.matchers); }},
    {"match_re",
     [](const YamlNode& node, RouteOptions& out) { return ReadMatchMap<MatchOp::kRegex>(node, out.matchers); }},
    {"group_by", Set<&RouteOptions::group_by>},
    {"continue", Set<&RouteOptions::continue_matching>},
    {"group_wait", Set<&RouteOptions::group_wait>},
    {"group_interval", Set<&RouteOptions::group_interval>},
    {"repeat_interval", Set<&RouteOptions::repeat_interval>},
    {"mute_time_intervals", NotSupported<RouteOptions>},
    {"active_time_intervals", NotSupported<RouteOptions>},
    {"routes", [](const YamlNode& node, RouteOptions& out) { return ReadList(node, out.routes, "route", ReadRoute); }},
};

Status ReadRoute(const YamlNode& node, RouteOptions& out) {
  return ReadFields<RouteOptions>(node, kRouteFields, out, "route");
}

constexpr Field<InhibitRule> kInhibitFields[] = {
    {"source_matchers", [](const YamlNode& node, InhibitRule& out) { return ReadMatchers(node, out.source_matchers); }},
    {"target_matchers", [](const YamlNode& node, InhibitRule& out) { return ReadMatchers(node, out.target_matchers); }},
    {"source_match",
     [](const YamlNode& node, InhibitRule& out) { return ReadMatchMap<MatchOp::kEqual>(node, out.source_matchers); }},
    {"target_match",
     [](const YamlNode& node, InhibitRule& out) { return ReadMatchMap<MatchOp::kEqual>(node, out.target_matchers); }},
    {"source_match_re",
     [](const YamlNode& node, InhibitRule& out) { return ReadMatchMap<MatchOp::kRegex>(node, out.source_matchers); }},
    {"target_match_re",
     [](const YamlNode& node, InhibitRule& out) { return ReadMatchMap<MatchOp::kRegex>(node, out.target_matchers); }},
    {"equal", Set<&InhibitRule::equal>},
};

constexpr Field<SlackField> kSlackFieldFields[] = {
    {"title", Set<&SlackField::title>}, {"value", Set<&SlackField::value>}, {"short", Set<&SlackField::short_field>}};

constexpr Field<SlackAction> kSlackActionFields[] = {
    {"type", [](const YamlNode&, SlackAction&) { return Ok(); }},  // "button" is the only one there is
    {"text", Set<&SlackAction::text>},
    {"url", Set<&SlackAction::url>},
    {"style", Set<&SlackAction::style>},
};

template <class T>
Status ReadHttpOf(const YamlNode& node, T& out) {
  VEDETTE_CHECK(ReadHttpConfig(node, out.http_config));
  // Named files are looked at when a message is sent: a receiver may be prepared before its secret is. Where their
  // paths start is said later, by ApplyGlobal().
  return CheckHttpConfig(node, SectionContext{.base_dir = "", .files = FileCheck::kSyntaxOnly}, out.http_config);
}

constexpr Field<SlackConfig> kSlackFields[] = {
    {"send_resolved", Set<&SlackConfig::send_resolved>},
    {"api_url", Set<&SlackConfig::api_url>},
    {"api_url_file", Set<&SlackConfig::api_url_file>},
    {"channel", Set<&SlackConfig::channel>},
    {"username", Set<&SlackConfig::username>},
    {"icon_emoji", Set<&SlackConfig::icon_emoji>},
    {"icon_url", Set<&SlackConfig::icon_url>},
    {"color", Set<&SlackConfig::color>},
    {"title", Set<&SlackConfig::title>},
    {"title_link", Set<&SlackConfig::title_link>},
    {"pretext", Set<&SlackConfig::pretext>},
    {"text", Set<&SlackConfig::text>},
    {"fallback", Set<&SlackConfig::fallback>},
    {"footer", Set<&SlackConfig::footer>},
    {"short_fields", Set<&SlackConfig::short_fields>},
    {"image_url", Set<&SlackConfig::image_url>},
    {"thumb_url", Set<&SlackConfig::thumb_url>},
    {"timeout", Set<&SlackConfig::timeout>},
    {"http_config", ReadHttpOf<SlackConfig>},
    {"fields",
     [](const YamlNode& node, SlackConfig& out) {
       return ReadList(node, out.fields, "field", [](const YamlNode& item, SlackField& field) {
         return ReadFields<SlackField>(item, kSlackFieldFields, field, "slack field");
       });
     }},
    {"actions",
     [](const YamlNode& node, SlackConfig& out) {
       return ReadList(node, out.actions, "action", [](const YamlNode& item, SlackAction& action) {
         return ReadFields<SlackAction>(item, kSlackActionFields, action, "slack action");
       });
     }},
    {"app_token", NotSupported<SlackConfig>},
    {"app_token_file", NotSupported<SlackConfig>},
    {"update_message", NotSupported<SlackConfig>},
    {"callback_id", NotSupported<SlackConfig>},
    {"link_names", NotSupported<SlackConfig>},
    {"mrkdwn_in", NotSupported<SlackConfig>},
    {"message_text", NotSupported<SlackConfig>},
};

constexpr Field<PagerdutyLink> kLinkFields[] = {{"href", Set<&PagerdutyLink::href>},
                                                {"text", Set<&PagerdutyLink::text>}};
constexpr Field<PagerdutyImage> kImageFields[] = {
    {"src", Set<&PagerdutyImage::src>}, {"alt", Set<&PagerdutyImage::alt>}, {"href", Set<&PagerdutyImage::href>}};

constexpr Field<PagerdutyConfig> kPagerdutyFields[] = {
    {"send_resolved", Set<&PagerdutyConfig::send_resolved>},
    {"routing_key", Set<&PagerdutyConfig::routing_key>},
    {"routing_key_file", Set<&PagerdutyConfig::routing_key_file>},
    {"service_key", Set<&PagerdutyConfig::service_key>},
    {"service_key_file", Set<&PagerdutyConfig::service_key_file>},
    {"url", [](const YamlNode& node, PagerdutyConfig& out) { return ReadHttpUrl(node, out.url); }},
    {"client", Set<&PagerdutyConfig::client>},
    {"client_url", Set<&PagerdutyConfig::client_url>},
    {"description", Set<&PagerdutyConfig::description>},
    {"severity", Set<&PagerdutyConfig::severity>},
    {"component", Set<&PagerdutyConfig::component>},
    {"group", Set<&PagerdutyConfig::group>},
    {"class", Set<&PagerdutyConfig::event_class>},
    {"source", Set<&PagerdutyConfig::source>},
    {"details", Set<&PagerdutyConfig::details>},
    {"timeout", Set<&PagerdutyConfig::timeout>},
    {"http_config", ReadHttpOf<PagerdutyConfig>},
    {"links",
     [](const YamlNode& node, PagerdutyConfig& out) {
       return ReadList(node, out.links, "link", [](const YamlNode& item, PagerdutyLink& link) {
         return ReadFields<PagerdutyLink>(item, kLinkFields, link, "pagerduty link");
       });
     }},
    {"images",
     [](const YamlNode& node, PagerdutyConfig& out) {
       return ReadList(node, out.images, "image", [](const YamlNode& item, PagerdutyImage& image) {
         return ReadFields<PagerdutyImage>(item, kImageFields, image, "pagerduty image");
       });
     }},
};

constexpr Field<WebhookConfig> kWebhookFields[] = {
    {"send_resolved", Set<&WebhookConfig::send_resolved>},
    {"url", Set<&WebhookConfig::url>},
    {"url_file", Set<&WebhookConfig::url_file>},
    {"max_alerts", Set<&WebhookConfig::max_alerts>},
    {"timeout", Set<&WebhookConfig::timeout>},
    {"http_config", ReadHttpOf<WebhookConfig>},
    {"payload", NotSupported<WebhookConfig>},
};

template <auto Member, auto& Fields>
Status ReadIntegrations(const YamlNode& node, Receiver& out) {
  return ReadList(node, out.*Member, "receiver configuration", [](const YamlNode& item, auto& config) {
    return ReadFields(item, Fields, config, "receiver configuration");
  });
}

constexpr Field<Receiver> kReceiverFields[] = {
    {"name", Set<&Receiver::name>},
    {"slack_configs", ReadIntegrations<&Receiver::slack_configs, kSlackFields>},
    {"pagerduty_configs", ReadIntegrations<&Receiver::pagerduty_configs, kPagerdutyFields>},
    {"webhook_configs", ReadIntegrations<&Receiver::webhook_configs, kWebhookFields>},
    {"discord_configs", NotSupported<Receiver>},
    {"email_configs", NotSupported<Receiver>},
    {"incidentio_configs", NotSupported<Receiver>},
    {"jira_configs", NotSupported<Receiver>},
    {"mattermost_configs", NotSupported<Receiver>},
    {"msteams_configs", NotSupported<Receiver>},
    {"msteamsv2_configs", NotSupported<Receiver>},
    {"opsgenie_configs", NotSupported<Receiver>},
    {"pushover_configs", NotSupported<Receiver>},
    {"rocketchat_configs", NotSupported<Receiver>},
    {"sns_configs", NotSupported<Receiver>},
    {"telegram_configs", NotSupported<Receiver>},
    {"victorops_configs", NotSupported<Receiver>},
    {"webex_configs", NotSupported<Receiver>},
    {"wechat_configs", NotSupported<Receiver>},
};

/// Alertmanager's `global`: what receivers fall back to.
struct AlertingGlobal {
  Secret slack_api_url;
  std::string slack_api_url_file;
  std::string pagerduty_url;
  HttpConfig http_config;
  Millis resolve_timeout = alerting::AlertingOptions{}.resolve_timeout;
};

constexpr Field<AlertingGlobal> kAlertingGlobalFields[] = {
    {"slack_api_url", Set<&AlertingGlobal::slack_api_url>},
    {"slack_api_url_file", Set<&AlertingGlobal::slack_api_url_file>},
    {"pagerduty_url", [](const YamlNode& node, AlertingGlobal& out) { return ReadHttpUrl(node, out.pagerduty_url); }},
    {"http_config", ReadHttpOf<AlertingGlobal>},
    {"resolve_timeout", Set<&AlertingGlobal::resolve_timeout>},
};

struct Section {
  alerting::AlertingOptions out;
  AlertingGlobal global;
  const SectionContext& context;
};

/// Static addresses are host:port, or become that by relabelling.
Status CheckAddresses(const YamlNode& section) {
  std::vector<collector::StaticConfig> configs;
  std::vector<collector::RelabelConfig> rules;
  if (const auto node = section.Get("static_configs")) VEDETTE_CHECK(ReadStaticConfigs(*node, configs));
  if (const auto node = section.Get("relabel_configs")) VEDETTE_CHECK(ReadRelabelConfigs(*node, "rule", rules));
  for (const collector::StaticConfig& config : configs) {
    for (const std::string& target : config.targets) {
      LabelsBuilder labels(config.labels);
      labels.Set("__address__", target);
      if (!collector::Relabel(labels, rules, collector::NameValidation::kUtf8)) continue;
      const Labels relabelled = labels.Build();
      const std::string_view address = relabelled.Get("__address__");
      if (address.empty() || address.find('/') != std::string_view::npos) {
        return section.Get("static_configs")->At(fmt::format("{} is not a valid hostname", Quote(address)));
      }
    }
  }
  return Ok();
}

/// Prometheus' list of where alerts go; kept by read_alertmanagers.cpp.
Status CheckAlertmanagers(const YamlNode& list, const SectionContext& context) {
  static constexpr KeyCheck kKeys[] = {{"timeout", Is<Millis>},
                                       {"api_version", Is<std::string>},
                                       {"path_prefix", Is<std::string>},
                                       {"scheme", Is<std::string>},
                                       {"sigv4", IsSigv4},
                                       {"static_configs", IsStaticConfigs},
                                       {"relabel_configs", IsRelabelConfigs},
                                       {"alert_relabel_configs", IsRelabelConfigs}};
  VEDETTE_TRY(const std::vector<YamlNode> sections, list.Sequence());
  for (const YamlNode& section : sections) {
    HttpConfig http;
    VEDETTE_CHECK(CheckHttpSection(section, "alertmanagers", kKeys, context, http, true));
    VEDETTE_CHECK(NeedOneOf(section, "api_version", "v2", {"v2"}));
    VEDETTE_CHECK(NeedOneOf(section, "scheme", "http", {"http", "https"}));
    VEDETTE_CHECK(CheckAddresses(section));
    if (IsSet(section, "sigv4") && (http.basic_auth || http.authorization || IsSet(section, "oauth2"))) {
      return section.At("at most one of basic_auth, authorization, oauth2 & sigv4 must be configured");
    }
  }
  return Ok();
}

/// A list that may be there but has to be empty: what it would do is not supported.
template <class T>
Status OnlyEmpty(const YamlNode& node, T& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  return items.empty() ? Ok() : NotSupported(node, out);
}

constexpr Field<Section> kAlertingFields[] = {
    {"global",
     [](const YamlNode& node, Section& out) {
       return ReadFields<AlertingGlobal>(node, kAlertingGlobalFields, out.global, "alerting.global");
     }},
    {"route",
     [](const YamlNode& node, Section& out) {
       out.out.route = {};
       return ReadRoute(node, out.out.route);
     }},
    {"inhibit_rules",
     [](const YamlNode& node, Section& out) {
       return ReadList(node, out.out.inhibit_rules, "inhibit rule", [](const YamlNode& item, InhibitRule& rule) {
         return ReadFields<InhibitRule>(item, kInhibitFields, rule, "inhibit_rules");
       });
     }},
    {"receivers",
     [](const YamlNode& node, Section& out) {
       out.out.receivers.clear();
       return ReadList(node, out.out.receivers, "receiver", [](const YamlNode& item, Receiver& receiver) {
         return ReadFields<Receiver>(item, kReceiverFields, receiver, "receivers");
       });
     }},
    {"templates", [](const YamlNode& node, Section& out) { return ReadValue(node, out.out.templates); }},
    {"time_intervals", OnlyEmpty<Section>},
    {"mute_time_intervals", OnlyEmpty<Section>},
    {"alert_relabel_configs", [](const YamlNode& node, Section&) { return IsRelabelConfigs(node); }},
    {"alertmanagers", [](const YamlNode& node, Section& out) { return CheckAlertmanagers(node, out.context); }},
};

void ApplyGlobal(const AlertingGlobal& global, const std::string& base_dir, Receiver& receiver) {
  for (SlackConfig& slack : receiver.slack_configs) {
    if (slack.api_url.empty() && slack.api_url_file.empty()) {
      slack.api_url = global.slack_api_url;
      slack.api_url_file = global.slack_api_url_file;
    }
    slack.api_url_file = ResolvePath(base_dir, slack.api_url_file);
    if (slack.http_config == HttpConfig{}) slack.http_config = global.http_config;
    ResolveFiles(base_dir, slack.http_config);
  }
  for (PagerdutyConfig& pagerduty : receiver.pagerduty_configs) {
    if (!global.pagerduty_url.empty() && pagerduty.url == PagerdutyConfig{}.url) pagerduty.url = global.pagerduty_url;
    pagerduty.routing_key_file = ResolvePath(base_dir, pagerduty.routing_key_file);
    pagerduty.service_key_file = ResolvePath(base_dir, pagerduty.service_key_file);
    if (pagerduty.http_config == HttpConfig{}) pagerduty.http_config = global.http_config;
    ResolveFiles(base_dir, pagerduty.http_config);
  }
  for (WebhookConfig& webhook : receiver.webhook_configs) {
    webhook.url_file = ResolvePath(base_dir, webhook.url_file);
    if (webhook.http_config == HttpConfig{}) webhook.http_config = global.http_config;
    ResolveFiles(base_dir, webhook.http_config);
  }
}

}  // namespace

Status ReadAlerting(const YamlNode& node, const SectionContext& context, alerting::AlertingOptions& out) {
  Section section{out, {}, context};
  VEDETTE_CHECK(ReadFields<Section>(node, kAlertingFields, section, "alerting"));
  if (!section.global.slack_api_url.empty() && !section.global.slack_api_url_file.empty()) {
    return node.At("at most one of slack_api_url & slack_api_url_file must be configured");
  }
  alerting::AlertingOptions& options = section.out;
  if (node.Has("receivers") && !node.Has("route")) return node.At("receivers are given, but no route leads to them");
  options.resolve_timeout = section.global.resolve_timeout;
  for (Receiver& receiver : options.receivers) ApplyGlobal(section.global, context.base_dir, receiver);
  std::vector<std::string> templates;
  for (const std::string& pattern : options.templates) {
    for (std::string& file : ExpandGlob(ResolvePath(context.base_dir, pattern))) templates.push_back(std::move(file));
  }
  options.templates = std::move(templates);
  if (const Status valid = options.Validate(); !valid) return node.At(valid.error().message);
  out = std::move(options);
  return Ok();
}

}  // namespace vedette::config
