"""Remote ends: everything arrives once and in order whatever the end and the agent go through; queries read from one."""
import http.client
import json
import math
import os
import random
import struct
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from harness import Agent, LocalServer, free_port, installed, main, scratch, skip, wait_for


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        kind, at = tag & 3, at + 1
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def fields(message):
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        if tag & 7 == 2:
            size, at = varint(message, at)
            yield tag >> 3, message[at:at + size]
            at += size
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack("<d", message[at:at + 8])[0]
            at += 8
        else:
            value, at = varint(message, at)
            yield tag >> 3, value


class RemoteEnd(LocalServer):
    """Takes remote write 1.0. `mood`: what it does with the next request."""

    def __init__(self):
        self.mood = lambda: "take"
        self.samples = {}  # labels: [(ms, value)] in the order of arrival
        self.seen, self.lock = [], threading.Lock()

        def handle(request, body):
            mood = self.mood()
            self.seen.append((mood, time.monotonic()))
            if mood == "drop":
                request.close_connection = True
                request.connection.close()
            elif mood == "slow":
                time.sleep(0.3)
                self.take(body)
                request.answer(200)
            elif mood == "429":
                request.answer(429, "slow down", {"Retry-After": "0.2"})
            elif mood == "500":
                request.answer(500, "no")
            elif mood == "400":
                request.answer(400, "never")
            else:
                self.take(body)
                request.answer(204)

        super().__init__(handle)

    def take(self, body):
        with self.lock:
            for number, series in fields(unsnappy(body)):
                if number != 1:
                    continue
                labels, samples = {}, []
                for field, part in fields(series):
                    pair = dict(fields(part))
                    if field == 1:
                        labels[pair[1].decode()] = pair[2].decode()
                    elif field == 2:
                        samples.append((pair.get(2, 0), pair.get(1, 0.0)))
                self.samples.setdefault(tuple(sorted(labels.items())), []).extend(samples)

    def count(self):
        with self.lock:
            return sum(len(set(samples)) for samples in self.samples.values())

    def duplicates(self):
        with self.lock:
            return sum(len(samples) - len(set(samples)) for samples in self.samples.values())


CONFIG = """
global:
  external_labels: {cluster: c}
remote_write:
  - url: http://%s/write
    name: end
    queue_config: {batch_send_deadline: 50ms, min_backoff: 10ms, max_backoff: 100ms, retry_on_http_429: true,
                   max_samples_per_send: 50, capacity: 200, min_shards: 2}
    metadata_config: {send: false}
"""
FLAGS = ["--web.enable-remote-write-receiver"]


class Load:
    """Pushes rows of series into the agent and remembers them."""

    def __init__(self):
        self.expected, self.time = {}, int(time.time() * 1000) - 600_000

    def push(self, agent, rows, series=20):
        for _ in range(rows):
            self.time += 100
            batch = []
            for i in range(series):
                labels = {"__name__": "m", "i": str(i)}
                sample = (self.time, random.random() if i % 3 else float(self.time % 1000))
                batch.append((labels, [sample]))
            assert agent.write(batch) in (200, 204), agent.write_answer
            for labels, samples in batch:
                key = tuple(sorted({**labels, "cluster": "c"}.items()))
                self.expected.setdefault(key, []).extend(samples)

    def count(self):
        return sum(len(samples) for samples in self.expected.values())

    def check(self, end):
        """Every sample, in its order; those that came twice aside."""
        assert set(end.samples) == set(self.expected), (len(end.samples), len(self.expected))
        for labels, samples in self.expected.items():
            first = list(dict.fromkeys(end.samples[labels]))
            assert first == samples, (labels, len(first), len(samples))
            assert math.fsum(v for _, v in first) == math.fsum(v for _, v in samples)


