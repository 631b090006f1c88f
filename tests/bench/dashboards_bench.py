#!/usr/bin/env python3
"""Many dashboards that refresh while the agent scrapes: how long panels take, and whether anything grows.

Fills an agent with two hours of 100 targets and a day of ten, lets it scrape the same 100 targets every 15 s, and then
asks as browsers would: each dashboard has some connections, and at each refresh all of its panels at once (POST, gzip,
ends of ranges at multiples of the step). Needs a load generator that speaks `serve` and `push` as
loadgen does. Standard library only; agent, load generator and clients share the machine.

    dashboards_bench.py --vedette build/release/vedette --loadgen loadgen --minutes 10
    dashboards_bench.py ... --connections 1000
"""
import argparse
import asyncio
import gzip
import http.client
import os
import random
import signal
import subprocess
import time
import urllib.parse

# Of instant panels the range is 0. {node}, {pods}, {api}: targets of the dashboard; deep ones have a day behind them.
PANELS = [
    ("node_load1{{instance='{node}'}}", 3600, 15), ("node_load1{{instance='{node}'}}", 0, 0),
    ("sum by (mode) (rate(node_cpu_seconds_total{{instance='{node}'}}[5m]))", 3600, 15),
    ("1 - node_memory_MemAvailable_bytes{{instance='{node}'}} / node_memory_MemTotal_bytes{{instance='{node}'}}", 3600, 15),
    ("rate(node_network_receive_bytes_total{{instance='{node}'}}[5m])", 3600, 15),
    ("rate(node_disk_read_bytes_total{{instance='{node}'}}[5m])", 3600, 15),
    ("node_filesystem_avail_bytes{{instance='{node}'}} / node_filesystem_size_bytes{{instance='{node}'}}", 0, 0),
    ("topk(10, sum by (pod) (rate(container_cpu_usage_seconds_total{{instance='{pods}'}}[5m])))", 3600, 30),
    ("sum by (namespace) (container_memory_working_set_bytes{{instance='{pods}'}})", 3600, 30),
    ("sum by (code) (rate(http_requests_total{{instance='{api}'}}[5m]))", 3600, 15),
    ("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{instance='{api}'}}[5m])))", 3600, 30),
    ("sum(rate(http_requests_total{{instance='{api}',code=~'5..'}}[5m])) / sum(rate(http_requests_total{{instance='{api}'}}[5m]))", 3600, 30),
    ("sum by (mode) (rate(node_cpu_seconds_total{{instance=~'host-100[0-4].*'}}[5m]))", 6 * 3600, 60),
    ("rate(node_network_receive_bytes_total{{instance='host-1000:9100'}}[5m])", 24 * 3600, 300),
    ("node_memory_MemFree_bytes{{instance=~'host-10.*'}}", 24 * 3600, 300),
    ("avg by (instance) (avg_over_time(node_load5{{instance=~'host-10.*'}}[1h]))", 24 * 3600, 3600),
    ("histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{instance=~'host-10.*'}}[5m])))", 6 * 3600, 60),
    ("sum by (job) (up)", 900, 30), ("count by (job) (up == 0) or vector(0)", 0, 0),
    ("topk(5, node_load1)", 0, 0),
]
FIRST_PORT, DEEP = 21700, 1000  # two digits of the port are the number of the target
CONFIG = """global: {{scrape_interval: 15s, scrape_timeout: 10s}}
scrape_configs:
"""
JOB = """  - job_name: {job}
    static_configs: [{{targets: [{targets}]}}]
    relabel_configs:
      - {{source_labels: [__address__], regex: '.*(?:0(.)|([1-9].))', target_label: instance, replacement: 'host-$1$2:9100'}}
"""


