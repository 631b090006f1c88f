"""The API's own parts over a socket: federation (also by a real Prometheus), running and slow queries, explain, streams."""
import http.client
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

from contract import CONTRACT
from harness import Agent, WITHOUT_QUARANTINE, installed, main, scratch, wait_for
from remote_test import Prometheus, fields, varint

CONFIG = """
global: {scrape_interval: 1h, external_labels: {zone: north, job: never used}}
"""
FLAGS = ("--web.enable-remote-write-receiver",)
DELIMITED = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


def started(directory, things, config=CONFIG, *flags):
    agent = Agent(directory, config, *FLAGS, *flags)
    things.append(agent)
    return agent.start()


def fetch(agent, path, accept=None, method="GET"):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
    try:
        connection.request(method, path, headers={"Accept": accept} if accept else {})
        reply = connection.getresponse()
        body = reply.read()
        CONTRACT.check(method, path, reply.status, reply.headers.get("Content-Type", ""), body)
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, body
    finally:
        connection.close()


def federate(agent, *matches, accept=None):
    return fetch(agent, "/federate?" + urllib.parse.urlencode([("match[]", m) for m in matches]), accept)


def store_some(agent):
    now = int(time.time() * 1000)
    stale, = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))
    status = agent.write([
        ({"__name__": "b_total", "job": "x", "instance": "i:1", "path": 'a"\\\n'}, [(now - 20000, 1.0), (now - 10000, 12345678.0)]),
        ({"__name__": "a", "zone": "south"}, [(now - 5000, 0.25)]),
        ({"__name__": "a", "z": "1"}, [(now - 4000, float("nan"))]),
        ({"__name__": "a", "z": "2"}, [(now - 8000, 1.0), (now - 4000, stale)]),
        ({"__name__": "old"}, [(now - 400000, 1.0)]),
        ({"__name__": "with.dot", "la.bel": "v"}, [(now - 1000, 1e-7)])])
    assert status == 204, (status, agent.write_answer)
    return now


def test_federation_writes_the_newest_values():
    with scratch() as (directory, things):
        agent = started(directory, things)
        now = store_some(agent)
        status, headers, body = federate(agent, "a", '{__name__=~"b_.*|old|a"}', '{"with.dot"}')
        assert status == 200, body
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", headers
        assert body.decode() == (
            "# TYPE a untyped\n"
            f'a{{z="1",instance="",job="never used",zone="north"}} NaN {now - 4000}\n'
            f'a{{zone="south",instance="",job="never used"}} 0.25 {now - 5000}\n'
            "# TYPE b_total untyped\n"
            f'b_total{{instance="i:1",job="x",path="a\\"\\\\\\n",zone="north"}} 1.2345678e+07 {now - 10000}\n'
            "# TYPE with_dot untyped\n"
            f'with_dot{{la_bel="v",instance="",job="never used",zone="north"}} 1e-07 {now - 1000}\n'), body.decode()
        utf8 = federate(agent, '{"with.dot"}', accept="text/plain;version=0.0.4;escaping=allow-utf-8")[2].decode()
        assert utf8.splitlines()[0] == '# TYPE "with.dot" untyped', utf8
        assert utf8.splitlines()[1].startswith('{"with.dot","la.bel"="v",instance=""'), utf8
        status, headers, body = federate(agent, "b_total", accept=DELIMITED + ";q=0.9,text/plain;version=0.0.4;q=0.5")
        assert headers["content-type"].startswith("application/vnd.google.protobuf; proto="), headers
        size, at = varint(body, 0)
        assert size == len(body) - at
        family = list(fields(body[at:]))
        assert family[:2] == [(1, b"b_total"), (3, 3)] and [number for number, _ in family[2:]] == [4], family
        assert federate(agent)[::2] == (200, b"")
        status, _, body = federate(agent, "a{")
        assert (status, body) == (400, b"1:3: parse error: unexpected end of input inside braces\n"), (status, body)


