"""The same requests, good and bad, to Prometheus and to the agent: the same status, the same shape, the same errors.

Where a newer Prometheus answers otherwise than the one that is installed, or the agent does on purpose, a row of
DIFFERENT says so.
"""
import http.client
import json
import os
import re
import subprocess
import time
import urllib.parse

from contract import CONTRACT
from harness import Agent, installed, main, scratch, skip, snappy, wait_for, write_request
from remote_test import Prometheus

RULES = """
groups:
  - name: g1
    interval: 1h
    rules:
      - record: r:one
        expr: sum(m)
        labels: {kind: rec}
      - alert: Always
        expr: vector(1) > 0
        for: 5m
        labels: {severity: page}
        annotations: {summary: "value {{ $value }}"}
  - name: g2
    interval: 1h
    limit: 5
    rules:
      - alert: Never
        expr: absent(up) and vector(0) > 1
        keep_firing_for: 2m
"""
CONFIG = """
global: {scrape_interval: 1h, evaluation_interval: 1h}
rule_files: [RULES]
scrape_configs:
  - job_name: pages
    static_configs: [{targets: ['127.0.0.1:1'], labels: {extra: "1"}}]
    relabel_configs: [{source_labels: [extra], target_label: copied}]
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOW = int(time.time())
NOW -= NOW % 60
T = str(NOW)
RANGE = {"start": str(NOW - 300), "end": T, "step": "60"}


def series():
    out = []
    for i in range(4):
        labels = {"__name__": "m", "i": str(i), "job": "j"}
        out.append((labels, [((NOW - 600 + 15 * k) * 1000, k * (i + 1) * 0.5) for k in range(41)]))
    out.append(({"__name__": "special"}, [((NOW - 60) * 1000, float("inf")), ((NOW - 30) * 1000, float("nan"))]))
    out.append(({"__name__": "tiny"}, [((NOW - 30) * 1000 + 250, 1e-7)]))
    out.append(({"__name__": "big"}, [((NOW - 30) * 1000, 1e21)]))
    out.append(({"__name__": "utf.8", "la.bel": "ä"}, [((NOW - 30) * 1000, 5.0)]))
    for le, count in (("0.1", 1), ("1", 4), ("+Inf", 9)):
        out.append(({"__name__": "h_bucket", "le": le}, [((NOW - 600 + 15 * k) * 1000, float(count * k)) for k in range(41)]))
    return out


def q(**parameters):
    return {"query": "m", **parameters}


def r(**parameters):
    return {"query": "m", **RANGE, **parameters}


def gets(path, *several):
    return [("GET", path, parameters) for parameters in several]


EXPRESSIONS = [
    "m", "m{i='1'}", "special", "tiny", "big", '{"utf.8"}', "sum(m)", "sum by (i) (rate(m[5m]))", "rate(m[2m])", "1", "1e-9",
    "time()", "'text'", "m[1m]", "-m", "m > 3", "m > bool 3", "m / on(i) m", "m + ignoring(x) m", "topk(2, m)", "sort_desc(m)",
    "quantile(0.5, m)", "quantile(2, m)", "count_values('v', m)", "histogram_quantile(0.9, h_bucket)",
    "histogram_quantile(0.9, rate(h_bucket[5m]))", "histogram_quantile(1.5, h_bucket)", "histogram_quantile(0.5, m)", "absent(nothing)",
    "absent_over_time(nothing{a='b'}[5m])", "label_replace(m, 'x', '$1', 'i', '(.*)')", "label_join(m, 'x', '-', 'i', 'job')",
    "m offset 5m", "m @ end()", f"m @ {NOW - 60}", "max_over_time(m[5m:1m])", "predict_linear(m[5m], 60)", "deriv(m[5m])",
    "vector(1)", "scalar(m)", "scalar(vector(2))", "m and m{i='2'}", "m or vector(1)", "m unless m{i='2'}", "changes(m[5m])",
    "nothing", "1 + 2 * 3 ^ 2", "1 / 0", "-1 / 0", "0 / 0", "rate(m[5m]) + 1", "increase(big[5m])", "day_of_month()", "m * 0x10",
    # bad ones
    "", "m{", "m{i=", "sum(", "m[5m", "foo(m)", "rate(m)", "rate(m[5m:])", "sum(m[5m])", "m[5m] + 1", "1 + 'a'", "m{i=~'('}", "{}",
    "{i=~'.*'}", "m and 1", "1 > 2", "m[0s]", "m offset 5", "m[5m] offset 1m @ 10 offset 1m", "sum by (m", "topk(m, m)", "m{i='1',}",
    "m + on(i) group_left() m + on(j) m", "label_replace(m, '1bad-\\xff', '', '', '')", "label_replace(m, 'x', '$1', 'i', '(')",
    "m / on(job) m", "m * on(job) group_left m", "count_values('\\xff', m)", "round()", "vector('a')", "scalar(1)", "bool", "m bool 1", "m ==  bool",
    "m m", "\"unterminated", "m{i='1'} {j='2'}", "m{__name__='x'}", "sum without (i) by (j) (m)", "5m", "m[5]", "m[5m:1m] @ start()",
    "holt_winters(m[5m], 0.5, 0.5)", "limitk(1, m)", "info(m)", "m[5m][5m]", "(((m)))", "m #comment", "m anchored", "m[1y1y]", "$a",
]

REQUESTS = (
    [("GET", "query", {"query": e, "time": T}) for e in EXPRESSIONS] +
    [("GET", "query_range", {"query": e, **RANGE}) for e in EXPRESSIONS] +
    [("GET", "format_query", {"query": e}) for e in EXPRESSIONS] +
    [("GET", "parse_query", {"query": e}) for e in EXPRESSIONS if "holt" not in e] +
    gets("query", {}, {"time": T}, q(time="x"), q(time=""), q(time="1e300"), q(time="NaN"), q(time="2026-01-01T00:00:00Z"),
         q(time="2026-13-01T00:00:00Z"), q(time=T + ".5"), q(time=T, timeout="x"), q(time=T, timeout="-1"), q(time=T, timeout="0"),
         q(time=T, timeout="1h"), q(time=T, timeout="1e30"), q(time=T, limit="2"), q(time=T, limit="0"), q(time=T, limit="-1"),
         q(time=T, limit="x"), q(time=T, limit="1.5"), q(time=T, limit="99999999999999999999"), q(time=T, lookback_delta="10s"),
         q(time=T, lookback_delta="x"), q(time=T, lookback_delta="-5"), q(time=T, stats="true"), q(time=T, stats="all"), q(time=T, unknown="x"),
         q(time=T, limit="1", query="sort_desc(m)"), q(time=T, query="sum(m)", limit="1"), q(time=T, query="1", limit="1"),
         q(time="-292273086-05-16T16:47:06Z"), q(time="292277025-08-18T07:12:54.999999999Z"), q(time="1795765707421"), q(time="inf")) +
    gets("query_range", {}, {"query": "m"}, r(start="x"), r(end="x"), r(step="x"), r(step="0"), r(step="-1"), r(step=""), r(step="1m"),
         r(step="0.0001"), r(step="1e-10"), r(step="1e30"), r(start=T, end=str(NOW - 1)), r(start=T), r(start="0", end="11000", step="1"),
         r(start="0", end="11001", step="1"), r(start=str(NOW - 11000), step="1", query="nothing"), r(limit="2"), r(limit="-2"), r(timeout="x"),
         r(timeout="0.000001"), r(lookback_delta="1s"), r(lookback_delta="x"), r(stats="all"), r(stats="true"), r(query="m", limit="1", stats="true"),
         r(start="NaN"), r(start="", end=""), r(step="5m30s"), r(query="special"), r(start=str(NOW - 60) + ".25", step="7.5")) +
    gets("labels", {}, {"match[]": "m"}, {"match[]": ["m", "h_bucket"]}, {"match[]": "{"}, {"match[]": "{}"}, {"match[]": "{i=~'.*'}"},
         {"match[]": ""}, {"limit": "1"}, {"limit": "-1"}, {"limit": "x"}, {"start": "x"}, {"end": "x"}, {"start": T, "end": "0"},
         {"start": str(NOW - 60), "end": T}, {"match[]": "m", "limit": "2"}, {"match[]": "1"}, {"match[]": "sum(m)"}) +
    gets("series", {}, {"match[]": "m"}, {"match[]": ["m", "m{i='1'}"]}, {"match[]": "m", "limit": "1"}, {"match[]": "m", "limit": "x"},
         {"match[]": "{}"}, {"match[]": "m["}, {"match[]": ""}, {"match[]": "m", "start": "x"}, {"match[]": "m", "end": "x"}, {"match[]": "nothing"},
         {"match[]": "m", "start": "0", "end": "10"}, {"match[]": "m", "start": T, "end": "10"}, {"match[]": '{"utf.8"}'}, {"match": "m"}) +
    gets("label/i/values", {}, {"match[]": "m{i=~'1|2'}"}, {"match[]": "{"}, {"match[]": "{}"}, {"limit": "2"}, {"limit": "x"}, {"start": "x"}, {"end": "x"},
         {"start": "0", "end": "1"}) +
    gets("label/__name__/values", {}, {"match[]": "m"}, {"limit": "1"}) + gets("label/nothing/values", {}) + gets("label/la.bel/values", {}) +
    gets("label/U__la_2e_bel/values", {}) + gets("label/U__la_2e/values", {}) + gets("label/%FF/values", {}) + gets("label//values", {}) + gets("label/i", {}) +
    gets("query_exemplars", {}, q(start=str(NOW - 60), end=T), q(start="x"), q(end="x"), q(start=T, end=str(NOW - 60)), q(query="m{", start="0", end="1"), q(query="1"), q(),
         q(query="1", start=str(NOW - 60), end=T), q(start=T + "000", end=T + "000"), q(query="sum(m[", start=T, end=T)) +
    gets("format_query", {}, {"query": "sum(m)by(i)"}, {"query": "m #c\n+ 1"}) + gets("parse_query", {}) +
    gets("metadata", {}, {"metric": "nothing"}, {"limit": "x"}, {"limit": "-1"}, {"limit": "0"}, {"limit_per_metric": "x"}) +
    gets("targets", {}, {"state": "active"}, {"state": "dropped"}, {"state": "any"}, {"state": "x"}, {"scrapePool": "pages"}, {"scrapePool": "x"}) +
    gets("targets/metadata", {}, {"match_target": "{job='pages'}"}, {"match_target": "{"}, {"limit": "x"}, {"metric": "x"}, {"match_target": "x"}) +
    gets("scrape_pools", {}) + gets("alertmanagers", {}) + gets("alerts", {}) +
    gets("targets/relabel_steps", {}, {"scrapePool": "pages"}, {"scrapePool": "pages", "labels": "{"}, {"scrapePool": "x", "labels": "{}"},
         {"scrapePool": "pages", "labels": '{"extra":"2"}'}) +
    gets("rules", {}, {"type": "alert"}, {"type": "record"}, {"type": "x"}, {"rule_name[]": "Always"}, {"rule_group[]": "g2"}, {"file[]": "nothing"},
         {"match[]": "{severity='page'}"}, {"match[]": "{"}, {"match[]": "{}"}, {"exclude_alerts": "true"}, {"exclude_alerts": "x"}, {"group_limit": "1"}, {"group_limit": "x"},
         {"group_limit": "-1"}, {"group_limit": "0"}, {"group_next_token": "x"}, {"group_next_token": "x", "group_limit": "1"}, {"type": "ALERT"}) +
    gets("status/buildinfo", {}) + gets("status/flags", {}) + gets("status/runtimeinfo", {}) + gets("status/config", {}) + gets("status/walreplay", {}) +
    gets("status/tsdb", {}, {"limit": "1"}, {"limit": "0"}, {"limit": "10001"}, {"limit": "x"}, {"limit": "-1"}) + gets("notifications", {}) + gets("nothing", {}) + gets("", {}) +
    [("POST", p, {}) for p in ("query", "query_range", "labels", "series", "rules", "targets", "label/i/values", "status/tsdb", "metadata", "write", "read",
                              "admin/tsdb/snapshot", "admin/tsdb/delete_series", "admin/tsdb/clean_tombstones", "otlp/v1/metrics", "nothing")] +
    [("POST", "query", q(time=T)), ("POST", "query_range", r()), ("POST", "labels", {"match[]": "m"}), ("POST", "series", {"match[]": "m"}),
     ("POST", "format_query", {"query": "m"}), ("POST", "parse_query", {"query": "m"}), ("POST", "query_exemplars", q(start="0", end=T))] +
    [("GET", p, {}) for p in ("write", "read", "admin/tsdb/snapshot", "admin/tsdb/delete_series", "otlp/v1/metrics")] +
    [("PUT", p, {}) for p in ("query", "admin/tsdb/snapshot", "admin/tsdb/delete_series")] +
    [("POST", "admin/tsdb/delete_series", {"match[]": "{"}), ("POST", "admin/tsdb/delete_series", {"match[]": "x", "start": "x"}),
     ("POST", "admin/tsdb/delete_series", {"match[]": "no", "start": "5", "end": "1"}), ("POST", "admin/tsdb/snapshot", {"skip_head": "x"}),
     ("DELETE", "series", {"match[]": "m"}), ("DELETE", "query", {}), ("OPTIONS", "query", {}), ("OPTIONS", "nothing", {}), ("OPTIONS", "label/i/values", {})])

# What stands for itself, by a path in the answer: only its type is compared.
VARIES = re.compile(r"(stats|lastScrape|lastScrapeDuration|lastError|evaluationTime|lastEvaluation|activeAt|health)$")
# Of trees of expressions, since 3.6.
NEW_KEYS = {"anchored", "smoothed", "offsetExpr", "rangeExpr", "stepExpr", "fillValues"}
FREE = ("status/buildinfo", "status/flags", "status/runtimeinfo", "status/config", "status/tsdb", "status/walreplay", "admin/tsdb/snapshot")


# Requests (as text) that need not be answered alike, and why. STATUS: not even with the same status.
STATUS = True
DIFFERENT = [(re.compile(pattern), why, bool(status)) for pattern, why, *status in (
    (r"'m anchored'|group_limit': '1'|^GET targets \{(?!.*dropped)|notifications", "3.14's answer"),
    (r"relabel_steps|DELETE|otlp|'limit': '10001'", "3.14's answer", STATUS),
    (r"stats|flags|sort_desc\(m\)', 'start'|histogram_quantile\(0.5, m\)", "3.14's answer"),
    (r"on\(j\)|on\(job\) ", "3.14 orders the series in the message"),
    (r"admin/tsdb/snapshot \{\}", "a path beside the name"),
    (r"'time': '(NaN|inf)'|'start': 'NaN'", "no time at all is an error here; there it is a time of 1677 or 2262", STATUS),
    (r"'time': ''|'query': 'm'\}$", "now"),
    (r"timeout': '(-1|0|0.000001)'", "which part of it notices that the time is over is chance there", STATUS),
    (r"__name__/values \{'limit'", "which ones are kept is chance there; here they are the first ones"),
    (r"label//values", "no redirects to clean paths", STATUS))]


def ask(port, method, path, parameters, headers=None):
    encoded = urllib.parse.urlencode(parameters, doseq=True)
    body, target = None, f"/api/v1/{path}"
    headers = dict(headers or {})
    if method == "POST":
        body, headers = encoded, {**headers, **FORM}
    elif encoded:
        target += "?" + encoded
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode()
    finally:
        connection.close()


def shape(value, path=""):
    """What is compared of an answer: all of it, but types only of what varies."""
    if isinstance(value, dict):
        return {k: shape(v, path + "/" + k) for k, v in sorted(value.items()) if k not in NEW_KEYS}
    if isinstance(value, list):
        return [shape(v, path) for v in value]
    if VARIES.search(path) or "/stats/" in path:
        return type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else "number"
    return value


def types(value):
    if isinstance(value, dict):
        return {k: types(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [types(v) for v in value[:1]]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def normal(method, path, parameters, answer):
    status, headers, body = answer
    kind = headers.get("content-type", "").split(";")[0]
    if kind != "application/json":
        return status, kind, body.strip()
    data = json.loads(body)
    if path in FREE and data.get("status") == "success":
        return status, kind, types(data)
    if path == "query" and isinstance(data.get("data"), dict) and data["data"].get("resultType") == "vector" and \
            not parameters.get("query", "").startswith(("sort", "topk")) and "limit" not in parameters:
        data["data"]["result"].sort(key=lambda one: sorted(one["metric"].items()))
    for key in ("warnings", "infos"):
        if key in data:
            data[key].sort()
    return status, kind, shape(data)


class Pair:
    """Both of them, with the same data."""

    def __init__(self, program, directory, things):
        rules = os.path.join(directory, "rules.yml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(RULES)
        config = CONFIG.replace("RULES", rules)
        os.mkdir(os.path.join(directory, "agent"))
        far = Prometheus(program, os.path.join(directory, "far"), config, "--web.enable-admin-api")
        things.append(far)
        far.start()
        agent = Agent(os.path.join(directory, "agent"), config, "--web.enable-remote-write-receiver", "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        self.ports = (far.port, agent.port)
        for port in self.ports:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/api/v1/write", snappy(write_request(series())),
                               {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
            assert connection.getresponse().status == 204
            connection.close()
            wait_for(lambda port=port: '"scrapePool":"pages"' in ask(port, "GET", "targets", {})[2], "the target")

    def both(self, *request):
        return [ask(port, *request) for port in self.ports]


def self_check(port, method, path, parameters):
    """Ours is as the OpenAPI document says."""
    status, headers, body = ask(port, method, path, parameters)
    CONTRACT.check(method, f"/api/v1/{path}", status, headers.get("content-type", ""), body.encode())


def installed_3():
    """A Prometheus to compare with, of the third generation; nothing otherwise."""
    program = installed("prometheus")
    if not program:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    if not version or (int(version[1]), int(version[2])) < (3, 5):
        skip("the installed prometheus is older than 3.5")
        return None
    return program


def test_answers_are_the_same():
    program = installed_3()
    if not program:
        return
    with scratch() as (directory, things):
        pair = Pair(program, directory, things)
        wrong = []
        for method, path, parameters in REQUESTS:
            if not path.startswith("label//"):
                self_check(pair.ports[1], method, path, parameters)
            said = f"{method} {path} {parameters}"
            theirs, ours = (normal(method, path, parameters, answer) for answer in pair.both(method, path, parameters))
            rows = [status for pattern, _, status in DIFFERENT if pattern.search(said)]
            if any(rows):
                continue
            if rows:
                theirs, ours = theirs[0], ours[0]
            if theirs != ours:
                wrong.append(f"{said}\n  theirs {theirs}\n  ours   {ours}")
        assert not wrong, f"{len(wrong)} of {len(REQUESTS)}:\n" + "\n".join(wrong)
        print(f"  {len(REQUESTS)} requests")


def test_headers_are_the_same():
    program = installed_3()
    if not program:
        return
    names = ("content-type", "content-encoding", "access-control-allow-origin", "access-control-allow-methods",
             "access-control-allow-headers", "access-control-expose-headers")
    with scratch() as (directory, things):
        pair = Pair(program, directory, things)
        for sent in ({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "deflate, gzip"}, {"Accept-Encoding": "br, zstd"},
                     {"Accept-Encoding": "identity"}, {"Origin": "http://elsewhere"},
                     {"Origin": "null", "Accept-Encoding": "gzip"}, {"Accept": "text/html"}):
            for request in (("GET", "query", {"query": "m", "time": T}), ("GET", "query", {}), ("OPTIONS", "query", {}),
                            ("GET", "labels", {}), ("GET", "status/flags", {})):
                answers = []
                for port in pair.ports:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                    path = f"/api/v1/{request[1]}?" + urllib.parse.urlencode(request[2])
                    connection.request(request[0], path, headers={"Accept-Encoding": "identity", **sent})
                    reply = connection.getresponse()
                    reply.read()
                    answers.append((reply.status, {name: reply.headers.get(name) for name in names}))
                    connection.close()
                for _, headers in answers:  # allowed to everybody: "*" here, whoever asks there
                    headers["access-control-allow-origin"] = headers["access-control-allow-origin"] is not None
                if answers[0][0] == 204:  # there an empty body is "compressed", too
                    answers[0][1].pop("content-encoding")
                    answers[1][1].pop("content-encoding")
                assert answers[0] == answers[1], (request, sent, answers)


if __name__ == "__main__":
    main()
