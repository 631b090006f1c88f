"""The agent as a newcomer and as existing tools see it: built-in default, promtool, node_exporter, Prometheus, reload."""
import json
import os
import signal
import subprocess
import time

from harness import Agent, Target, free_port, installed, main, scratch, wait_for


class Process:
    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.terminate()
        self.process.wait()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def test_built_in_default_shows_the_host_within_a_minute():
    with scratch() as (directory, things):
        agent = Agent(directory)
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query("node_memory_MemAvailable_bytes"), "the host's memory")
        wait_for(lambda: agent.query("sum(rate(node_cpu_seconds_total[1m])) > 0"), "a rate of the host's CPU")
        wait_for(lambda: agent.query('up{job="vedette"} == 1'), "the agent to scrape itself")
        status, page = agent.get("/")
        assert status == 200 and b"<html" in page.lower(), status
        groups = agent.api("rules")["groups"]
        assert sum(len(g["rules"]) for g in groups) >= 10, "built-in rules"
        wait_for(lambda: all(r["health"] == "ok" for g in agent.api("rules")["groups"] for r in g["rules"]),
                 "every built-in rule to be evaluated without an error")
        if installed("promtool"):
            url = f"http://127.0.0.1:{agent.port}"
            assert "node_load1" in run("promtool", "query", "instant", url, "node_load1")
            assert "node_load1" in run("promtool", "query", "range", f"--start={time.time() - 60:.0f}", url, "node_load1")
            assert "node_load1" in run("promtool", "query", "series", "--match=node_load1", url)
            assert "mode" not in run("promtool", "query", "labels", url, "job")
            assert "idle" in run("promtool", "query", "labels", url, "mode")
        assert agent.stop() == 0


def test_agrees_with_node_exporter():
    exporter = installed("prometheus-node-exporter")
    if not exporter:
        return
    with scratch() as (directory, things):
        port = free_port()
        things.append(Process(exporter, f"--web.listen-address=127.0.0.1:{port}"))
        agent = Agent(directory, f"""
global: {{scrape_interval: 1s}}
host: {{job: host}}
scrape_configs:
  - job_name: exporter
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
""")
        things.append(agent)
        agent.start()
        for name in ("node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes",
                     "node_network_receive_bytes_total"):
            # Both are read within a second of each other: series must be the same, values nearly.
            same = (f'count({name}{{job="host"}} and ignoring(job, instance) {name}{{job="exporter"}})'
                    f' == count({name}{{job="exporter"}}) == count({name}{{job="host"}})')
            near = (f'max(abs({name}{{job="host"}} - ignoring(job, instance) {name}{{job="exporter"}})'
                    f' / ignoring(job, instance) ({name}{{job="exporter"}} + 1000)) < 0.05')
            wait_for(lambda: agent.query(same), f"equal series of {name}")
            wait_for(lambda: agent.query(near), f"equal values of {name}")


