#include "collector/push/otlp/translator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "collector/push/otlp/names.h"
#include "collector/push/push_metadata.h"
#include "core/numbers.h"

namespace vedette::collector::otlp {
namespace {

/// Of exponential histograms, as Prometheus sets it.
constexpr double kZeroThreshold = 1e-128;
constexpr int kLowestScale = HistogramLayout::kLowestSchema;
/// Samples of target_info in one request, the newest: a resource whose points lie years apart has no use for more.
constexpr std::int64_t kMaxTargetInfos = 4096;

constexpr std::string_view kServiceName = "service.name", kServiceNamespace = "service.namespace",
                           kServiceInstance = "service.instance.id";

TimeMs TimeOf(std::uint64_t ns) { return TimeMs(static_cast<std::int64_t>(ns) / 1'000'000); }

const Attribute* FindAttribute(const Attributes& attributes, std::string_view key) {
  const auto found = std::ranges::find(attributes, key, &Attribute::key);
  return found == attributes.end() ? nullptr : &*found;
}

bool Contains(const std::vector<std::string>& list, std::string_view key) {
  return std::ranges::find(list, key) != list.end();
}

/// Parts with their lengths: no other list of parts has the same bytes.
void AppendKeyPart(std::string& out, std::string_view part) {
  const std::uint64_t size = part.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += part;
}
void AppendKeyParts(std::string& out, const Attributes& attributes) {
  AppendKeyPart(out, {});
  for (const Attribute& attribute : attributes) {
    AppendKeyPart(out, attribute.key);
    AppendKeyPart(out, attribute.value);
  }
}

std::string SettingsKey(const OtlpOptions& options) {
  std::string out =
      fmt::format("otlp {} {} {} {} {}", static_cast<int>(options.translation_strategy),
                  options.promote_all_resource_attributes, options.promote_scope_metadata,
                  options.label_name_underscore_sanitization, options.label_name_preserve_multiple_underscores);
  for (const auto* list : {&options.promote_resource_attributes, &options.ignore_resource_attributes}) {
    for (const std::string& name : *list) AppendKeyPart(out, name);
    AppendKeyPart(out, {});
  }
  return out;
}

std::string_view TypeName(const Metric& metric) {
  switch (metric.type) {
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kSum:
      return metric.monotonic ? "counter" : "gauge";
    case MetricType::kHistogram:
    case MetricType::kExponentialHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kNone:
      break;
  }
  return "unknown";
}

bool HasTemporality(MetricType type) {
  return type == MetricType::kSum || type == MetricType::kHistogram || type == MetricType::kExponentialHistogram;
}

/// Differences of neighbours, as the wire of remote write has buckets.
std::vector<std::int64_t> DeltasOf(const std::vector<std::uint64_t>& counts) {
  std::vector<std::int64_t> out;
  out.reserve(counts.size());
  std::uint64_t last = 0;
  for (const std::uint64_t count : counts) {
    out.push_back(static_cast<std::int64_t>(count - last));
    last = count;
  }
  return out;
}

BucketSpan SpanOf(std::int64_t offset, std::size_t size) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  return {static_cast<std::int32_t>(std::min(offset, kMost)), static_cast<std::uint32_t>(size)};
}

Result<Histogram> NativeOf(const Metric& metric, const Point& point, HistogramBuilder& builder) {
  if (point.no_recorded_value()) return StaleHistogram();
  WireHistogram wire;
  wire.count_int = point.count;
  wire.sum = point.has_sum ? point.sum : 0;
  if (metric.type == MetricType::kHistogram) {
    wire.schema = HistogramLayout::kCustomSchema;
    wire.bounds = point.bounds;
    wire.positive_deltas = DeltasOf(point.bucket_counts);
    if (!point.bucket_counts.empty()) wire.positive_spans = {SpanOf(0, point.bucket_counts.size())};
    return builder.Build(wire);
  }
  if (point.scale < kLowestScale) {
    return Fail(Code::kBadData, "cannot convert exponential to native histogram. Scale must be >= {}, was {}",
                kLowestScale, point.scale);
  }
  wire.schema = point.scale;
  wire.zero_threshold = kZeroThreshold;
  wire.zero_count_int = point.zero_count;
  wire.positive_deltas = DeltasOf(point.bucket_counts);
  wire.negative_deltas = DeltasOf(point.negative_counts);
  // Bucket 0 of OTLP begins at 1, that of Prometheus ends there.
  if (!point.bucket_counts.empty()) {
    wire.positive_spans = {SpanOf(std::int64_t{point.positive_offset} + 1, point.bucket_counts.size())};
  }
  if (!point.negative_counts.empty()) {
    wire.negative_spans = {SpanOf(std::int64_t{point.negative_offset} + 1, point.negative_counts.size())};
  }
  return builder.Build(wire);
}

}  // namespace

