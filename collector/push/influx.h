// The receiver of InfluxDB's line protocol. A field becomes a series as in VictoriaMetrics: its name is
// measurement_field, tags are labels, and so is the database as `db`.
#pragma once

#include <string_view>

#include "collector/push/intake.h"

namespace vedette::collector {

struct InfluxRequest {
  std::string_view body;
  std::string_view encoding;   // Content-Encoding: gzip or nothing
  std::string_view precision;  // of times: ns (also when empty), us, ms, s, m, h
  std::string_view database;   // empty: no label
};

class InfluxReceiver {
 public:
  explicit InfluxReceiver(Intake& intake) : intake_(intake) {}

  /// Good lines are stored also when others are not; strings are left out and counted. Thread-safe.
  PushOutcome Ingest(const InfluxRequest& request);

 private:
  Intake& intake_;
};

}  // namespace vedette::collector