def test_scrapes_a_real_prometheus():
    prometheus = installed("prometheus")
    if not prometheus:
        return
    with scratch() as (directory, things):
        port = free_port()
        empty = os.path.join(directory, "empty.yml")
        open(empty, "w").close()
        things.append(Process(prometheus, f"--config.file={empty}", f"--storage.tsdb.path={directory}/prom",
                              f"--web.listen-address=127.0.0.1:{port}"))
        agent = Agent(directory, f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
""")
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query('up{job="prometheus"} == 1'), "Prometheus to be scraped")
        assert agent.query("scrape_samples_scraped")[0][1] > 200
        assert agent.query("prometheus_build_info")
        kinds = {m["type"] for group in agent.api("metadata").values() for m in group}
        assert {"counter", "gauge", "histogram", "summary"} <= kinds, kinds


def test_queries_and_failed_scrapes_are_written_down():
    with scratch() as (directory, things):
        gone = free_port()
        os.mkdir(os.path.join(directory, "sub"))
        with open(os.path.join(directory, "rules.yml"), "w", encoding="utf-8") as file:
            file.write("groups: [{name: g, interval: 100ms, rules: [{record: r, expr: up+1}]}]\n")
        config = f"""
global: {{scrape_interval: 100ms, query_log_file: q.log, scrape_failure_log_file: sub/f.log}}
rule_files: [rules.yml]
scrape_configs:
  - {{job_name: gone, static_configs: [{{targets: ["127.0.0.1:{gone}"]}}]}}
  - {{job_name: good, static_configs: [{{targets: ["{{self}}"]}}]}}
"""
        agent = Agent(directory, config)
        things.append(agent)
        agent.start()

        def lines(name):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]

        assert agent.get("/api/v1/query_range?query=up%2B1&start=1&end=61&step=30")[0] == 200
        failed = wait_for(lambda: lines("sub/f.log"), "a failed scrape")[0]
        assert (failed["level"], failed["job_name"]) == ("ERROR", "gone"), failed
        assert failed["target"] == f"http://127.0.0.1:{gone}/metrics" and str(gone) in failed["msg"], failed
        asked = wait_for(lambda: [line for line in lines("q.log") if "httpRequest" in line], "a query")[0]
        assert asked["msg"] == "promql query logged"
        assert asked["params"] == {"query": "up+1", "start": "1970-01-01T00:00:01.000Z",
                                   "end": "1970-01-01T00:01:01.000Z", "step": 30}, asked
        assert asked["httpRequest"] == {"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query_range"}
        rule = wait_for(lambda: [line for line in lines("q.log") if "ruleGroup" in line], "a rule's query")[0]
        assert rule["ruleGroup"] == {"file": os.path.join(directory, "rules.yml"), "name": "g"}
        assert rule["params"]["query"] == "up + 1", rule
        # A file that was moved away is made anew by a reload; one that cannot be made keeps the old configuration.
        os.rename(os.path.join(directory, "q.log"), os.path.join(directory, "q.log.1"))
        assert agent.request("POST", "/-/reload")[0] == 200
        wait_for(lambda: os.path.exists(os.path.join(directory, "q.log")), "the file to be made again")
        with open(agent.config, "w", encoding="utf-8") as file:
            file.write(config.replace("sub/f.log", "nowhere/f.log").replace("{self}", f"127.0.0.1:{agent.port}"))
        status, body = agent.request("POST", "/-/reload")
        assert status != 200 and b"can't create json log file" in body, (status, body)
        agent.stop()
        process = subprocess.run(agent.command(), capture_output=True, text=True, timeout=60)
        assert process.returncode != 0 and "can't create json log file" in process.stderr, process.stderr


def test_reload_swaps_or_keeps():
    with scratch() as (directory, things):
        first, second = Target("a 1\n"), Target("b 1\n")
        things += [first, second]
        config = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ["%s"]}]
"""
        agent = Agent(directory, config % first.address)
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query("a"), "the first target")

        def write(text):
            with open(agent.config, "w", encoding="utf-8") as file:
                file.write(text)

        write(config % second.address)
        assert agent.request("POST", "/-/reload")[0] == 200
        wait_for(lambda: agent.query("b"), "the second target after a reload")
        wait_for(lambda: not agent.query("a"), "staleness of the first target")
        write("scrape_configs: 5")
        status, body = agent.request("POST", "/-/reload")
        assert status == 500 and b"vedette.yml:1:17" in body, (status, body)
        assert len(agent.api("targets")["activeTargets"]) == 1
        write(config % first.address)
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: agent.query("a"), "the first target after SIGHUP")
        assert agent.stop() == 0


def test_data_survives_a_clean_restart():
    with scratch() as (directory, things):
        agent = Agent(directory, "", "--web.enable-remote-write-receiver", "--storage.retention.time=100y")
        things.append(agent)
        agent.start()
        assert agent.write([({"__name__": "old"}, [(i * 15000, float(i)) for i in range(1000)])]) // 100 == 2
        assert agent.stop() == 0
        agent.start()
        assert agent.query("count_over_time(old[1d])", 15000)[0][1] == 1000
        assert agent.query("old", 30)[0][1] == 2


def test_command_line_clients():
    with scratch() as (directory, things):
        agent = Agent(directory, "", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        agent.write([({"__name__": "m", "a": "b"}, [(int(time.time() * 1000), 42.0)])])
        url = f"http://127.0.0.1:{agent.port}"
        binary = agent.command()[0]
        assert "42" in run(binary, "query", "m", f"--server={url}")
        reply = json.loads(run(binary, "query", "m", f"--server={url}", "--json"))
        assert reply["status"] == "success"
        assert run(binary, "--version").startswith("vedette")
        run(binary, "report", "capacity", f"--server={url}")


if __name__ == "__main__":
    main()
