#include "collector/push/gateway/gateway.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "collector/media_type.h"
#include "collector/push/gateway/gateway_rows.h"
#include "collector/push/gateway/group_path.h"
#include "collector/push/unpack.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kPushTime = "push_time_seconds", kFailureTime = "push_failure_time_seconds";
constexpr std::string_view kPushTimeHelp = "Last Unix time when changing this group in the Pushgateway succeeded.";
constexpr std::string_view kFailureTimeHelp = "Last Unix time when changing this group in the Pushgateway failed.";

constexpr std::size_t kMaxGroupKeyBytes = 1024;

/// What a body becomes when it is read, for each line and each byte: parsed families and what is made of them.
constexpr std::size_t kBytesPerLine = 300, kTimesBody = 20;

/// What the names of a family's series end in.
std::span<const std::string_view> SeriesSuffixes(std::uint32_t type) {
  static constexpr std::string_view kSuffixes[] = {"_count", "_sum", "_bucket"};
  const std::string_view name = GatewayTypeName(type);
  const std::size_t n = name == "SUMMARY" ? 2 : name.ends_with("HISTOGRAM") ? 3 : 0;
  return std::span(kSuffixes).first(n);
}

Error Collides(const GatewayFamily& family, std::string_view part) {
  return Fail(Code::kBadData,
              "collected histogram or summary named {} collides with previously collected metric named {}",
              Quote(family.name), Quote(part));
}

bool IsGatewayProtobuf(std::string_view content_type) {
  return MediaType(content_type) == "application/vnd.google.protobuf" &&
         MediaParameter(content_type, "encoding") == "delimited" &&
         MediaParameter(content_type, "proto") == "io.prometheus.client.metricfamily";
}

/// Among the families of one body, as CheckName() does it with those that are there.
Status CheckWithin(const std::vector<GatewayFamily>& families) {
  std::set<std::string_view> names;
  for (const GatewayFamily& family : families) names.insert(family.name);
  for (const GatewayFamily& family : families) {
    for (const std::string_view suffix : SeriesSuffixes(family.type)) {
      const std::string part = family.name + std::string(suffix);
      if (names.contains(part)) return Collides(family, part);
    }
  }
  return Ok();
}

Error Inconsistent(const Error& problem) {
  return Fail(Code::kBadData, "pushed metrics are invalid or inconsistent with existing metrics: {}", problem.message);
}

}  // namespace

struct PushGateway::Group {
  RawLabels labels;
  TimeMs pushed, failed;
  std::map<std::string, std::shared_ptr<const GatewayStored>> families;
  std::size_t bytes = 0;
};

/// A family name in all groups.
struct PushGateway::Named {
  std::set<const Group*> groups;
  std::uint32_t type = 0;
  std::unordered_map<std::uint64_t, const Group*> series;  // to the one that has it
};

struct PushGateway::Metrics {
  explicit Metrics(prometheus::Registry& registry) {
    auto& of_refused = prometheus::BuildCounter()
                           .Name("vedette_collector_pushgateway_refused_total")
                           .Help("Pushes to groups that were refused.")
                           .Register(registry);
    malformed = &of_refused.Add({{"reason", "malformed"}});
    inconsistent = &of_refused.Add({{"reason", "inconsistent"}});
    too_many = &of_refused.Add({{"reason", "groups"}});
    group_size = &of_refused.Add({{"reason", "group_size"}});
    size = &of_refused.Add({{"reason", "size"}});
    const auto gauge = [&](const char* name, const char* help) {
      return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
    };
    groups = gauge("vedette_collector_pushgateway_groups", "Groups of pushed metrics.");
    bytes = gauge("vedette_collector_pushgateway_bytes", "Memory of the groups of pushed metrics.");
  }
  prometheus::Counter *malformed, *inconsistent, *too_many, *group_size, *size;
  prometheus::Gauge *groups, *bytes;
};

PushGateway::PushGateway(storage::StateStore& state, Intake& intake, prometheus::Registry& registry)
    : state_(state), intake_(intake), metrics_(std::make_unique<Metrics>(registry)) {}

PushGateway::~PushGateway() = default;

Result<std::unique_ptr<PushGateway>> PushGateway::Open(storage::StateStore& state, Intake& intake,
                                                       prometheus::Registry& registry) {
  std::unique_ptr<PushGateway> gateway(new PushGateway(state, intake, registry));
  VEDETTE_CHECK(gateway->Load());
  return gateway;
}