def jobs(loadgen, targets):
    """{job: addresses} as the load generator has them."""
    text = subprocess.run([loadgen, "config", "--targets", str(targets), "--port", str(FIRST_PORT), "--interval", "15s"], check=True,
                          capture_output=True, text=True).stdout
    out, job = {}, None
    for line in text.splitlines():
        if "job_name:" in line:
            job = line.split(":", 1)[1].strip()
        elif line.strip().startswith("- 127."):
            out.setdefault(job, []).append(line.strip()[2:])
    return out


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        lines = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return {"rss": int(lines["VmRSS"].split()[0]) / 1024, "threads": int(lines["Threads"]), "fds": len(os.listdir(f"/proc/{pid}/fd")),
            "cpu": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")}


class Results:
    def __init__(self):
        self.panels, self.waits, self.boards, self.errors, self.late = [], [], [], [], 0
        self.by_panel = [[] for _ in PANELS]


class Connection:
    """One that is kept; a server that closes it is an error."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, path, form):
        body = urllib.parse.urlencode(form).encode()
        self.writer.write(b"POST /api/v1/%s HTTP/1.1\r\nHost: vedette\r\nAccept-Encoding: gzip\r\n"
                          b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body))
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                pieces.append(await self.reader.readexactly(size))
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            body = b"".join(pieces)
        else:
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body

    def close(self):
        if self.writer:
            self.writer.close()


class Dashboard:
    def __init__(self, number, options, results, targets, connections):
        self.options, self.results = options, results
        pick = {name: targets[job][number % len(targets[job])] for name, job in (("node", "node"), ("pods", "cadvisor"), ("api", "api"))}
        self.panels = [(expr.format(**pick), span, step) for expr, span, step in PANELS]
        self.connections = [Connection(options.port) for _ in range(connections)]
        self.phase = number / options.dashboards * options.refresh

    async def panel(self, number, free, wanted):
        expr, span, step = self.panels[number]
        connection = await free.get()
        begun = time.monotonic()
        try:
            now = time.time()
            if span:
                end = int(now) // step * step
                path, form = "query_range", {"query": expr, "start": end - span, "end": end, "step": step}
            else:
                path, form = "query", {"query": expr, "time": f"{now:.3f}"}
            status, body = await connection.ask(path, form)
            if status != 200 or not body.startswith(b'{"status":"success"'):
                self.results.errors.append((expr, status, body[:200]))
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.results.errors.append((expr, 0, repr(error)))
            connection.close()
            await connection.open()
        finally:
            free.put_nowait(connection)
        done = time.monotonic()
        self.results.by_panel[number].append(done - begun)
        self.results.waits.append(done - begun)
        self.results.panels.append(done - wanted)

    async def run(self, begun, until):
        for connection in self.connections:
            await connection.open()
        free, turn = asyncio.Queue(), 0
        for connection in self.connections:
            free.put_nowait(connection)
        while True:
            wanted = begun + self.phase + turn * self.options.refresh
            if wanted >= until:
                break
            await asyncio.sleep(max(0, wanted - time.monotonic()))
            await asyncio.gather(*(self.panel(i, free, wanted) for i in range(len(self.panels))))
            self.results.boards.append(time.monotonic() - wanted)
            self.results.late += self.results.boards[-1] > self.options.refresh
            turn += 1
        for connection in self.connections:
            connection.close()


async def watch(pid, rows, every, until):
    while time.monotonic() < until:
        rows.append(status_of(pid))
        await asyncio.sleep(every)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def wait_ready(port, process):
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit("the agent ended, see its log")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("the agent was not ready after a minute")


def fill(options):
    """History: a day of ten targets of 200 series, then two hours of all."""
    end = int(time.time()) // 300 * 300
    for first, count, series, hours in ((DEEP, 10, 200, options.deep_hours), (0, options.targets, options.series, options.wide_hours)):
        subprocess.run([options.loadgen, "push", "--address", f"127.0.0.1:{options.port}", "--path", "/api/v1/write", "--targets", str(count),
                        "--series", str(series), "--first-target", str(first), "--start", str(int(end - hours * 3600)), "--end", str(end),
                        "--step", "15"], check=True)


async def measure(options, process, targets):
    results, rows = Results(), []
    begun = time.monotonic() + 1
    until = begun + options.minutes * 60
    shares = [options.connections // options.dashboards] * options.dashboards
    boards = [Dashboard(i, options, results, targets, max(1, share)) for i, share in enumerate(shares)]
    before, watcher = status_of(process.pid), asyncio.create_task(watch(process.pid, rows, options.refresh / 2, until))
    await asyncio.gather(*(board.run(begun, until) for board in boards))
    watcher.cancel()
    after, seconds = status_of(process.pid), time.monotonic() - begun
    print(f"{len(results.panels)} panels of {len(boards)} dashboards on {sum(max(1, share) for share in shares)} connections in {seconds:.0f} s, "
          f"agent {(after['cpu'] - before['cpu']) / seconds:.2f} cores; {len(results.errors)} errors, {results.late} refreshes over {options.refresh} s")
    for name, values in (("request", results.waits), ("panel, from the refresh on", results.panels), ("dashboard", results.boards)):
        print(f"  {name:<28} p50 {quantile(values, 0.5) * 1e3:7.1f} ms  p90 {quantile(values, 0.9) * 1e3:7.1f} ms  "
              f"p99 {quantile(values, 0.99) * 1e3:7.1f} ms  most {max(values) * 1e3:7.1f} ms")
    for key in ("rss", "threads", "fds"):
        values = [row[key] for row in rows]
        tenth = max(1, len(values) // 10)
        print(f"  {key:<8} before {before[key]:7.0f}  first tenth {max(values[:tenth]):7.0f}  half {values[len(values) // 2]:7.0f}  "
              f"last tenth {max(values[-tenth:]):7.0f}  most {max(values):7.0f}  after {after[key]:7.0f}")
    if options.panels:
        for (expr, span, step), values in zip(PANELS, results.by_panel):
            shown = expr.replace("{{", "{").replace("}}", "}")
            print(f"  p50 {quantile(values, 0.5) * 1e3:7.1f}  p99 {quantile(values, 0.99) * 1e3:7.1f} ms  {span:>6} s by {step:>4} s  {shown}")
    for error in results.errors[:5]:
        print("  error:", *error)
    return not results.errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vedette", required=True)
    parser.add_argument("--loadgen", required=True)
    parser.add_argument("--work", default="bench-data/dashboards", help="a directory that is there already is used as it is: history only once")
    parser.add_argument("--port", type=int, default=21690)
    parser.add_argument("--targets", type=int, default=100, help="at most 100")
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--dashboards", type=int, default=100)
    parser.add_argument("--connections", type=int, default=600, help="of all dashboards together; a browser has six")
    parser.add_argument("--refresh", type=float, default=30)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--warmup", type=float, default=60, help="seconds of scraping before")
    parser.add_argument("--deep-hours", type=float, default=24)
    parser.add_argument("--wide-hours", type=float, default=2)
    parser.add_argument("--panels", action="store_true", help="latency of each panel")
    parser.add_argument("flags", nargs="*", help="more flags of the agent, after --")
    options = parser.parse_args()
    fresh = not os.path.exists(options.work)
    os.makedirs(options.work, exist_ok=True)
    addresses = jobs(options.loadgen, options.targets)
    config = os.path.join(options.work, "vedette.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG.format() + "".join(JOB.format(job=job, targets=", ".join(f"'{a}'" for a in of)) for job, of in addresses.items()))
    targets = {job: [f"host-{int(a.rsplit(':', 1)[1]) - FIRST_PORT}:9100" for a in of] for job, of in addresses.items()}
    log = open(os.path.join(options.work, "log"), "ab")
    started = []
    try:
        started.append(subprocess.Popen([options.loadgen, "serve", "--targets", str(options.targets), "--series", str(options.series),
                                         "--port", str(FIRST_PORT)], stdout=log, stderr=log))
        agent = subprocess.Popen([options.vedette, "serve", "--config.file=" + config, "--storage.path=" + os.path.join(options.work, "data"),
                                  f"--web.listen-address=127.0.0.1:{options.port}", "--web.enable-remote-write-receiver", "--log.level=warn",
                                  *options.flags], stdout=log, stderr=log)
        started.append(agent)
        wait_ready(options.port, agent)
        if fresh:
            fill(options)
        time.sleep(options.warmup)
        good = asyncio.run(measure(options, agent, targets))
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(60)
        log.close()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
