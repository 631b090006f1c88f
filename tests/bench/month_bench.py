#!/usr/bin/env python3
"""A month of 1,000 counters asked for at once: rate and sum over 30 days at 15 s, 172.8 million samples.

Fills each server that is named by remote write, all of them from one stream of samples, then asks one after the other:
CPU seconds of the server, samples a second and core, and how much memory the query took. Data stays in --work, and what
was filled there is not filled again. Standard library only.

    month_bench.py --vedette build/release/vedette --prometheus prometheus --victoria victoria-metrics
"""
import argparse
import http.client
import itertools
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from harness import message, snappy, varint

STEP_S = 15
WINDOW_S = 3600
KEEP_S = 600  # seconds that samples end before now
POOL = 1 << 16
COMMANDS = {
    "vedette": ["serve", "--config.file={config}", "--storage.path={data}", "--storage.retention.time=100y",
                "--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--web.enable-admin-api",
                "--log.level=warn"],
    "prometheus": ["--config.file={config}", "--storage.tsdb.path={data}", "--storage.tsdb.retention.time=100y",
                   "--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=warn"],
    "victoria": ["-storageDataPath={data}", "-retentionPeriod=100y", "-httpListenAddr=127.0.0.1:{port}",
                 "-search.latencyOffset=0s", "-search.maxQueryDuration=10m", "-loggerLevel=WARN"],
}
READY = {"vedette": "/-/ready", "prometheus": "/-/ready", "victoria": "/health"}
FLUSH = {"vedette": [("POST", "/api/v1/admin/tsdb/flush")], "prometheus": [],
         "victoria": [("GET", "/internal/force_flush"), ("GET", "/internal/force_merge")]}
# Every sample is in a window of each of them.
QUERIES = [("sum by (job) (rate(requests_total[5m]))", 300), ("sum by (job) (rate(requests_total[1h]))", 3600),
           ("sum by (job) (increase(requests_total[1d]))", 3600), ("max by (job) (max_over_time(requests_total[1h]))", 3600),
           ("avg by (job) (avg_over_time(requests_total[1h]))", 3600)]


class Server:
    def __init__(self, name, program, work, port):
        self.name, self.port, self.home = name, port, os.path.join(work, name)
        os.makedirs(os.path.join(self.home, "data"), exist_ok=True)
        self.stamp = os.path.join(self.home, "filled.json")
        config = os.path.join(self.home, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 15s}\n")
        self.command = [program] + [part.format(config=config, data=os.path.join(self.home, "data"), port=port)
                                    for part in COMMANDS[name]]
        self.process = self.connection = None

    def start(self):
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + 300
        while self.request("GET", READY[self.name])[0] != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} did not start, see {self.home}/log")
            time.sleep(0.05)

    def request(self, method, path, body=None, headers=None):
        for _ in range(2):
            try:
                self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=900)
                self.connection.request(method, path, body, headers or {})
                reply = self.connection.getresponse()
                return reply.status, reply.read()
            except (OSError, http.client.HTTPException):
                self.connection = None
        return 0, b""

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, key):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key + ":"))

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)


