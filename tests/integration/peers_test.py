"""The same pages scraped by Prometheus and by the agent: the same series, samples and staleness markers, scrape by scrape."""
import json
import os
import struct
import threading
import time
import urllib.request

from harness import Agent, LocalServer, installed, main, message, scratch, snappy, varint, wait_for
from histograms_test import PROTOBUF, double, number
from remote_test import Prometheus, fields, unsnappy
from remote_test import varint as read_varint

TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
PAGES = 13  # that both scrape
BAD_PAGES = {"/changing": {4, 6, 9}}
STALE = 0x7FF0000000000002


def java(n):
    """As simpleclient writes: commas behind the last label, exponents with a capital E."""
    gone = "" if n % 6 > 2 else f'jvm_threads_state{{state="RUNNABLE",}} {n}.0\n'
    return TEXT, f"""# HELP jvm_memory_bytes_used Used bytes of a "given" JVM \\\\ area.\\nTwo lines.
# TYPE jvm_memory_bytes_used gauge
jvm_memory_bytes_used{{area="heap",}} 1.6{n}E9
jvm_memory_bytes_used{{area="non\\"heap\\\\\\n",}} -1.0
# TYPE jvm_gc_collection_seconds summary
jvm_gc_collection_seconds_count{{gc="G1 Young Generation",}} {n}.0
jvm_gc_collection_seconds_sum{{gc="G1 Young Generation",}} {n}.25E-3
jvm_gc_collection_seconds{{gc="G1 Young Generation",quantile="0.5",}} NaN
# TYPE http_requests_seconds histogram
http_requests_seconds_bucket{{uri="/a/{{id}}",le="0.001",}} {n}.0
http_requests_seconds_bucket{{uri="/a/{{id}}",le="+Inf",}} {2 * n}.0
http_requests_seconds_count{{uri="/a/{{id}}",}} {2 * n}.0
http_requests_seconds_sum{{uri="/a/{{id}}",}} +Inf
# TYPE jvm_info gauge
jvm_info{{version="17.0.9+9",path="C:\\\\jdk",}} 1.0
{gone}"""


def prom_client(n):
    """As prom-client and client_golang write OpenMetrics."""
    return OPENMETRICS, f"""# HELP orders orders "taken"\\nper shop
# TYPE orders counter
orders_total{{shop="a"}} {n} # {{trace_id="t{n}"}} 1.5 {1795750000 + n}.25
orders_created{{shop="a"}} 1.6990000125e+09
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{{le="0.5"}} {n} # {{span="s{n // 2}"}} 0.25
wait_seconds_bucket{{le="+Inf"}} {n}
wait_seconds_count {n}
wait_seconds_sum {n * 0.1}
# TYPE build info
build_info{{version="1"}} 1
# TYPE mode stateset
mode{{mode="a"}} {n % 2}
mode{{mode="b"}} {1 - n % 2}
# EOF
"""


def protobuf(n):
    """Every type once; of the same bytes as Go's clients write."""
    label = message(1, message(1, b"path") + message(2, b"/\xc3\xa9"))

    def family(name, kind, metric):
        body = message(1, name) + message(2, b"a help") + number(3, kind) + message(4, label + metric)
        return varint(len(body)) + body

    bucket = message(3, number(1, n) + double(2, 0.5)) + message(3, number(1, n + 1) + double(2, 100))
    quantile = message(3, double(1, 0.99) + double(2, n / 7))
    page = family(b"a_total", 0, message(3, double(1, n))) + family(b"b", 1, message(2, double(1, -n / 3)))
    page += family(b"c", 2, message(4, number(1, n) + double(2, n * 0.1) + quantile))
    page += family(b"d", 4, message(7, number(1, n + 2) + double(2, 1.5) + bucket))
    return PROTOBUF, page if n % 5 else page + family(b"now_and_then", 3, message(5, double(1, n)))


def changing(n, start):
    """Series come, go and change places, and are named twice; pages fail in all ways. What breaks one stands in front:
    of series before it Prometheus forgets the markers."""
    if n == 4:
        return 500, TEXT, "no"
    if n == 6:
        return TEXT, f"broken{{ 1\nplain {n}\n"
    if n == 8:
        return TEXT, ""
    if n == 9:
        return TEXT, f'labels{{a="1",a="2"}} 1\nplain {n}\n'
    if n == 10:
        return "text/plain", f"plain {n}\nnew 1\n"
    lines = [f"plain {n}", "infinite -Inf", f'twice{{a="1"}} {n}', f'twice{{a="1"}} {n + 1}', "zero 0",
             f'order{{a="1",b="2"}} {n}' if n % 2 else f'order{{b="2",a="1"}} {n}',
             f'shared{{a="1",b="2"}} {n}', f'shared{{b="2",a="1"}} {n + 7}', f'empty{{a="",b="x"}} {n}',
             f'mine{{job="j",instance="i",exported_job="e"}} {n}']
    if n % 4 < 2:
        lines.append(f"flap {n}")
    if n < PAGES:  # later ones would not be told from these
        lines += [f"timed {n} {start + 1000 * n}"] + [f"timed_flap {n} {start + 1000 * n}"] * (n % 4 < 2)
    if n % 4 == 2:
        lines.insert(0, f'short{{i="{n}"}} 1')
    return TEXT, "\n".join(lines) + "\n"


