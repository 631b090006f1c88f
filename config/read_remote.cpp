// `remote_write` and `remote_read`, after remote.cpp has checked them.
#include <algorithm>

#include "config/section_check.h"

namespace vedette::config {
namespace {

using collector::RemoteMetadataOptions;
using collector::RemoteQueueOptions;
using collector::RemoteReadEnd;
using collector::RemoteWriteEnd;

constexpr Field<RemoteQueueOptions> kQueueFields[] = {
    {"capacity", Set<&RemoteQueueOptions::capacity>},
    {"max_shards", Set<&RemoteQueueOptions::max_shards>},
    {"min_shards", Set<&RemoteQueueOptions::min_shards>},
    {"max_samples_per_send", Set<&RemoteQueueOptions::max_samples_per_send>},
    {"batch_send_deadline", Set<&RemoteQueueOptions::batch_send_deadline>},
    {"min_backoff", Set<&RemoteQueueOptions::min_backoff>},
    {"max_backoff", Set<&RemoteQueueOptions::max_backoff>},
    {"retry_on_http_429", Set<&RemoteQueueOptions::retry_on_http_429>},
    {"sample_age_limit", Set<&RemoteQueueOptions::sample_age_limit>},
    {"backlog_limit", SetBytes<&RemoteQueueOptions::max_backlog_bytes>},
};

constexpr Field<RemoteMetadataOptions> kMetadataFields[] = {
    {"send", Set<&RemoteMetadataOptions::send>},
    {"send_interval", Set<&RemoteMetadataOptions::send_interval>},
    {"max_samples_per_send", Set<&RemoteMetadataOptions::max_samples_per_send>},
};

/// Read by ReadRequestAuth(), when the rest is there.
Status ReadLater(const YamlNode&, RemoteWriteEnd&) { return Ok(); }

constexpr Field<RemoteWriteEnd> kWriteFields[] = {
    {"url", Set<&RemoteWriteEnd::url>},
    {"name", Set<&RemoteWriteEnd::name>},
    {"remote_timeout", Set<&RemoteWriteEnd::remote_timeout>},
    {"headers", Set<&RemoteWriteEnd::headers>},
    {"write_relabel_configs",
     [](const YamlNode& node, RemoteWriteEnd& out) {
       return ReadRelabelConfigs(node, "write relabeling rule in remote write config", out.write_relabel_configs);
     }},
    {"protobuf_message",
     [](const YamlNode& node, RemoteWriteEnd& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       out.message = text == collector::kWriteMessageNames[0] ? collector::WriteMessage::kVersion1
                                                              : collector::WriteMessage::kVersion2;
       return Ok();
     }},
    {"send_exemplars", Set<&RemoteWriteEnd::send_exemplars>},
    {"send_native_histograms", Set<&RemoteWriteEnd::send_native_histograms>},
    {"queue_config",
     [](const YamlNode& node, RemoteWriteEnd& out) {
       return ReadFields<RemoteQueueOptions>(node, kQueueFields, out.queue, "queue_config");
     }},
    {"metadata_config",
     [](const YamlNode& node, RemoteWriteEnd& out) {
       return ReadFields<RemoteMetadataOptions>(node, kMetadataFields, out.metadata, "metadata_config");
     }},
    {"round_robin_dns",
     [](const YamlNode& node, RemoteWriteEnd& out) { return ReadValue(node, out.auth.any_address); }},
    {"sigv4", ReadLater},
    {"azuread", ReadLater},
    {"google_iam", ReadLater},
};

constexpr Field<RemoteReadEnd> kReadFields[] = {
    {"url", Set<&RemoteReadEnd::url>},
    {"name", Set<&RemoteReadEnd::name>},
    {"remote_timeout", Set<&RemoteReadEnd::remote_timeout>},
    {"headers", Set<&RemoteReadEnd::headers>},
    {"required_matchers", Set<&RemoteReadEnd::required_matchers>},
    {"read_recent", Set<&RemoteReadEnd::read_recent>},
    {"filter_external_labels", Set<&RemoteReadEnd::filter_external_labels>},
    {"chunked_read_limit", Set<&RemoteReadEnd::chunked_read_limit>},
};

template <class End>
Status ReadEnds(const YamlNode& list, const SectionContext& context, std::span<const Field<End>> fields,
                std::vector<End>& out) {
  return ReadList(list, out, "remote end", [&](const YamlNode& item, End& end) -> Status {
    VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, item.Map());
    for (const YamlNode::Entry& entry : entries) {
      const auto row = std::ranges::find(fields, entry.key, &Field<End>::key);
      if (row == fields.end()) {
        VEDETTE_TRY([[maybe_unused]] const bool taken, ReadHttpConfigKey(entry, end.http));
      } else if (!entry.value.IsNull()) {
        VEDETTE_CHECK(row->read(entry.value, end));
      }
    }
    VEDETTE_CHECK(CheckHttpConfig(item, context, end.http));
    if constexpr (requires { end.auth; }) return ReadRequestAuth(item, context, end.http, end.auth);
    return Ok();
  });
}

}  // namespace

Status ReadRemoteWrite(const YamlNode& list, const SectionContext& context, std::vector<RemoteWriteEnd>& out) {
  VEDETTE_CHECK(CheckRemoteWrite(list, context));
  return ReadEnds<RemoteWriteEnd>(list, context, kWriteFields, out);
}

Status ReadRemoteRead(const YamlNode& list, const SectionContext& context, std::vector<RemoteReadEnd>& out) {
  VEDETTE_CHECK(CheckRemoteRead(list, context));
  return ReadEnds<RemoteReadEnd>(list, context, kReadFields, out);
}

}  // namespace vedette::config
