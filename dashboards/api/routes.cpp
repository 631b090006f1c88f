#include "dashboards/api/routes.h"

#include "dashboards/api/handlers.h"

namespace vedette::dashboards {

namespace {

constexpr Methods kForm = kGet | kPost;    // parameters in the query or in a form
constexpr Methods kAction = kPost | kPut;  // changes something

constexpr ApiRoute kRoutes[] = {
    {kForm, "/api/v1/query", api::Query},
    {kForm, "/api/v1/query_range", api::QueryRange},
    {kForm, "/api/v1/query_exemplars", api::QueryExemplars},
    {kForm, "/api/v1/format_query", api::FormatQuery},
    {kForm, "/api/v1/parse_query", api::ParseQuery},
    {kForm, "/api/v1/series", api::Series},
    {kForm, "/api/v1/labels", api::LabelNames},
    {kGet, "/api/v1/label/{name}/values", api::LabelValues},
    {kForm, "/api/v1/search/metric_names", api::SearchMetricNames},
    {kForm, "/api/v1/search/label_names", api::SearchLabelNames},
    {kForm, "/api/v1/search/label_values", api::SearchLabelValues},
    {kGet, "/api/v1/metadata", api::Metadata},
    {kGet, "/api/v1/targets", api::Targets},
    {kGet, "/api/v1/targets/metadata", api::TargetMetadata},
    {kGet, "/api/v1/targets/relabel_steps", api::RelabelSteps},
    {kGet, "/api/v1/scrape_pools", api::ScrapePools},
    {kGet, "/api/v1/rules", api::Rules},
    {kGet, "/api/v1/alerts", api::Alerts},
    {kGet, "/api/v1/alertmanagers", api::Alertmanagers},
    {kGet, "/api/v1/incidents", api::Incidents},
    {kGet, "/api/v1/status/buildinfo", api::BuildInfo},
    {kGet, "/api/v1/status/config", api::Config},
    {kGet, "/api/v1/status/flags", api::Flags},
    {kGet, "/api/v1/status/runtimeinfo", api::RuntimeInfo},
    {kGet, "/api/v1/status/tsdb", api::TsdbStatus},
    {kGet, "/api/v1/status/tsdb/blocks", api::TsdbBlocks},
    {kGet, "/api/v1/status/self_metrics", api::SelfMetrics},
    {kGet, "/api/v1/features", api::Features},
    {kGet, "/api/v1/openapi.json", api::OpenApi},
    {kGet, "/api/v1/openapi.yaml", api::OpenApiYaml},
    {kGet, "/api/v1/notifications", api::Notifications, Needs::kNothing},
    {kGet, "/api/v1/notifications/live", api::NotificationStream, Needs::kNothing},
    {kGet, "/api/v1/status/active_queries", api::ActiveQueries},
    {kPost | kDelete, "/api/v1/status/active_queries/{id}", api::CancelQuery},
    {kGet, "/api/v1/status/slow_queries", api::SlowQueries},
    {kGet, "/api/v1/status/walreplay", api::WalReplay, Needs::kNothing},
    {kPost, "/api/v1/read", api::RemoteRead},
    {kPost, "/api/v1/write", api::Write, Needs::kReady, Body::kPushed},
    {kPost, "/api/v1/otlp/v1/metrics", api::OtlpMetrics, Needs::kReady, Body::kPushed},
    {kPost, "/write", api::InfluxWrite, Needs::kReady, Body::kPushed},
    {kPost, "/api/v2/write", api::InfluxWrite, Needs::kReady, Body::kPushed},
    {kPost | kPut | kDelete, "/metrics/job/*", api::PushGroup, Needs::kReady, Body::kPushed},
    {kPost | kPut | kDelete, "/metrics/job@base64/*", api::PushGroup, Needs::kReady, Body::kPushed},
    {kGet, "/api/v1/metrics", api::PushedGroups},
    {kPut, "/api/v1/admin/wipe", api::WipeGroups},
    {kAction, "/api/v1/admin/tsdb/delete_series", api::DeleteSeries},
    {kAction, "/api/v1/admin/tsdb/clean_tombstones", api::CleanTombstones},
    {kAction, "/api/v1/admin/tsdb/snapshot", api::Snapshot},
    {kAction, "/api/v1/admin/tsdb/flush", api::Flush},
    {kAction, "/api/v1/admin/tsdb/import", api::Import},
    {kForm, "/api/v1/admin/tsdb/export", api::Export},
    {kGet, "/federate", api::Federate},
    {kGet, "/probe", api::Probe},
    {kGet, "/-/healthy", api::Healthy, Needs::kNothing},
    {kGet, "/-/ready", api::Ready},
    {kAction, "/-/reload", api::Reload, Needs::kNothing},
    {kAction, "/-/quit", api::Quit, Needs::kNothing},
    {kGet, "/version", api::Version, Needs::kNothing},
    {kGet, "/metrics", api::OwnMetrics, Needs::kNothing},
};

Response NotReady(Readiness readiness) {
  Response response = TextResponse(503, "Service Unavailable");
  response.headers.Set("X-Prometheus-Stopping", readiness == Readiness::kStopping ? "true" : "false");
  return response;
}

}  // namespace

std::span<const ApiRoute> ApiRoutes() { return kRoutes; }

void AddApiRoutes(Router& router, const ApiContext& context) {
  for (const ApiRoute& route : kRoutes) {
    const auto handler = [&context, &route](const Request& request) {
      const Readiness readiness = context.readiness ? context.readiness() : Readiness::kReady;
      if (route.needs == Needs::kReady && readiness != Readiness::kReady) return NotReady(readiness);
      return route.handler(context, request);
    };
    router.Add(route.methods, std::string(route.path), handler,
               route.body == Body::kPushed ? context.pushed_bodies : nullptr);
  }
}

}  // namespace vedette::dashboards
