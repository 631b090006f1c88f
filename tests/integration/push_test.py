"""What others push: Prometheus and vmagent as senders of remote write, and what survives a kill."""
import gzip
import json
import os
import socket
import re
import subprocess
import time

from harness import Agent, Target, free_port, installed, main, scratch, skip, snappy, wait_for, write_request

PAGE = """# HELP push_requests Requests that were answered.
# TYPE push_requests counter
push_requests_total{code="200"} 7 # {trace_id="abc"} 1
push_requests_created{code="200"} 1700000000
# TYPE push_seconds histogram
# UNIT push_seconds seconds
# HELP push_seconds How long it took.
push_seconds_bucket{le="0.5"} 3 # {trace_id="def"} 0.4
push_seconds_bucket{le="+Inf"} 5
push_seconds_count 5
push_seconds_sum 2.5
# EOF
"""


class Process:
    def __init__(self, directory, *command):
        self.log_path = os.path.join(directory, "sender.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)

    def close(self):
        self.process.terminate()
        self.process.wait()


def sends_both_messages(prometheus):
    """Prometheus 2 knows neither the key that chooses the message nor all of the features."""
    version = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=False).stdout
    if re.match(r"prometheus, version [3-9]", version):
        return True
    skip(f"{version.split(' (')[0]} is older than 3")
    return False


def sent_by_prometheus(message, check):
    """Runs Prometheus, which scrapes PAGE and sends it as `message`; then check(agent)."""
    prometheus = installed("prometheus")
    if not prometheus or not sends_both_messages(prometheus):
        return
    with scratch() as (directory, things):
        target = Target(PAGE, "application/openmetrics-text; version=1.0.0; charset=utf-8")
        things.append(target)
        agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver", "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        own_port = free_port()
        path = os.path.join(directory, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: pushed
    static_configs: [{{targets: ["{target.address}"]}}]
  - job_name: itself
    static_configs: [{{targets: ["127.0.0.1:{own_port}"]}}]
remote_write:
  - url: http://127.0.0.1:{agent.port}/api/v1/write
    protobuf_message: {message}
    send_exemplars: true
    send_native_histograms: true
    metadata_config: {{send_interval: 1s}}
""")
        things.append(Process(directory, prometheus, f"--config.file={path}", f"--storage.tsdb.path={directory}/prom",
                              "--enable-feature=exemplar-storage,native-histograms,metadata-wal-records",
                              f"--web.listen-address=127.0.0.1:{own_port}"))
        wait_for(lambda: agent.query('push_requests_total{code="200",job="pushed"} == 7'), f"{message} to arrive")
        export = "/api/v1/admin/tsdb/export?format=jsonl&match[]=prometheus_http_request_duration_seconds"
        wait_for(lambda: b'"histograms":' in agent.get(export)[1], "a native histogram")
        wait_for(lambda: agent.query('push_seconds_bucket{le="0.5"} == 3'), "the classic histogram")
        wait_for(lambda: len(agent.api("query_exemplars", query='{__name__=~"push_.*"}', start=time.time() - 60,
                                       end=time.time() + 60)) >= 2, "exemplars")
        wait_for(lambda: agent.api("metadata", metric="push_seconds").get("push_seconds") ==
                 [{"type": "histogram", "help": "How long it took.", "unit": "seconds"}], "metadata")
        check(agent)
        target.status = 500
        wait_for(lambda: not agent.query("push_requests_total"), "staleness markers to arrive")
        metrics = agent.get("/metrics")[1].decode()
        dropped = [line for line in metrics.splitlines()
                   if line.startswith("vedette_collector_push_samples_dropped_total") and not line.endswith(" 0")]
        assert not dropped, dropped


def test_prometheus_sends_version_1():
    sent_by_prometheus("prometheus.WriteRequest", lambda agent: None)


def test_prometheus_sends_version_2():
    def check(agent):
        metrics = agent.get("/metrics")[1].decode()
        assert 'push_requests_total{protocol="remote_write_2",result="ok"}' in metrics
    sent_by_prometheus("io.prometheus.write.v2.Request", check)


def test_vmagent_sends():
    vmagent = installed("vmagent")
    if not vmagent:
        return
    with scratch() as (directory, things):
        target = Target("pushed_by_vmagent 42\n")
        things.append(target)
        agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        path = os.path.join(directory, "scrape.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: vm
    static_configs: [{{targets: ["{target.address}"]}}]
""")
        things.append(Process(directory, vmagent, f"-promscrape.config={path}", f"-httpListenAddr=127.0.0.1:{free_port()}",
                              f"-remoteWrite.tmpDataPath={directory}/vm",
                              f"-remoteWrite.url=http://127.0.0.1:{agent.port}/api/v1/write"))
        wait_for(lambda: agent.query('pushed_by_vmagent{job="vm"} == 42'), "vmagent's samples")
        first = len(agent.query("count_over_time(pushed_by_vmagent[1m]) > 0"))
        agent.kill()
        agent.start()
        wait_for(lambda: agent.query('pushed_by_vmagent{job="vm"} == 42'), "vmagent's samples after a kill")
        assert first == 1


