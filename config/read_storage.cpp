// `storage:`: our options beside the keys that prometheus.yml has there (`tsdb`, `exemplars`).
#include "analytics/promql/parser.h"
#include "config/sections.h"

namespace vedette::config {
namespace {

using storage::StorageOptions;

constexpr Field<StorageOptions> kRetentionFields[] = {
    {"time", Set<&StorageOptions::retention>},
    {"size", SetBytes<&StorageOptions::retention_bytes>},
    {"percentage",
     [](const YamlNode& node, StorageOptions&) -> Status {
       VEDETTE_TRY(const double value, node.As<double>());
       return value >= 0 && value <= 100 ? Ok() : Status(node.At("must be in the range [0, 100]"));
     }},
};

/// Out-of-order samples are always taken, at any age within the retention: the window has nothing to add.
Status ReadOutOfOrderWindow(const YamlNode& node, StorageOptions&) {
  VEDETTE_TRY([[maybe_unused]] const Millis window, node.As<Millis>());
  return Ok();
}

/// Vedette chooses a codec for each chunk by its cost; Prometheus' choice is checked and changes nothing.
Status ReadChunkEncoding(const YamlNode& node, StorageOptions& out) {
  static constexpr Field<StorageOptions> kFields[] = {
      {"floats", [](const YamlNode& value, StorageOptions&) -> Status {
         VEDETTE_TRY(const std::string text, value.As<std::string>());
         if (text == "xor" || text == "xor2") return Ok();
         return value.At(fmt::format("must be 'xor' or 'xor2', got {}", Quote(text)));
       }}};
  return ReadFields<StorageOptions>(node, kFields, out, "storage.tsdb.chunk_encoding");
}

constexpr Field<storage::RetentionRule> kRuleFields[] = {
    {"match",
     [](const YamlNode& node, storage::RetentionRule& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       auto matchers = promql::ParseMetricSelector(text);
       if (!matchers) return node.At(matchers.error().message);
       out.matchers = *std::move(matchers);
       return Ok();
     }},
    {"keep", Set<&storage::RetentionRule::keep>},
};

Status ReadRetentionRules(const YamlNode& node, StorageOptions& out) {
  return ReadList(node, out.retention_rules, "retention rule", [](const YamlNode& item, storage::RetentionRule& rule) {
    return ReadFields<storage::RetentionRule>(item, kRuleFields, rule, "storage.retention_rules");
  });
}

constexpr Field<storage::TierOptions> kTierFields[] = {
    {"step", Set<&storage::TierOptions::step>},
    {"keep", Set<&storage::TierOptions::keep>},
};

Status ReadTiers(const YamlNode& node, StorageOptions& out) {
  return ReadList(node, out.tiers, "tier", [](const YamlNode& item, storage::TierOptions& tier) {
    return ReadFields<storage::TierOptions>(item, kTierFields, tier, "storage.tiers");
  });
}

constexpr Field<StorageOptions> kExemplarFields[] = {
    {"max_exemplars", Set<&StorageOptions::max_exemplars>},
    {"max_age", Set<&StorageOptions::exemplar_age>},
};

constexpr Field<StorageOptions> kTsdbFields[] = {
    {"chunk_encoding", ReadChunkEncoding},
    {"out_of_order_time_window", ReadOutOfOrderWindow},
    {"stale_series_compaction_threshold",
     [](const YamlNode& node, StorageOptions&) -> Status {
       // Series without samples leave memory one by one.
       VEDETTE_TRY(const double share, node.As<double>());
       return share >= 0 && share <= 1 ? Ok() : Status(node.At("must be in the range [0, 1]"));
     }},
    {"retention",
     [](const YamlNode& node, StorageOptions& out) {
       return ReadFields<StorageOptions>(node, kRetentionFields, out, "storage.tsdb.retention");
     }},
};

constexpr Field<StorageOptions> kStorageFields[] = {
    {"path", Set<&StorageOptions::path>},
    {"retention", Set<&StorageOptions::retention>},
    {"retention_size", SetBytes<&StorageOptions::retention_bytes>},
    {"retention_rules", ReadRetentionRules},
    {"max_future", Set<&StorageOptions::max_future>},
    {"wal_sync_interval", Set<&StorageOptions::wal_sync_interval>},
    {"chunk_samples", Set<&StorageOptions::chunk_samples>},
    {"chunk_span", Set<&StorageOptions::chunk_span>},
    {"max_series", Set<&StorageOptions::max_series>},
    {"max_series_memory", SetBytes<&StorageOptions::max_series_bytes>},
    {"block_cache", SetBytes<&StorageOptions::block_cache_bytes>},
    {"index_cache", SetBytes<&StorageOptions::index_cache_bytes>},
    {"sample_cache", SetBytes<&StorageOptions::sample_cache_bytes>},
    {"write_buffer", SetBytes<&StorageOptions::write_buffer_bytes>},
    {"min_free_disk", SetBytes<&StorageOptions::min_free_disk_bytes>},
    {"tsdb", [](const YamlNode& node,
                StorageOptions& out) { return ReadFields<StorageOptions>(node, kTsdbFields, out, "storage.tsdb"); }},
    {"exemplars",
     [](const YamlNode& node, StorageOptions& out) {
       return ReadFields<StorageOptions>(node, kExemplarFields, out, "storage.exemplars");
     }},
    {"tiers", ReadTiers},
};

}  // namespace

Status ReadStorage(const YamlNode& node, const SectionContext& context, StorageOptions& out) {
  VEDETTE_CHECK(ReadFields<StorageOptions>(node, kStorageFields, out, "storage"));
  out.path = ResolvePath(context.base_dir, out.path);
  if (const Status valid = out.Validate(); !valid) return node.At(valid.error().message);
  return Ok();
}

}  // namespace vedette::config
