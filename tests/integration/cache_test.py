"""Kept results of range queries: what a refreshing dashboard is told, and what it costs."""
import json
import random
import time
import urllib.parse

from harness import Agent, main, scratch

CONFIG = "global: {scrape_interval: 1h}\n"
FLAGS = ("--web.enable-remote-write-receiver", "--web.enable-admin-api")
QUERIES = ("sum by (job) (rate(c_total[5m]))", "c_total", "max_over_time(c_total[10m])", "topk(3, c_total)", "rate(c_total[1m] offset 1m)",
           "sum(c_total) / count(c_total)", "rate(g[1m])", "topk(2, sum by (job) (c_total))", "c_total @ end()")


def started(directory, things, *flags):
    agent = Agent(directory, CONFIG, *FLAGS, *flags)
    things.append(agent)
    return agent.start()


def write(agent, series, times):
    """Counters `c_total` and a gauge; values follow from the times."""
    for first in range(0, series, 100):
        status = agent.write([({"__name__": "c_total", "i": f"{i:04}", "job": str(i % 7)},
                               [(t * 1000, float((t % 100000) * (i % 5 + 1))) for t in times])
                              for i in range(first, min(first + 100, series))])
        assert status == 204, (status, agent.write_answer)
    assert agent.write([({"__name__": "g"}, [(t * 1000, float(t % 1000)) for t in times])]) == 204


def ask(agent, query, start, end, step, **more):
    return agent.api("query_range", query=query, start=start, end=end, step=step, **more)


def explained(agent, query, start, end, step, **more):
    return ask(agent, query, start, end, step, explain=1, **more)["explain"]["cache"]


def metric(agent, name):
    lines = agent.get("/metrics")[1].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + "{") or line.startswith(name + " "))


def alike(got, want):
    """The same but for the last digits: the order in which series are added up is not fixed."""
    def rounded(data):
        return data["resultType"], [(row["metric"], [(t, f"{float(v):.12g}") for t, v in row["values"]]) for row in data["result"]]
    return rounded(got) == rounded(want)


def test_a_refresh_takes_what_is_kept():
    with scratch() as (directory, things):
        agent = started(directory, things)
        end = int(time.time()) // 15 * 15
        write(agent, 20, range(end - 3600, end + 1, 15))
        query = "sum by (job) (rate(c_total[5m]))"
        assert explained(agent, query, end - 3000, end, 15) == {"used": False, "steps": 201, "keptSteps": 0}
        assert explained(agent, query, end - 3000, end, 15) == {"used": True, "steps": 201, "keptSteps": 201}
        # The same in other words; not with steps between those, nor with another lookback, nor where nobody wants it.
        assert explained(agent, "sum by(job)(rate(c_total [300s]))", end - 2985, end, 15)["keptSteps"] == 200
        assert not explained(agent, query, end - 3001, end, 15)["used"]
        assert not explained(agent, query, end - 3000, end, 15, lookback_delta="1m")["used"]
        assert explained(agent, query, end - 3000, end, 15, nocache=1) == {"used": False}
        assert explained(agent, query, end - 3000, end, 15, nocache="no")["used"]
        assert explained(agent, query, end - 3000, end, 15, stats="true") == {"used": False}
        stats = ask(agent, query, end - 3000, end, 15, stats="true")["stats"]["samples"]
        assert stats["samplesRead"] > 20 * 200, stats
        # Something new: one step. Something late: those behind it.
        write(agent, 20, [end + 15])
        assert explained(agent, query, end - 2985, end + 15, 15)["keptSteps"] == 200
        write(agent, 1, [end - 601])
        assert explained(agent, query, end - 2985, end + 15, 15)["keptSteps"] == 159
        assert explained(agent, query, end - 2985, end + 15, 15)["keptSteps"] == 201
        agent.request("POST", "/api/v1/admin/tsdb/delete_series?" + urllib.parse.urlencode({"match[]": '{i="0003"}'}))
        assert not explained(agent, query, end - 2985, end + 15, 15)["used"]
        for expression, reason in (("c_total @ end()", "time"), ("topk(2, sum by (job) (c_total))", "order"), ("vector(1)", "selector")):
            assert explained(agent, expression, end - 300, end, 15) == {"used": False, "steps": 21, "keptSteps": 0, "reason": reason}
        assert metric(agent, 'vedette_promql_result_cache_queries_total') >= 10
        assert 0 < metric(agent, "vedette_promql_result_cache_bytes") < 1 << 20
        assert metric(agent, "vedette_promql_result_cache_entries") >= 3