Translator::Translator(Intake& intake, PushBatch& batch, const OtlpOptions& options, Millis lookback)
    : intake_(intake), batch_(batch), options_(options), lookback_(lookback), settings_(SettingsKey(options)) {}

void Translator::Refuse(std::size_t points, PushDrop reason, std::string why) {
  refused_ += points;
  batch_.Drop(reason, points);
  batch_.Complain(std::move(why));
}

Status Translator::AddAttributes(const Attributes& attributes, std::string_view leave_out, LabelsBuilder& out) const {
  if (!options_.escapes()) {
    for (const Attribute& attribute : attributes) {
      if (attribute.key == leave_out) continue;
      if (attribute.key.empty()) return Fail(Code::kBadData, "label name is empty");
      out.Set(attribute.key, attribute.value);
    }
    return Ok();
  }
  // Names that become one keep the values of all, in the order of their names.
  std::vector<const Attribute*> sorted;
  for (const Attribute& attribute : attributes) {
    if (attribute.key != leave_out) sorted.push_back(&attribute);
  }
  std::ranges::stable_sort(sorted, {}, [](const Attribute* attribute) { return attribute->key; });
  for (const Attribute* attribute : sorted) {
    VEDETTE_TRY(const std::string name, LabelNameOf(attribute->key, options_));
    const std::string_view existing = out.Get(name);
    out.Set(name, existing.empty() ? attribute->value : fmt::format("{};{}", existing, attribute->value));
  }
  return Ok();
}

Status Translator::BeginResource(const Attributes& attributes) {
  resource_ = &attributes;
  resource_error_.clear();
  has_points_ = false;
  job_.clear();
  instance_.clear();
  if (const Attribute* const name = FindAttribute(attributes, kServiceName)) {
    const Attribute* const space = FindAttribute(attributes, kServiceNamespace);
    job_ = space != nullptr ? space->value + "/" + name->value : name->value;
  }
  if (const Attribute* const id = FindAttribute(attributes, kServiceInstance)) instance_ = id->value;
  promoted_ = LabelsBuilder();
  for (const Attribute& attribute : attributes) {
    const bool promote = options_.promote_all_resource_attributes
                             ? !Contains(options_.ignore_resource_attributes, attribute.key)
                             : Contains(options_.promote_resource_attributes, attribute.key);
    if (!promote) continue;
    auto name = LabelNameOf(attribute.key, options_);
    if (!name) {
      resource_error_ = name.error().message;
      break;
    }
    promoted_.Set(*name, attribute.value);
  }
  LabelsBuilder target;
  target.Set("instance", IsValidUtf8(instance_) ? instance_ : "").Set("job", IsValidUtf8(job_) ? job_ : "");
  target_ = target.Build();
  context_ = settings_;
  AppendKeyParts(context_, attributes);
  resource_bytes_ = context_.size();
  return Ok();
}

Status Translator::BeginScope(const Scope& scope) {
  context_.resize(resource_bytes_);
  scope_labels_ = LabelsBuilder();
  scope_error_.clear();
  if (!options_.promote_scope_metadata || scope.name.empty()) return Ok();
  for (const Attribute& attribute : scope.attributes) {
    const auto name = LabelNameOf(fmt::format("otel_scope_{}", attribute.key), options_);
    if (!name) {
      scope_error_ = name.error().message;
      return Ok();
    }
    scope_labels_.Set(*name, attribute.value);
  }
  scope_labels_.Set("otel_scope_name", scope.name)
      .Set("otel_scope_version", scope.version)
      .Set("otel_scope_schema_url", scope.schema_url);
  for (const std::string_view part : {scope.name, scope.version, scope.schema_url}) AppendKeyPart(context_, part);
  AppendKeyParts(context_, scope.attributes);
  return Ok();
}