def test_a_real_prometheus_federates():
    program = installed("prometheus")
    if not program:
        return
    with scratch() as (directory, things):
        os.mkdir(os.path.join(directory, "near"))
        agent = started(os.path.join(directory, "near"), things)
        now = int(time.time() * 1000)
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        new = int(re.search(r"version (\d+)", version.stdout + version.stderr)[1]) >= 3
        for protocols in ("", "scrape_protocols: [PrometheusProto]") if new else ("",):
            far = Prometheus(program, os.path.join(directory, "far" + str(len(protocols))), f"""
global: {{scrape_interval: 500ms}}
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: {{'match[]': ['{{__name__=~"a|b_total"}}']}}
    {protocols}
    static_configs: [{{targets: ['127.0.0.1:{agent.port}']}}]
""")
            things.append(far)
            far.start()
            now = store_some(agent)
            want = [([("__name__", "a"), ("job", "never used"), ("zone", "south")], 0.25),
                    ([("__name__", "b_total"), ("instance", "i:1"), ("job", "x"), ("path", 'a"\\\n'), ("zone", "north")],
                     12345678.0)]
            wait_for(lambda: far.query('{__name__=~"a|b_total",z=""}', now / 1000) == want, "the federated series")
            assert far.query("up{job='federate'}", time.time())[0][1] == 1


def a_slow_query(agent, then):
    """Runs one that takes long in a thread; `then` gets its (status, body)."""
    parameters = urllib.parse.urlencode({"query": SLOW, "start": 0, "end": 10000, "step": 1})

    def run():
        then.append(agent.request("GET", "/api/v1/query_range?" + parameters))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


SLOW = "sum_over_time(sum_over_time(vector(1)[1000s:1s])[1000000s:1s])" + "".join(
    f" + sum_over_time(sum_over_time(vector({i})[1000s:1s])[1000000s:1s])" for i in range(2, 60))


def test_running_queries_are_listed_and_canceled():
    with scratch() as (directory, things):
        agent = started(directory, things, CONFIG, "--web.enable-admin-api")
        answers = []
        thread = a_slow_query(agent, answers)

        def running():
            return [q for q in agent.api("status/active_queries") if q["query"] == SLOW]

        query = wait_for(running, "the query in the list")[0]
        assert query["type"] == "range" and query["start"] == 0 and query["end"] == 10000 and query["step"] == 1, query
        assert query["phase"] in ("waiting", "preparing", "evaluating"), query
        assert query["origin"]["httpRequest"]["clientIP"] == "127.0.0.1", query
        assert agent.request("DELETE", "/api/v1/status/active_queries/0123")[0] == 404
        assert agent.request("DELETE", "/api/v1/status/active_queries/x")[0] == 400
        assert agent.request("POST", f"/api/v1/status/active_queries/{query['id']}")[0] == 204
        thread.join(30)
        status, body = answers[0]
        assert status == 499 and json.loads(body)["errorType"] == "canceled", (status, body)
        wait_for(lambda: not running(), "an empty list")
        slow = agent.api("status/slow_queries", limit=5)
        assert [q for q in slow["latest"] if q["id"] == query["id"] and "canceled" in q["error"]], slow
        assert len(slow["slowest"]) <= 5 and slow["slowest"][0]["duration"] >= slow["slowest"][-1]["duration"], slow


def test_explain_says_what_the_nodes_cost():
    with scratch() as (directory, things):
        agent = started(directory, things)
        now = int(time.time() * 1000)
        agent.write([({"__name__": "c_total", "i": str(i)}, [(now - 60000 + 1000 * j, float(j)) for j in range(60)])
                     for i in range(40)])
        data = agent.api("query_range", query="sum by (i) (rate(c_total[30s])) * 2", start=now / 1000 - 20,
                         end=now / 1000, step=1, explain=1)
        plan = data["explain"]
        assert plan["node"] == "binary operation" and plan["series"] == 40, plan
        total = plan["children"][0]
        assert total["node"] == "aggregation" and total["expression"] == "sum by (i) (rate(c_total[30s]))", total
        rate = total["children"][0]
        selector = rate["children"][0]
        assert (rate["node"], rate["evaluations"], rate["series"]) == ("call", 1, 40), rate
        assert (selector["node"], selector["series"], selector["expression"]) == ("range selector", 40, "c_total[30s]")
        assert selector["samplesRead"] == rate["samplesRead"] == plan["samplesRead"] > 40 * 30, plan
        assert plan["time"] >= total["time"] >= rate["time"] >= selector["time"] > 0, plan
        assert selector["workers"] >= 1, selector
        assert "explain" not in agent.api("query", query="c_total")


