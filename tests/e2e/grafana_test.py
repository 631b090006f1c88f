"""The requests of Grafana's Prometheus data source, as its backend and its front end send them, with what it expects.

Sent byte for byte rather than through a client: what matters here is how Grafana spells things.
"""
import gzip
import json
import os
import re
import sys
import time
import traceback
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from harness import Agent, Target, main, scratch, wait_for

NOW = int(time.time())
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip", "X-Grafana-Org-Id": "1",
        "X-Dashboard-Uid": "abc", "X-Panel-Id": "7", "X-Query-Group-Id": "f00", "X-Datasource-Uid": "u"}
PAGE = """# HELP grafana_requests Requests "served".
# TYPE grafana_requests counter
grafana_requests_total{path="/a b+c&d=%",code="200"} 7 # {trace_id="abc"} 1
# TYPE grafana_wait_seconds histogram
grafana_wait_seconds_bucket{le="0.5"} 3 # {trace_id="def"} 0.4
grafana_wait_seconds_bucket{le="+Inf"} 5
grafana_wait_seconds_sum 2.5
grafana_wait_seconds_count 5
# EOF
"""
RULES = """groups:
  - name: first
    interval: 1s
    rules:
      - {record: job:grafana_requests:sum, expr: sum by (job) (grafana_requests_total), labels: {team: a}}
      - {alert: Always, expr: vector(1), for: 1h, labels: {severity: page}, annotations: {summary: "it is {{ $value }}"}}
  - name: second
    rules: [{record: constant, expr: vector(2)}]
"""


class Grafana:
    def __init__(self, agent):
        self.agent = agent

    def ask(self, method, path, parameters=(), status=200):
        """The body of the reply, which may be packed."""
        text = urllib.parse.urlencode(parameters, doseq=True)
        if method == "GET":
            got, body = self.agent.request("GET", f"/api/v1/{path}" + (f"?{text}" if text else ""), None,
                                           {k: v for k, v in FORM.items() if k != "Content-Type"})
        else:
            got, body = self.agent.request("POST", f"/api/v1/{path}", text, FORM)
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        assert got == status, (method, path, parameters, got, body[:500])
        return json.loads(body)

    def data(self, *arguments):
        reply = self.ask(*arguments)
        assert reply["status"] == "success", reply
        return reply["data"]


