// `remote_write`, `remote_read`, `otlp` and `tracing`: checked as Prometheus checks them; `otlp` is kept as well.
#include <algorithm>
#include <cctype>
#include <set>

#include "config/section_check.h"

namespace vedette::config {
namespace {

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Those that the sender sets itself.
constexpr std::string_view kReservedHeaders[] = {
    "host", "content-encoding", "content-length", "content-type", "user-agent", "connection", "keep-alive",
    "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
    "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
    // of a signature
    "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"};

Status IsHeaders(const YamlNode& value) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, value.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY([[maybe_unused]] const std::string text, entry.value.As<std::string>());
    const std::string name = Lower(entry.key);
    if (name == "authorization") {
      return entry.value.At(
          "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or "
          "google_iam "
          "parameter");
    }
    if (std::ranges::find(kReservedHeaders, name) != std::end(kReservedHeaders)) {
      return entry.value.At(fmt::format("{} is a reserved header. It must not be changed", entry.key));
    }
  }
  return Ok();
}

Status IsAzureAd(const YamlNode& value) {
  // Of each way the keys are the provider's; which of them go together is said when one is used.
  static constexpr KeyCheck kIdentity[] = {
      {"client_id", Is<Text>}, {"client_secret", Is<Text>}, {"tenant_id", Is<Text>}, {"token_file_path", Is<Text>}};
  static constexpr auto kIsIdentity = [](const YamlNode& node) { return CheckKeys(node, "azuread", kIdentity); };
  static constexpr KeyCheck kKeys[] = {{"cloud", Is<Text>},
                                       {"scope", Is<Text>},
                                       {"managed_identity", kIsIdentity},
                                       {"oauth", kIsIdentity},
                                       {"workload_identity", kIsIdentity},
                                       {"sdk", kIsIdentity}};
  VEDETTE_CHECK(CheckKeys(value, "azuread", kKeys));
  const int ways = IsSet(value, "managed_identity") + IsSet(value, "oauth") + IsSet(value, "workload_identity") +
                   IsSet(value, "sdk");
  return ways == 1 ? Ok()
                   : Status(value.At("must provide exactly one Azure authentication: managed_identity, oauth, "
                                     "workload_identity or sdk"));
}

Status IsGoogleIam(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"credentials_file", Is<Text>}};
  return CheckKeys(value, "google_iam", kKeys);
}

double NumberOf(const YamlNode& section, std::string_view key, double fallback) {
  const auto value = section.Get(key);
  if (!value || value->IsNull()) return fallback;
  const auto number = value->As<double>();
  return number ? *number : fallback;
}

Status IsByteSize(const YamlNode& value) {
  std::size_t bytes = 0;
  return ReadBytes(value, bytes);
}

Status IsQueueConfig(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"capacity", Is<int>},
                                       {"max_shards", Is<int>},
                                       {"min_shards", Is<int>},
                                       {"max_samples_per_send", Is<int>},
                                       {"batch_send_deadline", Is<Millis>},
                                       {"min_backoff", Is<Millis>},
                                       {"max_backoff", Is<Millis>},
                                       {"retry_on_http_429", Is<bool>},
                                       {"sample_age_limit", Is<Millis>},
                                       {"backlog_limit", IsByteSize}};
  VEDETTE_CHECK(CheckKeys(value, "queue_config", kKeys));
  const auto fail = [&](std::string_view what) { return value.At(fmt::format("remote write queue {}", what)); };
  for (const std::string_view key : {"capacity", "max_shards", "min_shards", "max_samples_per_send"}) {
    if (NumberOf(value, key, 1) < 1) return fail(fmt::format("{} must be positive", key));
  }
  if (NumberOf(value, "min_shards", 1) > NumberOf(value, "max_shards", 50)) {
    return fail("min_shards must not be greater than max_shards");
  }
  Millis least(30), most = std::chrono::seconds(5);
  VEDETTE_CHECK(value.Read("min_backoff", least));
  VEDETTE_CHECK(value.Read("max_backoff", most));
  if (most < least) return fail("max_backoff must not be less than min_backoff");
  return Ok();
}

