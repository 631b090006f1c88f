// The handlers that routes.cpp names, grouped by the file that defines them. Plain functions of context and request:
// tests call them without sockets.
#pragma once

#include "dashboards/api/context.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards::api {

// query.cpp
Response Query(const ApiContext& context, const Request& request);
Response QueryRange(const ApiContext& context, const Request& request);
// queries.cpp
Response ActiveQueries(const ApiContext& context, const Request& request);
Response CancelQuery(const ApiContext& context, const Request& request);
Response SlowQueries(const ApiContext& context, const Request& request);
// expression.cpp
Response FormatQuery(const ApiContext& context, const Request& request);
Response ParseQuery(const ApiContext& context, const Request& request);
Response QueryExemplars(const ApiContext& context, const Request& request);
// series.cpp
Response Series(const ApiContext& context, const Request& request);
Response LabelNames(const ApiContext& context, const Request& request);
Response SearchMetricNames(const ApiContext& context, const Request& request);
Response SearchLabelNames(const ApiContext& context, const Request& request);
Response SearchLabelValues(const ApiContext& context, const Request& request);
Response LabelValues(const ApiContext& context, const Request& request);
// metadata.cpp
Response Metadata(const ApiContext& context, const Request& request);
Response TargetMetadata(const ApiContext& context, const Request& request);
// targets.cpp
Response Targets(const ApiContext& context, const Request& request);
Response ScrapePools(const ApiContext& context, const Request& request);
Response RelabelSteps(const ApiContext& context, const Request& request);
// rules.cpp
Response Rules(const ApiContext& context, const Request& request);
// alerts.cpp
Response Alerts(const ApiContext& context, const Request& request);
Response Alertmanagers(const ApiContext& context, const Request& request);
// incidents.cpp
Response Incidents(const ApiContext& context, const Request& request);
// features.cpp
Response Features(const ApiContext& context, const Request& request);
// notifications.cpp
Response Notifications(const ApiContext& context, const Request& request);
Response NotificationStream(const ApiContext& context, const Request& request);
// openapi.cpp
Response OpenApi(const ApiContext& context, const Request& request);
Response OpenApiYaml(const ApiContext& context, const Request& request);
// self_metrics.cpp
Response SelfMetrics(const ApiContext& context, const Request& request);
// status.cpp
Response TsdbBlocks(const ApiContext& context, const Request& request);
Response BuildInfo(const ApiContext& context, const Request& request);
Response Config(const ApiContext& context, const Request& request);
Response Flags(const ApiContext& context, const Request& request);
Response RuntimeInfo(const ApiContext& context, const Request& request);
Response TsdbStatus(const ApiContext& context, const Request& request);
Response WalReplay(const ApiContext& context, const Request& request);
// federate.cpp
Response Federate(const ApiContext& context, const Request& request);
// write.cpp
Response Write(const ApiContext& context, const Request& request);
Response InfluxWrite(const ApiContext& context, const Request& request);
Response OtlpMetrics(const ApiContext& context, const Request& request);
// pushgateway.cpp
Response PushGroup(const ApiContext& context, const Request& request);
Response PushedGroups(const ApiContext& context, const Request& request);
Response WipeGroups(const ApiContext& context, const Request& request);
// probe.cpp
Response Probe(const ApiContext& context, const Request& request);
Response RemoteRead(const ApiContext& context, const Request& request);
// admin.cpp
Response Flush(const ApiContext& context, const Request& request);
Response DeleteSeries(const ApiContext& context, const Request& request);
Response CleanTombstones(const ApiContext& context, const Request& request);
Response Snapshot(const ApiContext& context, const Request& request);
Response Import(const ApiContext& context, const Request& request);
Response Export(const ApiContext& context, const Request& request);
// lifecycle.cpp
Response Healthy(const ApiContext& context, const Request& request);
Response Ready(const ApiContext& context, const Request& request);
Response Reload(const ApiContext& context, const Request& request);
Response Quit(const ApiContext& context, const Request& request);
Response Version(const ApiContext& context, const Request& request);
Response OwnMetrics(const ApiContext& context, const Request& request);

}  // namespace vedette::dashboards::api