def test_an_end_that_is_away_slow_or_rude_gets_everything_once():
    with scratch() as (directory, things):
        end = RemoteEnd()
        things.append(end)
        agent = Agent(directory, CONFIG % end.address, *FLAGS)
        things.append(agent)
        agent.start()
        load = Load()
        load.push(agent, 20)
        wait_for(lambda: end.count() == load.count(), "samples at a friendly end")
        chance = random.Random(4)
        end.mood = lambda: chance.choice(["take", "500", "429", "drop", "slow", "take"])
        load.push(agent, 60)
        wait_for(lambda: end.count() == load.count(), "samples at a rude end")
        assert end.duplicates() == 0
        end.mood = lambda: "drop"
        load.push(agent, 60)
        for _ in range(3):
            agent.kill()
            agent.start()
            load.push(agent, 20)
        end.mood = lambda: "take"
        wait_for(lambda: end.count() >= load.count() // 2, "half of the samples after an outage")
        agent.kill()
        agent.start()
        load.push(agent, 20)
        wait_for(lambda: end.count() == load.count(), "all samples after an outage")
        load.check(end)
        # What was on its way at the kill may come twice: a request for each of two shards.
        assert end.duplicates() <= 2 * 50, end.duplicates()
        print(f"{load.count()} samples, {end.duplicates()} of them twice")
        # A refusal is the last word.
        before = end.count()
        moods = iter(["400"])
        end.mood = lambda: next(moods, "take")
        load.push(agent, 1, series=5)
        wait_for(lambda: "400" in [mood for mood, _ in end.seen], "a refusal")
        wait_for(lambda: agent_metric(agent, "samples_failed_total") > 0, "the dead letters")
        assert agent_metric(agent, "samples_failed_total") + end.count() - before == 5
        # A stop brings the end what there is.
        refused = load.count() - end.count()
        load.push(agent, 5)
        assert agent.stop() == 0
        assert end.count() == load.count() - refused


def agent_metric(agent, name):
    total = 0
    for line in agent.get("/metrics")[1].decode().splitlines():
        if line.startswith("vedette_collector_remote_write_" + name + "{"):
            total += float(line.rsplit(" ", 1)[1])
    return total


def test_retry_after_is_honoured():
    with scratch() as (directory, things):
        end = RemoteEnd()
        things.append(end)
        agent = Agent(directory, CONFIG % end.address, *FLAGS)
        things.append(agent)
        moods = iter(["429"])
        end.mood = lambda: next(moods, "take")
        agent.start()
        load = Load()
        load.push(agent, 1, series=1)
        wait_for(lambda: end.count() == 1, "the sample")
        (_, refused), (_, again) = end.seen[0], end.seen[1]
        assert again - refused >= 0.2, again - refused


def test_one_vedette_writes_to_another_and_reads_from_it():
    with scratch() as (directory, things):
        far_directory, near_directory = os.path.join(directory, "far"), os.path.join(directory, "near")
        os.mkdir(far_directory)
        os.mkdir(near_directory)
        far = Agent(far_directory, "global: {scrape_interval: 1h}\n", *FLAGS)
        things.append(far)
        far.start()
        now = int(time.time() * 1000)
        old = now - 3_600_000
        assert far.write([({"__name__": "old", "cluster": "c", "i": "1"}, [(old, 5.0)]),
                          ({"__name__": "old", "cluster": "d", "i": "1"}, [(old, 6.0)])]) in (200, 204)
        near = Agent(near_directory, f"""
global:
  external_labels: {{cluster: c}}
remote_write:
  - url: http://127.0.0.1:{far.port}/api/v1/write
    queue_config: {{batch_send_deadline: 50ms}}
remote_read:
  - url: http://127.0.0.1:{far.port}/api/v1/read
""", *FLAGS)
        things.append(near)
        near.start()
        assert near.query("old", old / 1000) == [({"__name__": "old", "i": "1"}, 5.0)]
        assert near.query("sum_over_time(old[2h])") == [({"i": "1"}, 5.0)]
        assert near.write([({"__name__": "fresh"}, [(now, 7.0)])]) in (200, 204)
        wait_for(lambda: far.query("fresh") == [({"__name__": "fresh", "cluster": "c"}, 7.0)], "a sample at the far end")
        far.kill()
        # Without the far end the answer is what is here, with a warning.
        status, body = near.get(f"/api/v1/query?query=old&time={old / 1000}")
        assert status == 200 and b"remote_read" in body, body


class Prometheus:
    """The real one, killed and started again as often as the test likes."""

    def __init__(self, program, directory, config, *flags):
        self.directory, self.port = directory, free_port()
        os.makedirs(directory)
        with open(os.path.join(directory, "p.yml"), "w", encoding="utf-8") as file:
            file.write(config.replace("{self}", f"127.0.0.1:{self.port}"))
        self.command = [program, f"--config.file={directory}/p.yml", f"--storage.tsdb.path={directory}/data",
                        f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver", *flags]
        self.process = None

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for(lambda: self.get("/-/ready"), "Prometheus to be ready")
        return self

    def get(self, path):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10).read()

    def query(self, expression, at):
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression, "time": at})
        rows = json.loads(self.get(path))["data"]["result"]
        return sorted((sorted(row["metric"].items()), float(row["value"][1])) for row in rows)

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def test_prometheus_at_the_other_end():
    program = installed("prometheus")
    if not program:
        return
    with scratch() as (directory, things):
        far = Prometheus(program, os.path.join(directory, "far"), "global: {scrape_interval: 1h}\n")
        things.append(far)
        far.start()
        os.mkdir(os.path.join(directory, "near"))
        near = Agent(os.path.join(directory, "near"), f"""
remote_write:
  - url: http://127.0.0.1:{far.port}/api/v1/write
    queue_config: {{batch_send_deadline: 50ms, max_backoff: 100ms, min_shards: 2}}
""", *FLAGS)
        things.append(near)
        near.start()
        load = Load()
        load.push(near, 50)
        far.close()
        load.push(near, 50)
        near.kill()
        near.start()
        load.push(near, 50)
        far.start()
        near.kill()
        near.start()
        at = time.time()
        sums = "sum_over_time(m[30m])"
        ours = sorted((sorted(labels.items()), value) for labels, value in near.query(sums, at))
        wait_for(lambda: far.query("sum(count_over_time(m[30m]))", at) == [([], load.count())], "all samples")
        assert far.query(sums, at) == ours
        # Both ways of reading.
        reader = Prometheus(program, os.path.join(directory, "reader"), f"""
remote_read:
  - url: http://127.0.0.1:{near.port}/api/v1/read
    read_recent: true
""")
        things.append(reader)
        reader.start()
        assert reader.query(sums, at) == ours
        os.mkdir(os.path.join(directory, "third"))
        third = Agent(os.path.join(directory, "third"), f"""
remote_read:
  - url: http://127.0.0.1:{far.port}/api/v1/read
""")
        things.append(third)
        third.start()
        third_rows = third.query(sums, load.time / 1000)
        assert sorted((sorted(labels.items()), value) for labels, value in third_rows) == far.query(
            sums, load.time / 1000)