def test_answers_are_those_of_an_evaluation():
    """Everything that may happen to the data, between refreshes of several panels."""
    seed = random.randrange(1 << 30)
    print(f"  seed {seed}")
    choose = random.Random(seed)
    with scratch() as (directory, things):
        agent = started(directory, things)
        base = int(time.time()) // 15 * 15 - 7200
        write(agent, 30, range(base - 3600, base, 15))
        kept = 0
        for k in range(60):
            now = base + 15 * k
            write(agent, choose.randrange(25, 35), [now])
            what = choose.randrange(8)
            if what == 0:
                late = now - choose.randrange(3000)
                assert agent.write([({"__name__": "c_total", "i": f"{choose.randrange(40):04}", "job": "1"}, [(late * 1000 + 1, 7.0)])]) == 204
            elif what == 1:
                agent.request("POST", "/api/v1/admin/tsdb/delete_series?" + urllib.parse.urlencode(
                    {"match[]": f'{{i="{choose.randrange(30):04}"}}', "start": now - choose.randrange(2000), "end": now}))
            elif what == 2:
                line = json.dumps({"metric": {"__name__": "c_total", "i": "bulk", "job": "2"}, "values": [3], "timestamps": [(now - 900) * 1000]})
                assert agent.request("POST", "/api/v1/admin/tsdb/import?format=jsonl", line + "\n")[0] == 200
            elif what == 3:
                agent.request("POST", "/api/v1/admin/tsdb/flush")
            for query in QUERIES:
                start = now - choose.choice((1800, 1800, 3000))
                got = ask(agent, query, start, now, 15)
                want = ask(agent, query, start, now, 15, nocache=1)
                assert alike(got, want), (query, start, now, got, want)
            kept += explained(agent, QUERIES[0], now - 1800, now, 15)["keptSteps"]
        assert kept > 60 * 30, kept


def test_a_refresh_reads_a_tenth():
    with scratch() as (directory, things):
        agent = started(directory, things)
        end = int(time.time()) // 15 * 15
        write(agent, 400, range(end - 6 * 3600 - 600, end + 1, 15))
        panels = [f"{function} by (job) (rate(c_total[{window}]))" for function in ("sum", "max", "avg", "count") for window in ("1m", "5m")]

        def refresh(at, **more):
            begun = time.perf_counter()
            answers = [ask(agent, panel, at - 6 * 3600, at, 15, **more) for panel in panels]
            return time.perf_counter() - begun, answers

        refresh(end)
        whole = min(refresh(end, nocache=1)[0] for _ in range(3))
        took = []
        for k in range(1, 9):
            write(agent, 400, [end + 15 * k])
            seconds, answers = refresh(end + 15 * k)
            took.append(seconds)
        assert all(map(alike, answers, refresh(end + 120, nocache=1)[1]))
        took.sort()
        print(f"  {len(panels)} panels of 400 series over 6 h: {whole * 1000:.0f} ms, refreshed {took[len(took) // 2] * 1000:.1f} ms")
        # The time is what the issue asks for, and much of it is HTTP; what is read is exact.
        before = metric(agent, "vedette_promql_samples_read_total")
        write(agent, 400, [end + 135])
        refresh(end + 135)
        read = metric(agent, "vedette_promql_samples_read_total") - before
        refresh(end + 135, nocache=1)
        all_read = metric(agent, "vedette_promql_samples_read_total") - before - read
        assert read * 10 < all_read, (read, all_read)


def test_it_can_be_switched_off():
    with scratch() as (directory, things):
        agent = started(directory, things, "--query.result-cache-bytes=0")
        end = int(time.time()) // 15 * 15
        write(agent, 2, range(end - 600, end + 1, 15))
        for _ in range(2):
            assert explained(agent, "c_total", end - 300, end, 15) == {"used": False}
        assert "vedette_promql_result_cache" not in agent.get("/metrics")[1].decode()
        assert agent.api("status/flags")["query.result-cache-bytes"] == "0"


if __name__ == "__main__":
    main()