class Counters:
    """Integer counters, busy and slow, CPU seconds of two decimals, and sums of nine; each starts anew every few days."""

    def __init__(self, series, seed):
        self.rng = random.Random(seed)
        pools = [[float(self.rng.randrange(200)) for _ in range(POOL)],
                 [self.rng.randrange(1500) / 100 for _ in range(POOL)],
                 [float(self.rng.random() < 0.05) for _ in range(POOL)],
                 [round(self.rng.expovariate(3), 9) for _ in range(POOL)]]
        self.digits = [0, 2, 0, 9]
        self.pools = [pool * 2 for pool in pools]
        self.now = [0.0] * series
        self.labels = [b"".join(message(1, message(1, k) + message(2, v)) for k, v in (
            (b"__name__", b"requests_total"), (b"instance", b"host-%d" % (i // 20)), (b"job", b"job-%d" % (i % 10)),
            (b"path", b"/%d" % i))) for i in range(series)]

    def request(self, start, count, members):
        """A remote-write request with `count` samples of each of the members."""
        times = [b"\x10" + varint((start + i * STEP_S) * 1000) for i in range(count)]
        pieces = [b"\x12\x10\x09", 0.0, b""] * count
        pieces[2::3] = times
        pack = struct.Struct("<" + "3sd7s" * count).pack
        out = []
        for i in members:
            pool, digits = self.pools[i % 4], self.digits[i % 4]
            at = self.rng.randrange(POOL)
            begin = 0.0 if self.rng.random() < WINDOW_S / (3 * 86400) else self.now[i]
            values = list(itertools.accumulate(pool[at:at + count - 1], initial=begin + pool[at + count]))
            values = [round(value, digits) for value in values] if digits else values
            self.now[i] = values[-1]
            pieces[1::3] = values
            out.append(message(1, self.labels[i] + pack(*pieces)))
        return snappy(b"".join(out))


def fill(servers, options, start, end):
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    counters, cpu = Counters(options.series, 1), {server.name: server.cpu() for server in servers}
    for at in range(start, end, WINDOW_S):
        for first in range(0, options.series, 500):
            body = counters.request(at, WINDOW_S // STEP_S, range(first, min(first + 500, options.series)))
            for server in servers:
                status, text = server.request("POST", "/api/v1/write", body, headers)
                if status not in (200, 204):
                    raise SystemExit(f"{server.name} refuses samples: {status} {text[:300]}")
    for server in servers:
        for method, path in FLUSH[server.name]:
            server.request(method, path)
        with open(server.stamp, "w", encoding="utf-8") as file:
            json.dump({"start": start, "end": end, "series": options.series}, file)
        print(f"{server.name}: filled with {server.cpu() - cpu[server.name]:.1f} s of CPU", flush=True)


def ask(server, query, step, shape, options):
    form = {"query": query, "start": shape["start"] + 300, "end": shape["end"] - STEP_S, "step": step, "nocache": 1}
    samples = (shape["end"] - shape["start"]) // STEP_S * shape["series"]
    best = None
    for _ in range(options.rounds):
        server.forget_peak()
        rss, cpu, begun = server.memory("VmRSS"), server.cpu(), time.monotonic()
        status, body = server.request("GET", "/api/v1/query_range?" + urllib.parse.urlencode(form))
        row = {"wall": time.monotonic() - begun, "cpu": server.cpu() - cpu, "peak": server.memory("VmHWM"), "bytes": len(body),
               "before": rss, "status": status, "answer": body}
        if status != 200:
            print(f"{server.name}: {status} {body[:300]}")
            return
        highest = max(best["peak"], row["peak"]) if best else row["peak"]
        best = row if best is None or row["cpu"] < best["cpu"] else best
        best["peak"] = highest
    values = [float(point[1]) for series in json.loads(best["answer"])["data"]["result"] for point in series["values"]]
    print(f"{server.name:<12} {query:<50} step {step:>4} s  cpu {best['cpu']:7.2f} s  wall {best['wall']:7.2f} s  "
          f"{samples / max(best['cpu'], 0.01) / 1e6:7.1f} M samples/s and core  peak {best['peak'] / 2**20:6.0f} MiB "
          f"(before {best['before'] / 2**20:.0f})  {len(values)} points, sum {sum(values):.6g}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in COMMANDS:
        parser.add_argument("--" + name, help="the program")
    parser.add_argument("--work", default="bench-data/month")
    parser.add_argument("--hours", type=int, default=720)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--port", type=int, default=21500, help="the first of three")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settle", type=float, default=0, help="seconds between filling and asking: stores merge behind writes")
    parser.add_argument("--only", help="queries that have this in them")
    options = parser.parse_args()
    servers = [Server(name, getattr(options, name), options.work, options.port + i) for i, name in enumerate(COMMANDS)
               if getattr(options, name)]
    end = int(time.time() - KEEP_S) // WINDOW_S * WINDOW_S
    try:
        empty = [server for server in servers if not os.path.exists(server.stamp)]
        for server in empty:
            server.start()
        if empty:
            fill(empty, options, end - options.hours * 3600, end)
            time.sleep(options.settle)
        for server in servers:
            if server not in empty:
                server.start()
            with open(server.stamp, encoding="utf-8") as file:
                shape = json.load(file)
            for query, step in QUERIES:
                if not options.only or options.only in query:
                    ask(server, query, step, shape, options)
            server.stop()
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()