Status Translator::Take(const Metric& metric) {
  if (!resource_error_.empty()) return Refuse(metric.points.size(), PushDrop::kBadLabels, resource_error_), Ok();
  if (!scope_error_.empty()) return Refuse(metric.points.size(), PushDrop::kBadLabels, scope_error_), Ok();
  for (const Point& point : metric.points) {
    earliest_ns_ = has_points_ ? std::min(earliest_ns_, point.time_ns) : point.time_ns;
    latest_ns_ = has_points_ ? std::max(latest_ns_, point.time_ns) : point.time_ns;
    has_points_ = true;
  }
  if (metric.type == MetricType::kNone || metric.points.empty()) return Ok();
  if (HasTemporality(metric.type) && metric.temporality != Temporality::kCumulative) {
    Refuse(metric.points.size(), PushDrop::kTemporality,
           fmt::format("invalid temporality and type combination for metric {}", Quote(metric.name.substr(0, 200))));
    return Ok();
  }
  auto name = MetricNameOf(metric, options_.translation_strategy);
  if (!name) return Refuse(metric.points.size(), PushDrop::kBadLabels, name.error().message), Ok();
  const Family family{metric, *std::move(name)};
  NoteFamily(family);
  for (const Point& point : metric.points) {
    batch_.CountSeries();
    if (!batch_.InTime(TimeOf(point.time_ns))) {
      ++refused_;
      batch_.DropOutOfBounds(TimeOf(point.time_ns), Quote(family.name));
      continue;
    }
    const std::size_t refused = refused_;
    if (const Status taken = TakePoint(family, point); !taken) {
      if (taken.error().code != Code::kBadData) return taken;
      Refuse(1, metric.type == MetricType::kExponentialHistogram ? PushDrop::kBadHistogram : PushDrop::kBadLabels,
             fmt::format("{} for metric {}", taken.error().message, Quote(metric.name.substr(0, 200))));
    }
    if (refused_ == refused) ++taken_;
  }
  return Ok();
}

Status Translator::TakePoint(const Family& family, const Point& point) {
  switch (family.metric.type) {
    case MetricType::kGauge:
    case MetricType::kSum:
      return TakeNumber(family, point);
    case MetricType::kHistogram:
      return options_.convert_histograms_to_nhcb ? TakeNative(family, point) : TakeClassic(family, point);
    case MetricType::kExponentialHistogram:
      return TakeNative(family, point);
    case MetricType::kSummary:
      return TakeSummary(family, point);
    case MetricType::kNone:
      break;
  }
  return Ok();
}

Result<storage::SeriesId> Translator::SeriesOf(const Family& family, const Point& point, std::string_view suffix,
                                               Extra extra) {
  // Everything that the labels are made of; with suffixes also of the type and unit, which the name holds by now.
  key_bytes_ = context_;
  for (const std::string_view part : {std::string_view(family.name), suffix, extra.first, extra.second}) {
    AppendKeyPart(key_bytes_, part);
  }
  AppendKeyParts(key_bytes_, point.attributes);
  const SeriesCache::Key key = intake_.series_cache().KeyOf(key_bytes_);
  if (const storage::SeriesId known = batch_.Find(key); known != storage::SeriesId::kNone) return known;
  return MakeSeries(point, family.name + std::string(suffix), extra, key);
}

Result<storage::SeriesId> Translator::MakeSeries(const Point& point, std::string_view name, Extra extra,
                                                 const SeriesCache::Key& key) {
  LabelsBuilder labels;
  VEDETTE_CHECK(AddAttributes(point.attributes, kMetricName, labels));
  for (const auto& [promoted, value] : promoted_.items()) {
    if (labels.Get(promoted).empty()) labels.Set(promoted, value);
  }
  if (!job_.empty()) labels.Set("job", job_);
  if (!instance_.empty()) labels.Set("instance", instance_);
  for (const auto& [scope, value] : scope_labels_.items()) labels.Set(scope, value);
  if (!extra.first.empty()) labels.Set(extra.first, extra.second);
  labels.Set(kMetricName, name);
  const Labels made = labels.Build();
  VEDETTE_CHECK(storage::ValidateSeries(made));
  VEDETTE_TRY(const storage::SeriesId id, batch_.Series(made, &key, 1));
  if (id == storage::SeriesId::kNone) ++refused_;
  return id;
}

