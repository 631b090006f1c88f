"""promtool, Prometheus' own command line client, asks the agent: every subcommand of `query`, and `check healthy` and `ready`."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from harness import Agent, Target, installed, main, scratch, skip, wait_for
from histograms_test import PROTOBUF, histogram_page

NOW = int(time.time())


def started(directory, things, *flags):
    """An agent with ten minutes of a gauge and a counter."""
    agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver", *flags)
    things.append(agent)
    agent.start()
    series = []
    for job in ("api", "web"):
        points = [((NOW - 600 + 15 * i) * 1000, float(i)) for i in range(41)]
        series.append(({"__name__": "requests_total", "job": job, "path": "/a b"}, points))
        series.append(({"__name__": "temperature", "job": job}, [(ms, value / 4) for ms, value in points]))
    assert agent.write(series) == 204
    return agent


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def knows(program, *command):
    """Whether this version has a subcommand; the help of an older one is about the command above it."""
    text = subprocess.run([program, *command, "--help"], capture_output=True, text=True, timeout=60, check=False)
    if text.returncode == 0 and " ".join(command) in (text.stdout + text.stderr).split("\n", 1)[0]:
        return True
    skip(f"this promtool knows no {' '.join(command)}")
    return False


def test_queries():
    promtool = installed("promtool")
    if not promtool:
        return
    with scratch() as (directory, things):
        agent = started(directory, things)
        url = f"http://127.0.0.1:{agent.port}"
        lines = run(promtool, "query", "instant", f"--time={NOW}", url, "sum by (job) (requests_total)").splitlines()
        assert sorted(lines) == [f'{{job="api"}} => 40 @[{NOW}]', f'{{job="web"}} => 40 @[{NOW}]'], lines
        vector = json.loads(run(promtool, "query", "--format=json", "instant", f"--time={NOW}", url, "temperature"))
        assert [row["value"][1] for row in vector] == ["10", "10"], vector
        assert run(promtool, "query", "instant", f"--time={NOW}", url, "1 + 1").startswith("scalar: 2 @["), "a scalar"
        matrix = json.loads(run(promtool, "query", "--format=json", "range", f"--start={NOW - 60}", f"--end={NOW}", "--step=15s",
                                url, 'rate(requests_total{job="api"}[1m])'))
        assert len(matrix) == 1 and len(matrix[0]["values"]) == 5, matrix
        assert all(abs(float(value) - 1 / 15) < 1e-9 for _, value in matrix[0]["values"]), matrix
        text = run(promtool, "query", "series", "--match=temperature", '--match={job="web"}', f"--start={NOW - 600}",
                   f"--end={NOW}", url)
        named, unnamed = 'requests_total{job="web", path="/a b"}', '{__name__="requests_total", job="web", path="/a b"}'
        assert len(text.splitlines()) == 3 and (named in text or unnamed in text), text
        text = run(promtool, "query", "labels", f"--start={NOW - 600}", f"--end={NOW}", url, "__name__")
        assert text.split() == ["requests_total", "temperature"], text


def test_errors_are_shown():
    promtool = installed("promtool")
    if not promtool:
        return
    with scratch() as (directory, things):
        agent = started(directory, things)
        done = subprocess.run([promtool, "query", "instant", f"http://127.0.0.1:{agent.port}", "sum(("], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 1 and "parse error: unclosed left parenthesis" in done.stderr, done.stderr


def test_histograms_are_analyzed():
    promtool = installed("promtool")
    if not promtool or not knows(promtool, "query", "analyze"):
        return
    with scratch() as (directory, things):
        counts = iter(range(5, 10_000))
        target = Target(lambda: histogram_page(next(counts)), PROTOBUF)
        things.append(target)
        agent = Agent(directory, f"""
global: {{scrape_interval: 100ms, scrape_native_histograms: true}}
scrape_configs: [{{job_name: native, always_scrape_classic_histograms: true, static_configs: [{{targets: ["{target.address}"]}}]}}]
""")
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query("count_over_time(latency_seconds_bucket[1m]) > 20"), "many scrapes")
        text = run(promtool, "query", "analyze", f"--server=http://127.0.0.1:{agent.port}", "--type=histogram",
                   "--match=latency_seconds_bucket", "--duration=1m")
        assert "Bucket stats for each histogram series over time" in text, text
        text = run(promtool, "query", "analyze", f"--server=http://127.0.0.1:{agent.port}", "--type=histogram",
                   "--match=latency_seconds", "--duration=1m")
        assert "latency_seconds" in text, text


def test_healthy_and_ready():
    promtool = installed("promtool")
    if not promtool or not knows(promtool, "check", "healthy"):
        return
    with scratch() as (directory, things):
        agent = started(directory, things)
        for what in ("healthy", "ready"):
            run(promtool, "check", what, f"--url=http://127.0.0.1:{agent.port}")  # its exit status tells


if __name__ == "__main__":
    main()