def started(directory, things):
    target = Target(PAGE, "application/openmetrics-text; version=1.0.0")
    things.append(target)
    with open(os.path.join(directory, "rules.yml"), "w", encoding="utf-8") as file:
        file.write(RULES)
    agent = Agent(directory, f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{directory}/rules.yml]
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ["{target.address}"], labels: {{instance: one}}}}]}}]
""", "--enable-feature=exemplar-storage", "--web.enable-remote-write-receiver")
    things.append(agent)
    agent.start()
    wait_for(lambda: agent.query("job:grafana_requests:sum == 7"), "the recording rule")
    wait_for(lambda: agent.query("constant == 2"), "the other group")
    wait_for(lambda: agent.api("alerts")["alerts"] and agent.query('ALERTS{alertstate="pending"}'), "the alert")
    points = [((NOW - 900 + 15 * i) * 1000, float(i)) for i in range(60)]
    assert agent.write([({"__name__": "old", "label.with.dots": "x", "job": "shop"}, points)]) == 204
    return Grafana(agent)


def test_save_and_test(grafana):
    data = grafana.data("POST", "query", {"query": "1+1", "time": "4", "timeout": ""})
    assert (data["resultType"], data["result"]) == ("scalar", [4, "2"]), data
    info = grafana.data("GET", "status/buildinfo")
    assert "features" not in info, "Grafana would take the agent for Mimir"
    assert re.fullmatch(r"\d+\.\d+\.\d+([-+].*)?", info["version"]) and int(info["version"].split(".")[0]) >= 2, info
    assert "application" not in info


def test_panels(grafana):
    start = NOW - 900
    for form in ({"start": start, "end": NOW - 30, "step": 15}, {"start": f"{start}.000", "end": f"{NOW - 30}", "step": "15.000000"},
                 {"start": start, "end": NOW - 30, "step": "15s", "timeout": "60s"}):
        data = grafana.data("POST", "query_range", {"query": "old", **form})
        assert data["resultType"] == "matrix" and len(data["result"]) == 1, data
        times = [at for at, _ in data["result"][0]["values"]]
        assert times[0] == start and times[1] == start + 15 and len(times) == 59, (times[:3], len(times))
    # Starts that are no multiple of the step are kept: aligning is Grafana's business.
    data = grafana.data("POST", "query_range", {"query": "vector(1)", "start": start + 0.123, "end": start + 61, "step": 30})
    assert [at for at, _ in data["result"][0]["values"]] == [start + 0.123, start + 30.123, start + 60.123], data
    data = grafana.data("POST", "query", {"query": 'grafana_requests_total{path="/a b+c&d=%"}', "time": f"{time.time():.3f}"})
    assert data["result"][0]["metric"]["path"] == "/a b+c&d=%", data
    data = grafana.data("POST", "query", {"query": '{"old", "label.with.dots"="x"}[20m]', "time": NOW})
    assert data["resultType"] == "matrix" and len(data["result"][0]["values"]) == 60, data
    assert grafana.data("POST", "query", {"query": '"text"'})["resultType"] == "string"
    reply = grafana.ask("POST", "query", {"query": "rate(old[5m])", "time": NOW - 60})
    assert any("might not be a counter" in info for info in reply["infos"]), reply
    reply = grafana.ask("POST", "query_range", {"query": "old", "start": NOW - 12_000, "end": NOW, "step": 1}, 400)
    assert reply["errorType"] == "bad_data" and "exceeded maximum resolution of 11,000 points" in reply["error"], reply
    reply = grafana.ask("POST", "query", {"query": "sum(("}, 400)
    assert reply["status"] == "error" and reply["errorType"] == "bad_data" and "parse error" in reply["error"], reply
    reply = grafana.ask("POST", "query", {"query": "1", "time": "yesterday"}, 400)
    assert reply["errorType"] == "bad_data", reply


def test_exemplars(grafana):
    probe = grafana.data("GET", "query_exemplars", {"query": "test", "start": NOW * 1000 - 1000, "end": NOW * 1000})
    assert probe == [], "milliseconds where seconds are meant, and nothing found"
    found = grafana.data("POST", "query_exemplars", {"query": "histogram_quantile(0.9, rate(grafana_wait_seconds_bucket[5m]))",
                                                     "start": NOW - 600, "end": NOW + 600})
    assert [one["exemplars"][0]["labels"] for one in found] == [{"trace_id": "def"}], found


def test_start_up(grafana):
    groups = grafana.data("GET", "rules")["groups"]
    recording = groups[0]["rules"][0]
    assert (recording["type"], recording["name"]) == ("recording", "job:grafana_requests:sum"), recording
    assert recording["query"] == "sum by (job) (grafana_requests_total)" and recording["labels"] == {"team": "a"}, recording
    names = grafana.data("GET", "label/__name__/values", {"start": NOW - 3600, "end": NOW + 3600, "limit": 40000})
    assert {"grafana_requests_total", "old", "constant"} <= set(names), names
    metadata = grafana.data("GET", "metadata", {"limit": 40000})
    assert metadata.get("grafana_requests") == [{"type": "counter", "help": 'Requests "served".', "unit": ""}], metadata
    assert len(grafana.data("GET", "metadata", {"limit": 1})) == 1
    assert grafana.data("GET", "metadata", {"limit": "0"}) == {}, "here 0 is a number like others"
    assert list(grafana.data("GET", "metadata", {"metric": "grafana_wait_seconds", "limit_per_metric": 1})) == ["grafana_wait_seconds"]


def test_editor_and_variables(grafana):
    span = {"start": NOW - 3600, "end": NOW + 3600}
    for method in ("POST", "GET"):
        labels = grafana.data(method, "labels", {**span, "match[]": '{__name__!=""}', "limit": 40000})
        assert {"__name__", "job", "path", "label.with.dots"} <= set(labels), labels
        labels = grafana.data(method, "labels", {**span, "match[]": ["old", 'grafana_requests_total{code="200"}']})
        assert labels == ["__name__", "code", "instance", "job", "label.with.dots", "path"], labels
        series = grafana.data(method, "series", {**span, "match[]": 'old{job="shop"}', "limit": 40000})
        assert series == [{"__name__": "old", "job": "shop", "label.with.dots": "x"}], series
    values = grafana.data("GET", "label/path/values", {**span, "match[]": "grafana_requests_total", "limit": 40000})
    assert values == ["/a b+c&d=%"], values
    assert grafana.data("GET", "label/job/values", {**span, "match[]": 'old{job=~"s.*"}'}) == ["shop"]
    assert grafana.data("GET", "label/U__label_2e_with_2e_dots/values", span) == ["x"]
    assert grafana.data("GET", "label/nothing/values", span) == []
    limited = grafana.ask("GET", "label/__name__/values", {**span, "limit": 1})
    assert len(limited["data"]) == 1 and limited["warnings"] == ["results truncated due to limit"], limited
    for path in ("targets", "alerts", "alertmanagers", "status/config", "status/flags", "status/runtimeinfo", "status/tsdb",
                 "status/walreplay"):
        grafana.data("GET", path)
    grafana.ask("POST", "series", span, 400)  # what matches is missing
    # Where posting is refused Grafana asks again with GET: 405 or 400.
    status, _ = grafana.agent.request("POST", "/api/v1/label/job/values", "", FORM)
    assert status in (400, 405), status


def test_alert_list(grafana):
    rules = grafana.data("GET", "rules", {"type": "alert", "rule_name[]": "Always", "exclude_alerts": "true"})["groups"]
    assert [rule["name"] for group in rules for rule in group["rules"]] == ["Always"], rules
    assert not rules[0]["rules"][0].get("alerts"), rules
    mimir = grafana.data("GET", "rules", {"file": "x", "rule_group": "second", "rule_name": "constant", "limit_alerts": 16})
    assert len(mimir["groups"]) == 2, "unknown parameters are ignored"
    page = grafana.data("GET", "rules", {"group_limit": 1})
    assert len(page["groups"]) == 1 and page["groupNextToken"], page
    page = grafana.data("GET", "rules", {"group_limit": 1, "group_next_token": page["groupNextToken"]})
    assert [group["name"] for group in page["groups"]] == ["second"] and not page.get("groupNextToken"), page
    alert = grafana.data("GET", "alerts")["alerts"][0]
    assert (alert["labels"]["alertname"], alert["state"]) == ("Always", "pending"), alert
    assert alert["annotations"] == {"summary": "it is 1"} and alert["value"] == "1e+00", alert
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", alert["activeAt"]), alert


def test_no_endpoint_of_mimir_answers(grafana):
    for path in ("/alertmanager/api/v2/status", "/api/v1/status/nothing", "/config/v1/rules", "/prometheus/api/v1/query?query=1"):
        assert grafana.agent.get(path)[0] == 404, path


def run_all():
    """One agent for all: each test only asks."""
    with scratch() as (directory, things):
        grafana = started(directory, things)
        failed = []
        for name, test in TESTS.items():
            try:
                test(grafana)
                print(f"  ok   {name}", flush=True)
            except Exception:
                failed.append(f"{name}\n{traceback.format_exc()}")
        assert not failed, "\n".join(failed)


TESTS = {name: globals().pop(name) for name in [name for name in globals() if name.startswith("test_")]}
test_grafana = run_all

if __name__ == "__main__":
    main()