def test_native_histograms_are_read_both_ways():
    program = installed("prometheus")
    if not program:
        return
    with scratch() as (directory, things):
        rules = os.path.join(directory, "rules.yml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("groups: [{name: g, rules: [{record: floats, "
                       "expr: 'rate(prometheus_http_request_duration_seconds[5s])'}]}]\n")
        far = Prometheus(program, os.path.join(directory, "far"), f"""
global: {{scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs: [{{job_name: self, static_configs: [{{targets: ["{{self}}"]}}]}}]
""", "--enable-feature=native-histograms")
        things.append(far)
        far.start()
        version = json.loads(far.get("/api/v1/status/buildinfo"))["data"]["version"]
        if int(version.split(".")[0]) < 3:
            skip(f"Prometheus {version} shows no native histogram of its own")
            return
        os.mkdir(os.path.join(directory, "near"))
        near = Agent(os.path.join(directory, "near"), f"""
remote_read:
  - {{url: "http://127.0.0.1:{far.port}/api/v1/read", read_recent: true}}
""", *FLAGS)
        things.append(near)
        near.start()
        reader = Prometheus(program, os.path.join(directory, "reader"), f"""
remote_read:
  - {{url: "http://127.0.0.1:{near.port}/api/v1/read", read_recent: true}}
""")
        things.append(reader)
        reader.start()
        name = "prometheus_http_request_duration_seconds"
        wait_for(lambda: far.query(f"count(count_over_time({name}[1m]) > 80)", time.time()), "many scrapes")
        at = time.time() - 2  # what comes now was there then
        metrics = '{handler="/metrics",job="self"}'
        for expression in (f"histogram_count({name}{metrics})", f"histogram_sum({name}{metrics})",
                           f"sum_over_time(histogram_count({name})[30s:100ms])", f"count_over_time({name}[30s])",
                           f"histogram_quantile(0.9, rate({name}{metrics}[10s]))", f"histogram_avg(floats{metrics})",
                           "histogram_count(sum_over_time(floats[20s]))", f"histogram_stddev({name}{metrics})",
                           f"resets({name}[30s])"):
            expected = far.query(expression, at)
            got = reader.query(expression, at)
            assert expected and got == expected, (expression, got, expected)


def test_a_query_ends_its_remote_reads():
    """A reader that hangs holds a query no longer than the query may take, or than its client waits."""
    asked = threading.Semaphore(0)
    done = threading.Event()

    def hang(request, body):
        asked.release()
        done.wait()
        request.answer(500)

    with scratch() as (directory, things):
        end = LocalServer(hang)
        things.append(end)
        agent = Agent(directory, f"""
remote_read:
  - {{url: "http://127.0.0.1:{end.port}/read", read_recent: true, remote_timeout: 1h}}
""", "--query.max-concurrency=1", *FLAGS)
        things.append(agent)
        agent.start()
        try:
            status, body = agent.get("/api/v1/query?query=m&timeout=300ms")
            assert status == 503 and b"query timed out in expression evaluation" in body, (status, body)
            assert asked.acquire(timeout=30)
            connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=60)
            connection.request("GET", "/api/v1/query?query=m")
            assert asked.acquire(timeout=30)
            connection.close()  # the only place for queries is free again
            status, body = agent.get("/api/v1/query?query=1%2B1")
            assert status == 200, body
        finally:
            done.set()


if __name__ == "__main__":
    main()
