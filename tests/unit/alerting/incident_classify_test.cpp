// The priority matrix: every row with its reason.
#include "alerting/incident/classify.h"
#include "alerting/incident/incident_codec.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting;

namespace {

struct Case {
  std::string name;
  Labels labels;
  std::size_t affected, known;  // known 0: not known
  std::string want;
};

}  // namespace

TEST_CASE("the priority follows from label, kind and spread, each with its reason", "[incident]") {
  const auto c = GENERATE(values<Case>({
      {"an explicit priority decides alone",
       {{"alertname", "X"}, {"priority", "p2"}, {"severity", "critical"}},
       4,
       4,
       "P2 because priority=p2 (label)"},
      {"a wrong priority is noted and passed over",
       {{"alertname", "X"}, {"priority", "urgent"}, {"severity", "info"}},
       1,
       1,
       "P3 because severity=info (label), 1 of 1 targets of job api is affected, priority=urgent is not a priority"},
      {"severity in any case of letters",
       {{"alertname", "X"}, {"severity", "Critical"}},
       1,
       2,
       "P1 because severity=Critical (label), 1 of 2 targets of job api is affected"},
      {"a severity that nobody mapped leaves it to the kind",
       {{"alertname", "HighErrorRate"}, {"severity", "purple"}},
       2,
       9,
       "P1 because it is of kind errors, 2 of 9 targets of job api are affected, severity=purple is not in the "
       "severity map"},
      {"spread raises",
       {{"alertname", "X"}, {"severity", "warning"}},
       3,
       4,
       "P1 because severity=warning (label), 3 of 4 targets of job api are affected (+1)"},
      {"spread alone does not make a P0",
       {{"alertname", "X"}, {"severity", "critical"}},
       4,
       4,
       "P1 because severity=critical (label), 4 of 4 targets of job api are affected, P0 takes a label, the kind or "
       "two "
       "independent signals"},
      {"spread and kind together do",
       {{"alertname", "InstanceDown"}, {"severity", "critical"}},
       3,
       4,
       "P0 because severity=critical (label), it is of kind target down, 3 of 4 targets of job api are affected (+1)"},
      {"a target that is down is P0 by kind",
       {{"alertname", "TargetDown"}},
       1,
       1,
       "P0 because it is of kind target down, 1 of 1 targets of job api is affected"},
      {"unless others do its work",
       {{"alertname", "TargetDown"}},
       1,
       8,
       "P1 because it is of kind target down, 1 of 8 targets of job api is affected (-1)"},
      {"a label is the floor",
       {{"alertname", "TargetDown"}, {"severity", "critical"}},
       1,
       8,
       "P1 because severity=critical (label), it is of kind target down, 1 of 8 targets of job api is affected"},
      {"what only informs does not get worse by spreading",
       {{"alertname", "X"}, {"severity", "info"}},
       8,
       8,
       "P3 because severity=info (label), 8 of 8 targets of job api are affected"},
      {"nothing known",
       {{"alertname", "X"}},
       1,
       0,
       "P2 because it is of kind threshold, how many targets job api has is not known"},
      {"data loss",
       {{"alertname", "WalCorruption"}},
       2,
       9,
       "P0 because it is of kind data loss, 2 of 9 targets of job api are affected"},
      {"a stated kind",
       {{"alertname", "X"}, {"kind", "latency"}},
       2,
       9,
       "P1 because it is of kind latency, 2 of 9 targets of job api are affected"},
  }));
  INFO(c.name);
  const Classifier classifier{IncidentOptions()};
  IncidentAlert alert;
  alert.labels = c.labels;
  const IncidentAlert* firing[] = {&alert};
  BlastRadius radius{"api", c.affected, std::nullopt};
  if (c.known > 0) radius.known = c.known;
  const Classification got = classifier.Classify(firing, {&radius, 1});
  CHECK(ReasonText(got.priority, got.reasons) == c.want);
}

TEST_CASE("detections classify by what they are", "[incident]") {
  const Classifier classifier{IncidentOptions()};
  IncidentAlert alert;
  alert.labels = Labels{{"alertname", "X"}};
  alert.kind = AlertKind::kForecast;
  const IncidentAlert* firing[] = {&alert};
  const Classification got = classifier.Classify(firing, {});
  CHECK(ReasonText(got.priority, got.reasons) == "P2 because it is of kind forecast");
}

TEST_CASE("the id depends on the group's labels alone and is short and plain", "[incident]") {
  const Labels one = {{"alertname", "A \xE2\x82\xAC/b"}, {"job", "x"}};
  const Labels two = {{"job", "x"}, {"alertname", "A \xE2\x82\xAC/b"}};
  CHECK(IncidentId(one) == IncidentId(two));
  CHECK(IncidentId(one) != IncidentId(Labels{{"alertname", "A"}, {"job", "y"}}));
  CHECK(IncidentId(Labels{{"alertname", std::string(500, 'a')}}).size() <= 100);
  CHECK(IncidentId(Labels()).starts_with("group-"));
  for (const char c : IncidentId(one))
    CHECK((std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'));
}

TEST_CASE("incident rows read back equal, damaged ones are errors", "[incident]") {
  Incident incident;
  incident.number = 12;
  incident.id = "x-1";
  incident.group_labels = Labels{{"job", "\"quoted\" \xE2\x82\xAC"}};
  incident.priority = Priority::kP1;
  incident.reasons = {{"label", "severity=critical (label)", 0}, {"blast_radius", "3 of 4", 1}};
  incident.started_at = TimeMs(1'700'000'000'123);
  incident.acknowledged_at = TimeMs(1'700'000'100'000);
  incident.acknowledged_by = "kim";
  const std::string bytes = IncidentCodec::Encode(incident);
  const Incident back = MustHave(IncidentCodec::Decode(bytes));
  CHECK(IncidentCodec::Encode(back) == bytes);
  CHECK(back.reasons == incident.reasons);
  IncidentAlert alert;
  alert.labels = Labels{{"alertname", "X"}};
  alert.value = std::numeric_limits<double>::quiet_NaN();
  alert.evidence = {{"score", "6.1"}};
  alert.ended_at = TimeMs(5);
  const std::string alert_bytes = IncidentAlertCodec::Encode(alert);
  CHECK(IncidentAlertCodec::Encode(MustHave(IncidentAlertCodec::Decode(alert_bytes))) == alert_bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(IncidentCodec::Decode(bytes.substr(0, size)).has_value());
  for (const char* bad : {"", "[]", "{}", "{\"number\":-1}", "{\"number\":1e300}", "nul", "{\"labels\":{\"a\":1}}"}) {
    CHECK_FALSE(IncidentCodec::Decode(bad).has_value());
    CHECK_FALSE(IncidentAlertCodec::Decode(bad).has_value());
  }
  CHECK_FALSE(IncidentCodec::Decode(std::string(100'000, '[')).has_value());
}