Status PushGateway::Load() {
  std::size_t bad = 0;
  VEDETTE_CHECK(state_.Scan(kGatewayGroupTable, {}, [&](std::string_view key, std::string_view value) {
    const auto row = GatewayGroupRow::Decode(value);
    auto labels = GroupLabelsOf(key);
    if (row && labels) {
      groups_[std::string(key)] = {*std::move(labels), row->pushed, row->failed, {}, 0};
    } else {
      ++bad;
    }
    return true;
  }));
  VEDETTE_CHECK(state_.Scan(kGatewayFamilyTable, {}, [&](std::string_view key, std::string_view value) {
    const std::string_view group_key = GroupKeyOfFamilyKey(key);
    const auto group = groups_.find(std::string(group_key));
    auto stored = group != groups_.end() ? DecodeGatewayFamily(value, group->second.labels)
                                         : Result<GatewayStored>(Fail(Code::kCorruption, "no group"));
    if (stored) {
      Put(group->first, std::make_shared<const GatewayStored>(*std::move(stored)));
    } else {
      ++bad;
    }
    return true;
  }));
  if (bad > 0) LogError("collector", "rows of pushed groups cannot be read and are left out", {{"rows", bad}});
  ShowSizes();
  return Ok();
}

Status PushGateway::Push(const GatewayPush& push) {
  PushBatch batch(intake_, PushProtocol::kPushgateway);  // for its bounds and counts; samples come by the scrape
  const auto run = [&]() -> Status {
    const auto malformed = [&](const Error& error) {
      metrics_->malformed->Increment();
      return error;
    };
    auto labels = ParseGroupPath(push.path);
    if (!labels) return malformed(labels.error());
    std::string buffer;
    std::string_view text;
    if (const Status unpacked =
            UnpackBody(push.body, push.encoding, intake_.options().pushgateway_max_group_bytes, batch, buffer, text);
        !unpacked) {
      (unpacked.error().code == Code::kLimit ? metrics_->group_size : metrics_->malformed)->Increment();
      return unpacked.error();
    }
    const bool protobuf = IsGatewayProtobuf(push.content_type);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    VEDETTE_CHECK(batch.Charge(kTimesBody * text.size() + (protobuf ? 0 : lines * kBytesPerLine)));
    const std::size_t most = intake_.options().pushgateway_max_group_bytes;
    auto body = protobuf ? ReadGatewayProtobuf(text, *labels, most) : ReadGatewayText(text, *labels, most);
    if (!body) return malformed(body.error());
    return Store(*labels, *std::move(body), push.replace);
  };
  return batch.Finish(run()).status;
}

/// Null: there is none.
const PushGateway::Group* PushGateway::Find(const std::string& key) const {
  const auto found = groups_.find(key);
  return found != groups_.end() ? &found->second : nullptr;
}

/// Whether a group but for what the push replaces has a family of this name.
bool PushGateway::Has(const std::string& name, const std::string& but, bool replace, std::uint32_t* type) const {
  const auto named = names_.find(name);
  if (named == names_.end()) return false;
  if (type != nullptr) *type = named->second.type;
  return !(replace && named->second.groups.size() == 1 && named->second.groups.contains(Find(but)));
}

/// Names that the series of summaries and histograms have too.
Status PushGateway::CheckName(const GatewayFamily& family, const std::string& key, bool replace) const {
  for (const std::string_view suffix : SeriesSuffixes(family.type)) {
    const std::string part = family.name + std::string(suffix);
    if (Has(part, key, replace, nullptr)) return Collides(family, part);
  }
  const std::size_t end = family.name.rfind('_');
  if (end == std::string::npos) return Ok();
  const std::string whole = family.name.substr(0, end);
  std::uint32_t type = 0;
  if (!Has(whole, key, replace, &type)) return Ok();
  const auto suffixes = SeriesSuffixes(type);
  if (std::ranges::find(suffixes, std::string_view(family.name).substr(end)) == suffixes.end()) return Ok();
  return Fail(Code::kBadData, "collected metric named {} collides with previously collected {} named {}",
              Quote(family.name), suffixes.size() == 2 ? "summary" : "histogram", Quote(whole));
}

Status PushGateway::CheckAgainstOthers(const std::string& key, const GatewayFamily& family, bool replace) const {
  VEDETTE_CHECK(CheckName(family, key, replace));
  const auto found = names_.find(family.name);
  if (found == names_.end()) return Ok();
  const Named& named = found->second;
  const bool alone = named.groups.size() == 1 && named.groups.contains(Find(key));
  if (!alone && named.type != family.type) {
    return Fail(Code::kBadData, "collected metric {} is not a {}: other groups have it as {}", Quote(family.name),
                GatewayTypeName(family.type), GatewayTypeName(named.type));
  }
  for (const std::uint64_t series : family.series) {
    const auto owner = named.series.find(series);
    if (owner == named.series.end() || owner->second == Find(key)) continue;
    return Fail(Code::kBadData, "a series of {} was collected before with the same name and label values",
                Quote(family.name));
  }
  return Ok();
}