def store_series(agent, count, samples, step=15, name="s_total"):
    """The times are whole multiples of the step; the last of them."""
    last = int(time.time()) // 60 * 60
    for first in range(0, count, 50):
        status = agent.write([({"__name__": name, "i": f"{i:04}"},
                               [((last - step * (samples - 1 - k)) * 1000, float(k * (i + 1))) for k in range(samples)])
                              for i in range(first, min(first + 50, count))])
        assert status == 204, (status, agent.write_answer)
    return last


def range_path(query, start, end, step, **more):
    return "/api/v1/query_range?" + urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step, **more})


def test_json_lines_are_the_series_of_the_matrix():
    with scratch() as (directory, things):
        agent = started(directory, things)
        last = store_series(agent, 120, 60)
        for query in ("s_total", "rate(s_total[1m]) * 2", "sum by (i) (s_total)", "-s_total > 3", "max_over_time(s_total[5m:30s])", "vector(1)",
                      "histogram_quantile(0.5, s_total)", "nothing"):
            want = agent.api("query_range", query=query, start=last - 900, end=last, step=15)["result"]
            status, headers, body = fetch(agent, range_path(query, last - 900, last, 15), "application/x-ndjson")
            lines = [json.loads(line) for line in body.decode().splitlines()]
            assert status == 200 and headers["content-type"] == "application/x-ndjson", (status, headers)
            assert lines[:-1] == want, (query, lines[:2])
            assert lines[-1]["status"] == "success" and lines[-1]["series"] == len(want), lines[-1]
        assert "warnings" in lines[-1] or query == "nothing"
        lines = fetch(agent, range_path("s_total", last - 900, last, 15, limit=7), "application/x-ndjson")[2].splitlines()
        assert len(lines) == 8 and json.loads(lines[-1])["warnings"] == ["results truncated due to limit"], lines[-1]
        status, headers, body = fetch(agent, range_path("s_total", last - 20000, last, 1), "application/x-ndjson")
        assert status == 200 and body.count(b"\n") == 121, (status, body[:200])
        status, headers, body = fetch(agent, range_path("s_total{", 0, 1, 1), "application/x-ndjson")
        assert status == 400 and json.loads(body)["errorType"] == "bad_data", body
        status, headers, body = fetch(agent, range_path("s_total{i='0001'}", last - 15, last, 15), "text/csv")
        assert headers["content-type"].startswith("text/csv"), headers
        assert body.decode() == ('metric,timestamp,value\n'
                                 f'"s_total{{i=""0001""}}",{last - 15},116\n"s_total{{i=""0001""}}",{last},118\n'), body
        # A client of HTTP/1.0 gets the same until the end of the connection.
        with socket.create_connection(("127.0.0.1", agent.port)) as client:
            client.sendall(f"GET {range_path('s_total', last, last, 15)} HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n".encode())
            reply = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = reply.partition(b"\r\n\r\n")
        assert b"chunked" not in head and body.count(b"\n") == 121, head