class Pages(LocalServer):
    """The n-th request of each client for a path gets the n-th page."""

    def __init__(self):
        self.counts, lock = {}, threading.Lock()
        start = int(time.time() - 60) * 1000
        pages = {"/java": java, "/prom_client": prom_client, "/protobuf": protobuf,
                 "/changing": lambda n: changing(n, start)}

        def handle(request, _):
            client = request.headers["User-Agent"].split("/")[0]
            with lock:
                n = self.counts.get((client, request.path), 0)
                self.counts[client, request.path] = n + 1
            *status, content_type, body = pages[request.path](n)
            request.answer(status[0] if status else 200, body, {"Content-Type": content_type})

        self.paths = list(pages)
        super().__init__(handle)

    def shown(self, client):
        return min(self.counts.get((client, path), 0) for path in self.paths)


def samples_of(server_get, job):
    """{labels: [(ms, bits of the value)]} as remote read has them: with staleness markers."""
    matcher = number(1, 0) + message(2, b"job") + message(3, job.encode())
    now = int(time.time() * 1000)
    query = message(1, number(1, now - 3_600_000) + number(2, now + 3_600_000) + message(3, matcher))
    out = {}
    for _, result in fields(unsnappy(server_get("/api/v1/read", snappy(query)))):
        for _, series in fields(result):
            labels, samples = {}, []
            for field, part in fields(series):
                if field == 1:
                    pair = dict(fields(part))
                    labels[pair[1].decode()] = pair[2].decode()
                elif field == 2:
                    samples.append(sample_of(part))
            out[tuple(sorted(labels.items()))] = samples
    return out


def sample_of(message_bytes):
    """Bit by bit, which a float of Python's would not keep of a NaN."""
    bits, ms, at = 0, 0, 0
    while at < len(message_bytes):
        tag, at = read_varint(message_bytes, at)
        if tag >> 3 == 1:
            bits, at = struct.unpack("<Q", message_bytes[at:at + 8])[0], at + 8
        else:
            ms, at = read_varint(message_bytes, at)
    return ms, bits


def by_scrape(series):
    """Times become the number of the scrape; those that lines carry stay. Only the first PAGES scrapes."""
    scrapes = next(samples for labels, samples in series.items() if dict(labels)["__name__"] == "up")
    ms = [at for at, bits in scrapes if bits != STALE][:PAGES]
    number_of = {at: i for i, at in enumerate(ms)}
    out = {}
    for labels, samples in series.items():
        if dict(labels)["__name__"] == "scrape_duration_seconds":
            continue
        kept = [(number_of.get(at, at), bits) for at, bits in samples if at in number_of or at < ms[0]]
        if kept:
            out[labels] = kept
    return out


def no_scrape_was_late(series, path):
    """Whether just those pages failed that are meant to: on a busy machine a scrape may time out."""
    for labels, samples in by_scrape(series).items():
        if dict(labels)["__name__"] == "up":
            return [bits == 0 for _, bits in samples] == [n in BAD_PAGES.get(path, ()) for n in range(PAGES)]
    return False


def scrape_with_both(program, directory, things):
    """The pages, and both servers when they have scraped enough of them."""
    pages = Pages()
    things.append(pages)
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
    for path in pages.paths:
        config += f"""  - job_name: {path[1:]}
    metrics_path: {path}
    static_configs: [{{targets: ["{pages.address}"], labels: {{instance: page}}}}]
"""
    theirs = Prometheus(program, os.path.join(directory, "theirs"), config)
    things.append(theirs)
    theirs.start()
    os.mkdir(os.path.join(directory, "ours"))
    ours = Agent(os.path.join(directory, "ours"), config)
    things.append(ours)
    ours.start()
    wait_for(lambda: pages.shown("Vedette") > PAGES and pages.shown("Prometheus") > PAGES, "enough scrapes")
    return pages, theirs, ours


def compare(pages, theirs, ours):
    """Whether there was something to compare."""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}

    def read_theirs(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{theirs.port}{path}", body, headers)
        return urllib.request.urlopen(request, timeout=10).read()

    def read_ours(path, body):
        status, reply = ours.request("POST", path, body, headers)
        assert status == 200, reply
        return reply

    count = 0
    for path in pages.paths:
        want, got = (samples_of(read, path[1:]) for read in (read_theirs, read_ours))
        if not (no_scrape_was_late(want, path) and no_scrape_was_late(got, path)):
            return False
        want, got = by_scrape(want), by_scrape(got)
        for labels in sorted(set(want) | set(got)):
            assert got.get(labels) == want.get(labels), (path, labels, want.get(labels), got.get(labels))
            count += len(want[labels])
    print(f"  {count} samples of {len(pages.paths)} targets are the same")

    def metadata(get):
        rows = json.loads(get("/api/v1/targets/metadata"))["data"]
        return {(row["target"]["job"], row["metric"], row["type"], row["help"], row["unit"]) for row in rows}

    want, got = metadata(theirs.get), metadata(lambda path: ours.get(path)[1])
    assert got == want, got ^ want
    return True


def test_prometheus_and_the_agent_store_the_same():
    program = installed("prometheus")
    if not program:
        return
    for _ in range(4):
        with scratch() as (directory, things):
            if compare(*scrape_with_both(program, directory, things)):
                return
    raise AssertionError("scrapes time out again and again")


if __name__ == "__main__":
    main()