Status PushGateway::CheckSize(const std::string& key, std::size_t bytes, std::size_t old_bytes) {
  const PushOptions& options = intake_.options();
  if (!groups_.contains(key) && groups_.size() >= options.pushgateway_max_groups) {
    metrics_->too_many->Increment();
    return Fail(Code::kLimit, "there are {} groups already, which is the limit", groups_.size());
  }
  if (bytes > options.pushgateway_max_group_bytes) {
    metrics_->group_size->Increment();
    return Fail(Code::kLimit, "the group would take {} bytes, and the limit is {}", bytes,
                options.pushgateway_max_group_bytes);
  }
  if (bytes_ - old_bytes + bytes > options.pushgateway_max_bytes) {
    metrics_->size->Increment();
    return Fail(Code::kLimit, "all groups would take {} bytes, and the limit is {}", bytes_ - old_bytes + bytes,
                options.pushgateway_max_bytes);
  }
  return Ok();
}

Status PushGateway::Store(const RawLabels& labels, GatewayBody body, bool replace) {
  const std::string key = GroupKey(labels);
  if (key.size() > kMaxGroupKeyBytes) {
    metrics_->group_size->Increment();
    return Fail(Code::kLimit, "the labels of a group may take {} bytes, not {}", kMaxGroupKeyBytes, key.size());
  }
  std::erase_if(body.families, [](const GatewayFamily& family) {
    return family.name == kPushTime || family.name == kFailureTime;  // these are ours
  });
  const std::lock_guard one_by_one(pushing_);
  if (!body.problem && body.problem.error().code == Code::kLimit) {
    metrics_->group_size->Increment();
    return body.problem;
  }
  Status good = std::move(body.problem);
  for (const GatewayFamily& family : body.families) {
    if (good) good = CheckAgainstOthers(key, family, replace);
  }
  if (good) good = CheckWithin(body.families);
  if (!good) {
    metrics_->inconsistent->Increment();
    VEDETTE_CHECK(NoteFailure(key, labels));
    return Inconsistent(good.error());
  }
  const auto group = groups_.find(key);
  const std::size_t old_bytes = group != groups_.end() ? group->second.bytes : 0;
  std::size_t bytes = replace ? 0 : old_bytes;
  std::set<std::string> gone;
  if (group != groups_.end()) {
    for (const auto& [name, stored] : group->second.families) {
      const bool pushed = std::ranges::find(body.families, name, &GatewayFamily::name) != body.families.end();
      if (pushed && !replace) bytes -= stored->family.bytes();
      if (!pushed && replace) gone.insert(name);
    }
  }
  for (const GatewayFamily& family : body.families) bytes += family.bytes();
  VEDETTE_CHECK(CheckSize(key, bytes, old_bytes));

  const TimeMs now = intake_.clock().Now();
  const TimeMs failed = group != groups_.end() ? group->second.failed : TimeMs(0);
  std::vector<std::shared_ptr<const GatewayStored>> stored;
  storage::StateBatch batch;
  batch.Put(kGatewayGroupTable, key, GatewayGroupRow{now, failed}.Encode());
  for (const std::string& name : gone) batch.Delete(kGatewayFamilyTable, FamilyKey(key, name));
  for (GatewayFamily& family : body.families) {
    stored.push_back(std::make_shared<const GatewayStored>(GatewayStored{std::move(family), now}));
    batch.Put(kGatewayFamilyTable, FamilyKey(key, stored.back()->family.name), EncodeGatewayFamily(*stored.back()));
  }
  VEDETTE_CHECK(state_.Write(batch));

  const std::lock_guard lock(mutex_);
  Group& changed = groups_[key];
  changed.labels = labels;
  changed.pushed = now;
  for (const std::string& name : gone) Drop(key, name);
  for (auto& family : stored) Put(key, std::move(family));
  ShowSizes();
  return Ok();
}

/// A push that was refused leaves its time, also when the group is new.
Status PushGateway::NoteFailure(const std::string& key, const RawLabels& labels) {
  const auto group = groups_.find(key);
  if (group == groups_.end() && groups_.size() >= intake_.options().pushgateway_max_groups) return Ok();
  const TimeMs now = intake_.clock().Now();
  storage::StateBatch batch;
  batch.Put(kGatewayGroupTable, key,
            GatewayGroupRow{group != groups_.end() ? group->second.pushed : TimeMs(0), now}.Encode());
  VEDETTE_CHECK(state_.Write(batch));
  const std::lock_guard lock(mutex_);
  groups_[key].labels = labels;
  groups_[key].failed = now;
  ShowSizes();
  return Ok();
}