void Translator::Add(storage::SeriesId series, const Point& point, double value) {
  if (series == storage::SeriesId::kNone) return;
  const TimeMs time = TimeOf(point.time_ns);
  batch_.Add(series, time, point.no_recorded_value() ? StaleNan() : value);
  if (const TimeMs start = TimeOf(point.start_ns); start.ms > 0) batch_.AddStart(series, time, start);
}

Status Translator::AddSample(const Family& family, const Point& point, std::string_view suffix, Extra extra,
                             double value, storage::SeriesId* id) {
  VEDETTE_TRY(const storage::SeriesId series, SeriesOf(family, point, suffix, extra));
  Add(series, point, value);
  if (id != nullptr) *id = series;
  return Ok();
}

Status Translator::TakeNumber(const Family& family, const Point& point) {
  storage::SeriesId id{};
  VEDETTE_CHECK(AddSample(family, point, "", {}, point.value, &id));
  if (family.metric.type == MetricType::kSum) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    AddExemplars(id, point, -kInfinity, kInfinity);
  }
  return Ok();
}

Status Translator::TakeClassic(const Family& family, const Point& point) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (point.has_sum) VEDETTE_CHECK(AddSample(family, point, "_sum", {}, point.sum));
  VEDETTE_CHECK(AddSample(family, point, "_count", {}, static_cast<double>(point.count)));
  std::uint64_t cumulative = 0;
  double below = -kInfinity;
  storage::SeriesId id{};
  for (std::size_t i = 0; i < point.bounds.size() && i < point.bucket_counts.size(); ++i) {
    cumulative += point.bucket_counts[i];
    const std::string bound = FormatFixed(point.bounds[i]);
    VEDETTE_CHECK(AddSample(family, point, "_bucket", {"le", bound}, static_cast<double>(cumulative), &id));
    AddExemplars(id, point, below, point.bounds[i]);
    below = point.bounds[i];
  }
  VEDETTE_CHECK(AddSample(family, point, "_bucket", {"le", "+Inf"}, static_cast<double>(point.count), &id));
  AddExemplars(id, point, below, kInfinity);
  return Ok();
}

Status Translator::TakeNative(const Family& family, const Point& point) {
  VEDETTE_TRY(Histogram histogram, NativeOf(family.metric, point, histograms_));
  VEDETTE_TRY(const storage::SeriesId id, SeriesOf(family, point, "", {}));
  if (id == storage::SeriesId::kNone) return Ok();
  const TimeMs time = TimeOf(point.time_ns);
  VEDETTE_CHECK(batch_.Charge(sizeof(Histogram) + histogram.counts.size() * sizeof(double) * 2));
  batch_.AddHistogram(id, time, std::move(histogram));
  if (const TimeMs start = TimeOf(point.start_ns); start.ms > 0) batch_.AddStart(id, time, start);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  AddExemplars(id, point, -kInfinity, kInfinity);
  return Ok();
}

Status Translator::TakeSummary(const Family& family, const Point& point) {
  VEDETTE_CHECK(AddSample(family, point, "_sum", {}, point.sum));
  VEDETTE_CHECK(AddSample(family, point, "_count", {}, static_cast<double>(point.count)));
  for (const auto& [quantile, value] : point.quantiles) {
    const std::string text = FormatFixed(quantile);
    VEDETTE_CHECK(AddSample(family, point, "", {"quantile", text}, value));
  }
  return Ok();
}