def resident_bytes(agent):
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def test_a_slow_reader_of_a_large_stream_costs_little():
    with scratch() as (directory, things):
        agent = Agent(directory, CONFIG, *FLAGS)
        agent.environment = WITHOUT_QUARANTINE
        things.append(agent)
        agent.start()
        last = store_series(agent, 200, 600)
        before = resident_bytes(agent)
        # 1.9 million points: 38 MB of JSON.
        path = range_path("s_total * 1.5", last - 20000, last + 280, 1)
        with socket.create_connection(("127.0.0.1", agent.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n".encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
            # Nobody reads on: the query waits, and others are served.
            for _ in range(20):
                assert agent.query("count(s_total)")[0][1] == 200
            assert [q for q in agent.api("status/active_queries") if q["query"] == "s_total * 1.5"]
            most = resident_bytes(agent)
            received = 0
            while True:
                piece = client.recv(1 << 20)
                received += len(piece)
                if piece.endswith(b"0\r\n\r\n") or not piece:
                    break
                if received % 64 == 0:
                    most = max(most, resident_bytes(agent))
            most = max(most, resident_bytes(agent))
        assert received > 30_000_000, received
        print(f"  {received >> 20} MB sent, {(most - before) >> 20} MB more in memory")
        assert most - before < 80 << 20, (before, most, received)
        wait_for(lambda: not agent.api("status/active_queries"), "the end of the query")
        # One that leaves in the middle ends it.
        with socket.create_connection(("127.0.0.1", agent.port)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n".encode())
            client.recv(1000)
        wait_for(lambda: not agent.api("status/active_queries"), "the end of the query that nobody reads")


def test_names_are_searched_as_they_are_typed():
    with scratch() as (directory, things):
        agent = started(directory, things, CONFIG, "--enable-feature=search-api", "--web.search.max-limit=5")
        now = int(time.time() * 1000)
        names = ("http_requests_total", "http_request_duration_seconds", "node_http", "go_threads", "Http_up")
        assert agent.write([({"__name__": name, "path": f"/{i}"}, [(now, 1.0)]) for i, name in enumerate(names)]) == 204

        def search(what, **parameters):
            query = urllib.parse.urlencode({k.replace("__", "[]"): v for k, v in parameters.items()}, doseq=True)
            status, headers, body = fetch(agent, f"/api/v1/search/{what}?{query}")
            assert status == 200 and headers["content-type"] == "application/x-ndjson; charset=utf-8", (status, body)
            lines = [json.loads(line) for line in body.decode().splitlines()]
            assert lines[-1]["status"] == "success"
            return [found for line in lines[:-1] for found in line["results"]], lines[-1]["has_more"], len(lines) - 1

        found = lambda *arguments, **parameters: [entry["name"] for entry in search(*arguments, **parameters)[0]]
        assert found("metric_names", search__="http") == ["http_request_duration_seconds", "http_requests_total", "node_http"]
        assert found("metric_names", search__="http", sort_by="score", case_sensitive="false") == [
            "Http_up", "http_request_duration_seconds", "http_requests_total", "node_http"]
        assert found("metric_names", search__=["htp", "gth"], sort_by="alpha", sort_dir="dsc") == [
            "node_http", "http_requests_total", "http_request_duration_seconds", "go_threads"]
        assert search("metric_names", search__="node_http", include_score=1)[0] == [{"name": "node_http", "score": 1}]
        assert search("metric_names", batch_size=2) == (
            [{"name": name} for name in sorted(names)], False, 3)
        assert search("metric_names", limit=2)[1:] == (True, 1)
        assert found("label_names", search__="pa") == ["path"]
        assert found("label_values", label="path", match__='{__name__=~"http.*"}') == ["/0", "/1"]
        assert found("label_values", label="path", start=now / 1000 - 7200, end=now / 1000 - 3600 * 1.5) == []
        for query, error in (("label_values", 'missing required parameter \"label\"'), ("metric_names?limit=6", "limit 6 exceeds the maximum of 5"),
                             ("metric_names?sort_by=score", "sort_by=score requires search[] to be set"),
                             ("metric_names?fuzz_threshold=x", 'invalid fuzz_threshold \"x\": must be 0-100'),
                             ("metric_names?fuzz_alg=x", "must be one of [subsequence jarowinkler]"),
                             ("metric_names?" + "search[]=a&" * 33, "too many search[] parameters")):
            status, _, body = fetch(agent, "/api/v1/search/" + query)
            assert status == 400 and error in json.loads(body)["error"], (query, status, body)
        assert agent.api("features")["api"]["search"] is True
        os.mkdir(os.path.join(directory, "other"))
        other = started(os.path.join(directory, "other"), things)
        status, _, body = fetch(other, "/api/v1/search/label_names")
        assert status == 500 and json.loads(body)["error"] == "search API disabled", (status, body)


if __name__ == "__main__":
    main()