void PushGateway::Put(const std::string& key, std::shared_ptr<const GatewayStored> stored) {
  const std::string name = stored->family.name;
  Drop(key, name);
  Group& group = groups_[key];
  Named& named = names_[name];
  named.groups.insert(&group);
  named.type = stored->family.type;
  for (const std::uint64_t series : stored->family.series) named.series.emplace(series, &group);
  group.bytes += stored->family.bytes();
  bytes_ += stored->family.bytes();
  group.families[name] = std::move(stored);
}

void PushGateway::Drop(const std::string& key, const std::string& name) {
  Group& group = groups_[key];
  const auto found = group.families.find(name);
  if (found == group.families.end()) return;
  const GatewayFamily& family = found->second->family;
  group.bytes -= family.bytes();
  bytes_ -= family.bytes();
  const auto named = names_.find(name);
  for (const std::uint64_t series : family.series) {
    const auto owner = named->second.series.find(series);
    if (owner != named->second.series.end() && owner->second == &group) named->second.series.erase(owner);
  }
  named->second.groups.erase(&group);
  if (named->second.groups.empty()) names_.erase(named);
  group.families.erase(found);
}

Status PushGateway::Delete(std::string_view path) {
  VEDETTE_TRY(const RawLabels labels, ParseGroupPath(path));
  const std::string key = GroupKey(labels);
  const std::lock_guard one_by_one(pushing_);
  const auto group = groups_.find(key);
  if (group == groups_.end()) return Ok();
  std::vector<std::string> names;
  storage::StateBatch batch;
  batch.Delete(kGatewayGroupTable, key);
  for (const auto& [name, stored] : group->second.families) {
    names.push_back(name);
    batch.Delete(kGatewayFamilyTable, FamilyKey(key, name));
  }
  VEDETTE_CHECK(state_.Write(batch));
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) Drop(key, name);
  groups_.erase(key);
  ShowSizes();
  return Ok();
}

Status PushGateway::Wipe() {
  const std::lock_guard one_by_one(pushing_);
  storage::StateBatch batch;
  for (const std::string_view table : {kGatewayGroupTable, kGatewayFamilyTable}) {
    VEDETTE_CHECK(state_.Scan(table, {}, [&](std::string_view key, std::string_view) {
      batch.Delete(table, key);
      return true;
    }));
  }
  if (batch.empty()) return Ok();
  VEDETTE_CHECK(state_.Write(batch));
  const std::lock_guard lock(mutex_);
  groups_.clear();
  names_.clear();
  bytes_ = 0;
  ShowSizes();
  return Ok();
}

void PushGateway::ShowSizes() {
  metrics_->groups->Set(static_cast<double>(groups_.size()));
  metrics_->bytes->Set(static_cast<double>(bytes_));
}

std::vector<GatewayGroupView> PushGateway::Groups() const {
  std::vector<GatewayGroupView> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, group] : groups_) {
      GatewayGroupView& view = out.emplace_back(GatewayGroupView{group.labels, group.pushed, group.failed, {}});
      for (const auto& [name, stored] : group.families) view.families.push_back(stored);
    }
  }
  for (GatewayGroupView& view : out) {
    const auto gauge = [&](std::string_view name, std::string_view help, TimeMs time, TimeMs changed) {
      view.families.push_back(std::make_shared<const GatewayStored>(
          GatewayStored{GatewayGauge(name, help, static_cast<double>(time.ms) / 1000, view.labels), changed}));
    };
    gauge(kPushTime, kPushTimeHelp, view.pushed, view.pushed);
    gauge(kFailureTime, kFailureTimeHelp, view.failed, std::max(view.failed, view.pushed));
  }
  return out;
}

std::string PushGateway::Page() const {
  const std::vector<GatewayGroupView> groups = Groups();
  std::map<std::string_view, std::vector<const GatewayStored*>> by_name;
  for (const GatewayGroupView& group : groups) {
    for (const auto& stored : group.families) by_name[stored->family.name].push_back(stored.get());
  }
  std::string out, metrics;
  for (const auto& [name, all] : by_name) {
    const GatewayStored* const last = *std::ranges::max_element(all, {}, [](const auto* s) { return s->time; });
    metrics.clear();
    for (const GatewayStored* stored : all) metrics += stored->family.metrics;
    AppendFamilyMessage(out, name, last->family.help, last->family.type, metrics);
  }
  return out;
}

}  // namespace vedette::collector
