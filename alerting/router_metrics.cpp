#include "alerting/router_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::alerting {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Registry;

/// From the moment a message was due to its confirmation: a second is good, minutes are an outage of the receiver.
const prometheus::Histogram::BucketBoundaries& LatencyBuckets() {
  static const prometheus::Histogram::BucketBoundaries buckets = {0.1, 0.25, 0.5, 1,   2.5,  5,
                                                                  10,  30,   60,  300, 1800, 7200};
  return buckets;
}

prometheus::Family<prometheus::Counter>& Counters(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}

std::string_view KindText(OutboxReport::Kind kind) {
  switch (kind) {
    case OutboxReport::Kind::kDelivered:
      return "delivered";
    case OutboxReport::Kind::kRetry:
      return "retry";
    case OutboxReport::Kind::kPermanent:
      return "permanent";
    case OutboxReport::Kind::kExpired:
      return "expired";
    case OutboxReport::Kind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace

RouterMetrics::RouterMetrics(Registry& registry)
    : open_(Gauges(registry, "vedette_alerting_incidents", "Open incidents by priority.")),
      opened_(Counters(registry, "vedette_alerting_incidents_opened_total", "Incidents opened, by first priority.")),
      resolved_(Counters(registry, "vedette_alerting_incidents_resolved_total", "Incidents resolved.").Add({})),
      accepted_(Counters(registry, "vedette_alerting_alerts_accepted_total",
                         "Alerts taken from rules, firing and resolved, repeats included.")
                    .Add({})),
      refused_(Counters(registry, "vedette_alerting_alerts_refused_total", "Alerts not taken, by reason.")),
      depth_(Gauges(registry, "vedette_alerting_outbox_messages", "Messages waiting for receivers, by their kind.")),
      dropped_(Counters(registry, "vedette_alerting_outbox_dropped_total", "Messages given up unsent, by reason.")),
      deliveries_(Counters(registry, "vedette_alerting_deliveries_total", "Attempts to deliver, by result.")),
      latency_(BuildHistogram()
                   .Name("vedette_alerting_delivery_seconds")
                   .Help("From the moment a message was due to its confirmation by the receiver.")
                   .Register(registry)),
      template_failures_(Counters(registry, "vedette_alerting_template_failures_total",
                                  "Configured texts that could not be rendered; the built-in text went out.")),
      failed_writes_(Counters(registry, "vedette_alerting_state_write_failures_total",
                              "Batches of alert state that could not be stored.")
                         .Add({})),
      bad_rows_(
          Counters(registry, "vedette_alerting_state_bad_rows_total", "Stored rows that could not be read.").Add({})) {
  for (int p = 0; p < 4; ++p) open_.Add({{"priority", std::string(PriorityName(static_cast<Priority>(p)))}});
}

void RouterMetrics::Publish(RouterCore& core) {
  for (int p = 0; p < 4; ++p) {
    const auto priority = static_cast<Priority>(p);
    open_.Add({{"priority", std::string(PriorityName(priority))}}).Set(static_cast<double>(core.OpenCount(priority)));
  }
  for (const auto& [kind, depth] : core.outbox().DepthByKind()) {
    depth_.Add({{"receiver_kind", kind}}).Set(static_cast<double>(depth));
  }
  for (const OutboxDrop& drop : core.TakeDrops()) {
    dropped_.Add({{"receiver_kind", drop.kind}, {"reason", drop.reason}}).Increment(static_cast<double>(drop.count));
  }
  const RouterCounts counts = core.TakeCounts();
  if (counts.accepted > 0) accepted_.Increment(static_cast<double>(counts.accepted));
  if (counts.resolved > 0) resolved_.Increment(static_cast<double>(counts.resolved));
  if (counts.failed_writes > 0) failed_writes_.Increment(static_cast<double>(counts.failed_writes));
  if (counts.bad_rows > 0) bad_rows_.Increment(static_cast<double>(counts.bad_rows));
  for (const auto& [reason, n] : counts.refused) refused_.Add({{"reason", reason}}).Increment(static_cast<double>(n));
  for (const auto& [priority, n] : counts.opened) {
    opened_.Add({{"priority", priority}}).Increment(static_cast<double>(n));
  }
}

void RouterMetrics::Delivery(std::string_view kind, const OutboxReport& report, TimeMs now) {
  const std::string name(kind);
  deliveries_.Add({{"receiver_kind", name}, {"result", std::string(KindText(report.kind))}}).Increment();
  if (report.kind != OutboxReport::Kind::kDelivered) return;
  const double seconds = static_cast<double>((now - report.message.enqueued_at).count()) / 1000.0;
  latency_.Add({{"receiver_kind", name}}, LatencyBuckets()).Observe(std::max(seconds, 0.0));
}

void RouterMetrics::TemplateFailed(std::string_view kind) {
  template_failures_.Add({{"receiver_kind", std::string(kind)}}).Increment();
}

}  // namespace vedette::alerting