def test_what_was_acknowledged_survives_a_kill():
    with scratch() as (directory, things):
        agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        now = int(time.time())
        for second in range(60):
            rows = [({"__name__": "m", "n": str(i)}, [((now - 60 + second) * 1000, float(second))]) for i in range(100)]
            assert agent.write(rows) == 204, agent.write_answer
        agent.kill()
        agent.start()
        assert agent.query("sum(count_over_time(m[10m]))", time=now)[0][1] == 6000


def test_bad_requests_get_prometheus_verdicts():
    with scratch() as (directory, things):
        agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        now = int(time.time() * 1000)
        series = {"__name__": "m"}

        def post(body, **headers):
            return agent.request("POST", "/api/v1/write", body, {k.replace("_", "-"): v for k, v in headers.items()})[0]

        assert post(snappy(write_request([(series, [(now, 1.0)])]))) == 204
        assert post(b"\xff\xff\xff\xff\xff\xff") == 400
        assert post(b"\x80\x80\x80\x80\x08" + b"x") == 400  # says that it is 2 GiB
        assert post(snappy(b"\x0a\x7fabc")) == 400
        assert post(b"x", Content_Type="text/plain") == 415
        assert post(b"x", Content_Encoding="gzip") == 415
        assert agent.get("/api/v1/write")[0] == 405
        assert agent.write([(series, [(-62135596800000, 1.0)])]) == 400
        assert agent.write([(series, [(253402300799000, 1.0)])]) == 400
        assert agent.write([({"no": "name"}, [(now, 1.0)])]) == 204
        many = {f"l{i}": "v" for i in range(100_000)}
        assert agent.write([(dict(series, **many), [(now, 1.0)])]) in (204, 400)
        assert agent.query("m", time=now / 1000)


def test_otlp_and_influx_are_off_until_asked_for():
    otlp = json.dumps({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeMetrics": [{"metrics": [{"name": "queue.size", "unit": "By", "gauge": {"dataPoints": [
            {"timeUnixNano": str(time.time_ns()), "asInt": "7"}]}}]}]}]})
    as_json = {"Content-Type": "application/json"}
    with scratch() as (directory, things):
        agent = Agent(directory, "scrape_configs: []\n")
        things.append(agent)
        agent.start()
        assert agent.request("POST", "/api/v1/otlp/v1/metrics", otlp, as_json)[0] == 404
        assert agent.request("POST", "/write", "m v=1")[0] == 404
    with scratch() as (directory, things):
        agent = Agent(directory, "push: {influx: true}\notlp: {translation_strategy: NoTranslation}\n",
                      "--web.enable-otlp-receiver")
        things.append(agent)
        agent.start()
        assert agent.request("POST", "/api/v1/otlp/v1/metrics", otlp, as_json) == (200, b"{}")
        assert agent.query('{"queue.size",job="shop"} == 7')
        assert agent.request("POST", "/write?db=d&precision=s", "cpu,host=a usage=2.5")[0] == 204
        assert agent.request("POST", "/api/v2/write?bucket=d", gzip.compress(b"cpu,host=b usage=1i"),
                             {"Content-Encoding": "gzip"})[0] == 204
        agent.kill()
        agent.start()
        assert agent.query("sum(cpu_usage{db='d'})")[0][1] == 3.5