Status IsMetadataConfig(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {
      {"send", Is<bool>}, {"send_interval", Is<Millis>}, {"max_samples_per_send", Is<int>}};
  VEDETTE_CHECK(CheckKeys(value, "metadata_config", kKeys));
  return NumberOf(value, "max_samples_per_send", 1) >= 1 ? Ok()
                                                         : Status(value.At("max_samples_per_send must be positive"));
}

constexpr KeyCheck kWriteKeys[] = {
    {"url", Is<Text>},
    {"protobuf_message",
     [](const YamlNode& value) -> Status {
       VEDETTE_TRY(const std::string text, value.As<std::string>());
       if (text == "prometheus.WriteRequest" || text == "io.prometheus.write.v2.Request") return Ok();
       return value.At(
           fmt::format("unknown type for remote write protobuf message {}, supported: prometheus.WriteRequest, "
                       "io.prometheus.write.v2.Request",
                       text));
     }},
    {"remote_timeout", Is<Millis>},
    {"headers", IsHeaders},
    {"write_relabel_configs", IsRelabelConfigs},
    {"name", Is<Text>},
    {"send_exemplars", Is<bool>},
    {"send_native_histograms", Is<bool>},
    {"round_robin_dns", Is<bool>},
    {"sigv4", IsSigv4},
    {"azuread", IsAzureAd},
    {"google_iam", IsGoogleIam},
    {"queue_config", IsQueueConfig},
    {"metadata_config", IsMetadataConfig},
};
constexpr KeyCheck kReadKeys[] = {
    {"url", Is<Text>},
    {"name", Is<Text>},
    {"required_matchers", Is<TextMap>},
    {"remote_timeout", Is<Millis>},
    {"headers", IsHeaders},
    {"read_recent", Is<bool>},
    {"filter_external_labels", Is<bool>},
    {"chunked_read_limit", Is<std::size_t>},
};

/// Remote ends: a URL each, and no name twice.
Status CheckRemotes(const YamlNode& list, std::string_view key, std::span<const KeyCheck> keys,
                    const SectionContext& context) {
  std::string words(key);
  std::ranges::replace(words, '_', ' ');
  VEDETTE_TRY(const std::vector<YamlNode> sections, list.Sequence());
  std::set<std::string> names;
  for (const YamlNode& section : sections) {
    if (section.IsNull()) return section.At(fmt::format("empty or null {} config section", words));
    HttpConfig http;
    VEDETTE_CHECK(CheckHttpSection(section, key, keys, context, http));
    if (TextOf(section, "url").empty()) return section.At(fmt::format("url for {} is empty", key));
    const int ways = IsSet(section, "sigv4") + IsSet(section, "azuread") + IsSet(section, "google_iam") +
                     IsSet(section, "oauth2") + http.basic_auth.has_value() + http.authorization.has_value();
    if (ways > 1) {
      return section.At(
          "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured");
    }
    if (const std::string name = TextOf(section, "name"); !name.empty() && !names.insert(name).second) {
      return section.At(fmt::format("found multiple {} configs with job name {}", words, Quote(name)));
    }
  }
  return Ok();
}

std::string TrimmedName(const std::string& name) {
  const std::size_t first = name.find_first_not_of(' ');
  return first == std::string::npos ? "" : name.substr(first, name.find_last_not_of(' ') + 1 - first);
}

/// Of a list that IsAttributes() accepts.
Status ReadAttributeNames(const YamlNode& section, std::string_view key, Texts& out) {
  out.clear();
  if (!IsSet(section, key)) return Ok();
  VEDETTE_TRY(const Texts names, section.Get(key)->As<Texts>());
  for (const std::string& name : names) out.push_back(TrimmedName(name));
  return Ok();
}

/// Attribute names: none empty, none twice.
Status IsAttributes(const YamlNode& value) {
  VEDETTE_TRY(const Texts names, value.As<Texts>());
  std::set<std::string> seen;
  for (const std::string& name : names) {
    const std::string trimmed = TrimmedName(name);
    if (trimmed.empty()) return value.At("an attribute name must not be empty");
    if (!seen.insert(trimmed).second) return value.At(fmt::format("duplicated attribute {}", Quote(trimmed)));
  }
  return Ok();
}

}  // namespace