/// Those with values in (above, up_to].
void Translator::AddExemplars(storage::SeriesId series, const Point& point, double above, double up_to) {
  if (series == storage::SeriesId::kNone) return;
  for (const ExemplarPoint& from : point.exemplars) {
    if (!from.has_value || !(from.value <= up_to) || (from.value <= above && std::isfinite(above))) continue;
    PushedExemplar exemplar{.labels = {}, .value = from.value, .time = TimeOf(from.time_ns), .problem = {}};
    if (from.time_ns == 0) exemplar.time = TimeOf(point.time_ns);
    if (!from.trace_id.empty()) exemplar.labels.push_back({"trace_id", from.trace_id});
    if (!from.span_id.empty()) exemplar.labels.push_back({"span_id", from.span_id});
    const std::size_t ids = exemplar.labels.size();
    for (const Attribute& attribute : from.attributes) exemplar.labels.push_back({attribute.key, attribute.value});
    auto good = GoodExemplar(exemplar);
    if (!good) {  // with ids alone it is short enough
      std::erase_if(exemplar.labels,
                    [](const LabelView& label) { return label.name != "trace_id" && label.name != "span_id"; });
      if (exemplar.labels.size() == ids) good = GoodExemplar(exemplar);
    }
    if (!good || !batch_.InTime(good->time)) {
      batch_.Drop(PushDrop::kBadExemplar);
      continue;
    }
    batch_.AddExemplar(series, *std::move(good));
  }
}

void Translator::NoteFamily(const Family& family) {
  const std::string unit = UnitNameOf(family.metric.unit);
  NoteMetadata(intake_, batch_, target_, {family.name, TypeName(family.metric), family.metric.description, unit});
}

Result<Labels> Translator::TargetInfoLabels() const {
  Attributes shown;
  for (const Attribute& attribute : *resource_) {
    const bool identifies =
        attribute.key == kServiceName || attribute.key == kServiceNamespace || attribute.key == kServiceInstance;
    if (!identifies || options_.keep_identifying_resource_attributes) shown.push_back(attribute);
  }
  LabelsBuilder labels;
  VEDETTE_CHECK(AddAttributes(shown, {}, labels));
  if (!job_.empty()) labels.Set("job", job_);
  if (!instance_.empty()) labels.Set("instance", instance_);
  labels.Set(kMetricName, "target_info");
  const Labels made = labels.Build();
  VEDETTE_CHECK(storage::ValidateSeries(made));
  return made;
}

Status Translator::EndResource() {
  if (!has_points_ || !resource_error_.empty() || resource_ == nullptr) return Ok();
  const auto identifies = [](const Attribute& attribute) {
    return attribute.key == kServiceName || attribute.key == kServiceNamespace || attribute.key == kServiceInstance;
  };
  // Job and instance alone say nothing that the series do not; without them nothing can be joined.
  if (std::ranges::all_of(*resource_, identifies)) return Ok();
  const auto labels = TargetInfoLabels();
  if (!labels) return batch_.Complain(labels.error().message), Ok();
  if (labels->Get("job").empty() && labels->Get("instance").empty()) return Ok();
  return AddTargetInfo(*labels);
}

/// A sample in every half of the lookback between the first and the last point, and one with the last.
Status Translator::AddTargetInfo(const Labels& labels) {
  key_bytes_ = context_.substr(0, resource_bytes_);
  AppendKeyPart(key_bytes_, options_.keep_identifying_resource_attributes ? "target_info with ids" : "target_info");
  const SeriesCache::Key key = intake_.series_cache().KeyOf(key_bytes_);
  storage::SeriesId id = batch_.Find(key);
  if (id == storage::SeriesId::kNone) {
    VEDETTE_TRY(id, batch_.Series(labels, &key, 1));
    if (id == storage::SeriesId::kNone) return Ok();
  }
  const std::int64_t first = TimeOf(earliest_ns_).ms, last = TimeOf(latest_ns_).ms;
  const std::int64_t interval = std::max<std::int64_t>(1, lookback_.count() / 2);
  std::int64_t time = first;
  if (last - first > interval * kMaxTargetInfos) time = last - interval * kMaxTargetInfos;
  for (; time < last; time += interval) {
    if (batch_.InTime(TimeMs(time))) batch_.Add(id, TimeMs(time), 1);
  }
  if (batch_.InTime(TimeMs(last))) batch_.Add(id, TimeMs(last), 1);
  NoteMetadata(intake_, batch_, target_, {"target_info", "gauge", "Target metadata", ""});
  return Ok();
}

}  // namespace vedette::collector::otlp