def test_pushed_groups_are_scraped_and_survive_a_kill():
    page = """# TYPE backup_seconds histogram
backup_seconds_bucket{le="1"} 1
backup_seconds_bucket{le="+Inf"} 2
backup_seconds_sum 3
backup_seconds_count 2
# TYPE backup_done gauge
backup_done{x="1"} 7
"""
    with scratch() as (directory, things):
        agent = Agent(directory, "scrape_configs: []\n")
        things.append(agent)
        agent.start()
        assert agent.request("PUT", "/metrics/job/backup", page)[0] == 404
        assert agent.get("/api/v1/metrics")[0] == 404
    with scratch() as (directory, things):
        config = "global: {scrape_interval: 1s}\npush: {pushgateway: true}\n"
        agent = Agent(directory, config, "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        path = "/metrics/job/backup/dir@base64/L3Zhcg"
        assert agent.request("PUT", path, page) == (200, b"")
        assert agent.request("POST", "/metrics/job/backup/instance/i", "backup_more 1\n")[0] == 200
        agent.kill()  # answered is on the disk
        agent.start()
        labels = {"__name__": "backup_done", "job": "backup", "dir": "/var", "x": "1"}
        wait_for(lambda: agent.query("backup_done") == [(labels, 7.0)], "the group to be scraped")
        wait_for(lambda: agent.query('backup_seconds_bucket{le="1.0"} == 1'), "the histogram")
        wait_for(lambda: agent.query('backup_more{instance="i",job="backup"} == 1'), "the other group")
        wait_for(lambda: agent.query("time() - push_time_seconds < 60"), "the time of the push")
        assert agent.query('up{job="pushgateway"}')[0][1] == 1
        status, body = agent.request("POST", "/metrics/job/else", "# TYPE backup_done counter\nbackup_done 1\n")
        assert status == 400 and b"inconsistent with existing metrics" in body, body
        assert agent.request("POST", path, "backup_done 1 1234\n")[0] == 400
        assert agent.request("PUT", "/metrics/job/odd/x", "a 1\n")[0] == 400
        assert agent.get("/metrics/job/backup")[0] == 405
        listed = {(group["labels"]["job"], group["last_push_successful"]) for group in agent.api("metrics")}
        assert listed == {("backup", True), ("backup", False), ("else", False)}, listed
        assert agent.request("DELETE", path)[0] == 202
        wait_for(lambda: not agent.query("backup_done"), "the group to go")
        assert agent.query("backup_more")
        assert agent.request("PUT", "/api/v1/admin/wipe")[0] == 202
        agent.kill()
        agent.start()
        assert agent.api("metrics") == []


def test_graphite_lines_arrive():
    port = free_port()
    with scratch() as (directory, things):
        agent = Agent(directory, f"push: {{graphite_listen_address: '127.0.0.1:{port}'}}\n")
        things.append(agent)
        agent.start()
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(f"disk.used;host=a 7.5 {int(time.time())}\nbad\nplain 1 -1\n".encode())
            wait_for(lambda: agent.query('{"disk.used",host="a"} == 7.5'), "the first line")
            wait_for(lambda: agent.query("plain == 1"), "the line behind the bad one")
            sender.sendall(b"plain 2\nunfinished")
            wait_for(lambda: agent.query("plain == 2"), "a line of the same connection")
            assert agent.stop() == 0
        agent.start()
        assert agent.query("max_over_time(plain[5m])")[0][1] == 2


if __name__ == "__main__":
    main()