Status IsSigv4(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"region", Is<Text>},      {"access_key", Is<Text>},
                                       {"secret_key", Is<Text>},  {"profile", Is<Text>},
                                       {"role_arn", Is<Text>},    {"use_fips_sts_endpoint", Is<bool>},
                                       {"external_id", Is<Text>}, {"service_name", Is<Text>}};
  VEDETTE_CHECK(CheckKeys(value, "sigv4", kKeys));
  if (IsSet(value, "access_key") != IsSet(value, "secret_key")) {
    return value.At(
        "must provide an AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config");
  }
  return Ok();
}

Status CheckRemoteWrite(const YamlNode& list, const SectionContext& context) {
  return CheckRemotes(list, "remote_write", kWriteKeys, context);
}

Status CheckRemoteRead(const YamlNode& list, const SectionContext& context) {
  return CheckRemotes(list, "remote_read", kReadKeys, context);
}

Status ReadOtlp(const YamlNode& section, collector::NameValidation names, collector::OtlpOptions& out) {
  static constexpr KeyCheck kKeys[] = {
      {"promote_all_resource_attributes", Is<bool>},
      {"promote_resource_attributes", IsAttributes},
      {"ignore_resource_attributes", IsAttributes},
      {"translation_strategy", Is<Text>},
      {"keep_identifying_resource_attributes", Is<bool>},
      {"convert_histograms_to_nhcb", Is<bool>},
      {"promote_scope_metadata", Is<bool>},
      {"label_name_underscore_sanitization", Is<bool>},
      {"label_name_preserve_multiple_underscores", Is<bool>},
  };
  VEDETTE_CHECK(CheckKeys(section, "otlp", kKeys));
  const bool all = TextOf(section, "promote_all_resource_attributes") == "true";
  if (all && IsSet(section, "promote_resource_attributes")) {
    return section.At(
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously");
  }
  if (!all && IsSet(section, "ignore_resource_attributes")) {
    return section.At("'ignore_resource_attributes' can only be used together with 'promote_all_resource_attributes'");
  }
  VEDETTE_CHECK(NeedOneOf(section, "translation_strategy", "UnderscoreEscapingWithSuffixes",
                          {"UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes",
                           "NoUTF8EscapingWithSuffixes", "NoTranslation"}));
  const std::string strategy = TextOf(section, "translation_strategy");
  if (names == collector::NameValidation::kLegacy && strategy.starts_with("No")) {
    return section.At(fmt::format(
        "OTLP translation strategy {} is not allowed when metric_name_validation_scheme is legacy", Quote(strategy)));
  }
  if (!strategy.empty()) {
    VEDETTE_TRY(out.translation_strategy, collector::ParseOtlpTranslation(strategy));
  }
  for (const auto& [key, flag] : std::initializer_list<std::pair<std::string_view, bool*>>{
           {"promote_all_resource_attributes", &out.promote_all_resource_attributes},
           {"keep_identifying_resource_attributes", &out.keep_identifying_resource_attributes},
           {"convert_histograms_to_nhcb", &out.convert_histograms_to_nhcb},
           {"promote_scope_metadata", &out.promote_scope_metadata},
           {"label_name_underscore_sanitization", &out.label_name_underscore_sanitization},
           {"label_name_preserve_multiple_underscores", &out.label_name_preserve_multiple_underscores}}) {
    VEDETTE_CHECK(section.Read(key, *flag));
  }
  VEDETTE_CHECK(ReadAttributeNames(section, "promote_resource_attributes", out.promote_resource_attributes));
  return ReadAttributeNames(section, "ignore_resource_attributes", out.ignore_resource_attributes);
}

Status CheckTracing(const YamlNode& section) {
  static constexpr KeyCheck kKeys[] = {
      {"client_type", Is<Text>}, {"endpoint", Is<Text>},      {"sampling_fraction", Is<double>},
      {"insecure", Is<bool>},    {"headers", IsHeaders},      {"compression", Is<Text>},
      {"timeout", Is<Millis>},   {"tls_config", IsTlsConfig}, {"http_headers", Is<TextMap>}};
  VEDETTE_CHECK(CheckKeys(section, "tracing", kKeys));
  VEDETTE_CHECK(NeedTexts(section, {"endpoint"}, "tracing {} must be set"));
  VEDETTE_CHECK(NeedOneOf(section, "client_type", "grpc", {"grpc", "http"}));
  return NeedOneOf(section, "compression", "gzip", {"gzip", ""});
}

}  // namespace vedette::config
