"""Prometheus and vmagent send what they scrape while the agent is killed again and again: everything is there, once."""
import json
import os
import random
import struct
import subprocess
import time
import urllib.parse
import urllib.request

from harness import Agent, Target, free_port, installed, main, message, scratch, wait_for
from histograms_test import PROTOBUF, histogram_page
from peers_test import samples_of
from push_test import Process, sends_both_messages
from remote_test import Prometheus, RemoteEnd

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
KILLS = 4


class Pages:
    """Two targets: series that move, come and go, with exemplars; and a native histogram."""

    def __init__(self, things):
        self.count = 0
        text = Target(self.text, "application/openmetrics-text; version=1.0.0")
        native = Target(lambda: histogram_page(5 + self.count), PROTOBUF)
        things += [text, native]
        self.jobs = f"""
  - job_name: text
    static_configs: [{{targets: ["{text.address}"]}}]
  - job_name: native
    static_configs: [{{targets: ["{native.address}"]}}]
"""

    def text(self):
        self.count += 1
        n = self.count
        lines = ["# TYPE requests counter"]
        lines += [f'requests_total{{path="/{i}"}} {n * i} # {{trace_id="t{n}"}} {i}' for i in range(10)]
        lines += [f'gauge{{i="{i}"}} {n * i / 7}' for i in range(60)]
        lines += [f'pod_seconds{{pod="{n // 5 + i}"}} {n}e-3' for i in range(10)]
        lines += ["not_a_number NaN", "endless +Inf"] + ["now_and_then 1"] * (n % 3 == 0)
        return "\n".join(lines) + "\n# EOF\n"


class VmAgent:
    """Sends to the agent in each of the ways it knows, labelled `via`, and to an end that remembers everything."""

    def __init__(self, program, directory, things, jobs, agent, end):
        help_text = subprocess.run([program, "-help"], capture_output=True, text=True, check=False)
        flags = help_text.stdout + help_text.stderr
        knows_both = "-remoteWrite.forceVMProto" in flags
        self.ways = ["snappy", "zstd"] if knows_both else ["snappy"]
        urls = [f"http://127.0.0.1:{agent.port}/api/v1/write?via={way}" for way in self.ways]
        command = [program, f"-remoteWrite.tmpDataPath={directory}/queues", f"-promscrape.config={directory}/vm.yml",
                   f"-httpListenAddr=127.0.0.1:{free_port()}", "-remoteWrite.flushInterval=200ms"]
        for way, url in zip(self.ways + ["truth"], urls + [f"http://{end.address}/write"]):
            path = os.path.join(directory, f"{way}.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"- {{target_label: via, replacement: {way}}}\n")
            command += [f"-remoteWrite.url={url}", f"-remoteWrite.urlRelabelConfig={path}"]
        if knows_both:
            command += ["-remoteWrite.forcePromProto=true,false,true", "-remoteWrite.forceVMProto=false,true,false"]
        if "-remoteWrite.retryMinInterval" in flags:
            command += ["-remoteWrite.retryMinInterval=100ms", "-remoteWrite.retryMaxInterval=1s"]
        with open(os.path.join(directory, "vm.yml"), "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 300ms, scrape_timeout: 300ms}\nscrape_configs:" + jobs)
        things.append(Process(directory, *command))


def start_prometheus(program, directory, things, jobs, agent):
    """Prometheus and the ways in which it sends, labelled `via`."""
    ways = {"rw1": ""}
    if sends_both_messages(program):
        ways = {"rw1": "protobuf_message: prometheus.WriteRequest",
                "rw2": "protobuf_message: io.prometheus.write.v2.Request"}
    config = "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\nscrape_configs:" + jobs + "remote_write:\n"
    for way, message_type in ways.items():
        config += f"""  - url: http://127.0.0.1:{agent.port}/api/v1/write
    name: {way}
    {message_type}
    send_exemplars: true
    send_native_histograms: true
    queue_config: {{min_backoff: 30ms, max_backoff: 300ms, batch_send_deadline: 200ms}}
    write_relabel_configs: [{{target_label: via, replacement: {way}}}]
"""
    server = Prometheus(program, os.path.join(directory, "theirs"), config,
                        "--enable-feature=native-histograms,exemplar-storage")
    things.append(server)
    return server.start(), list(ways)


def kill_again_and_again(agent, via):
    """A second after the arrival of something new, and some of the starts as well."""
    chance = random.Random(9)
    for _ in range(KILLS):
        selector = f'count_over_time(up{{via="{via}",job="text"}}[5m])'
        before = agent.query(selector)
        wait_for(lambda: agent.query(selector) != before, f"samples by {via}")
        time.sleep(1)
        agent.kill()
        if chance.random() < 0.5:
            with open(agent.log_path, "ab") as log:
                agent.process = subprocess.Popen(agent.command(), stdout=log, stderr=log)
            time.sleep(chance.uniform(0.02, 0.2))
            agent.kill()
        agent.start()


def floats_of(post, via, until):
    """Without the label `via`, up to `until`; each time in a series once."""
    out = {}
    for job in ("text", "native"):
        for labels, samples in samples_of(post, job).items():
            named = dict(labels)
            if via is None or named.pop("via") == via:
                kept = [sample for sample in samples if sample[0] <= until]
                assert len({ms for ms, _ in kept}) == len(kept), (via, labels, kept)
                if kept:
                    out[tuple(sorted(named.items()))] = kept
    return out


def histograms_of(get, selector, until):
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": f"latency_seconds{{{selector}}}[10m]"})
    rows = json.loads(get(path))["data"]["result"]
    return {ms: histogram for row in rows for ms, histogram in row["histograms"] if ms * 1000 <= until}


def exemplars_of(get, selector, until):
    path = "/api/v1/query_exemplars?" + urllib.parse.urlencode(
        {"query": f"{{{selector}}}", "start": until / 1000 - 600, "end": until / 1000})
    return {(row["seriesLabels"]["path"], exemplar["labels"]["trace_id"], exemplar["timestamp"]): exemplar["value"]
            for row in json.loads(get(path))["data"] for exemplar in row["exemplars"]}


def remembered(end, until):
    """What the end got as floats_of() has it, but for the bits: here a staleness marker is any NaN."""
    out = {}
    with end.lock:
        for labels, samples in end.samples.items():
            kept = sorted((ms, repr(value)) for ms, value in samples if ms <= until)
            if kept:
                out[tuple(pair for pair in labels if pair[0] != "via")] = kept
    return out


def without_bits(series):
    return {labels: [(ms, repr(struct.unpack("<d", struct.pack("<Q", bits))[0])) for ms, bits in samples]
            for labels, samples in series.items()}


def wait_until_same(what, want, get):
    """What is on its way may be late; what is lost never comes."""
    def same():
        expected, got = want(), get()
        assert set(expected) == set(got), (what, len(expected), len(got), list(set(expected) ^ set(got))[:3])
        for key, value in expected.items():
            assert value == got[key], (what, key, value, got[key])
        return expected
    return wait_for(same, f"all {what}", 20)


def poster(port):
    def post(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, HEADERS)
        return urllib.request.urlopen(request, timeout=10).read()
    return post


def start_agent(directory, things):
    agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver")
    things.append(agent)
    return agent.start()


def test_what_prometheus_sends_outlives_kills():
    program = installed("prometheus")
    if not program:
        return
    with scratch() as (directory, things):
        agent = start_agent(directory, things)
        theirs, ways = start_prometheus(program, directory, things, Pages(things).jobs, agent)
        kill_again_and_again(agent, ways[-1])
        until = int(time.time() * 1000)
        for via in ways:
            selector = f'via="{via}"'
            floats = wait_until_same(f"samples by {via}", lambda: floats_of(poster(theirs.port), None, until),
                                     lambda: floats_of(poster(agent.port), via, until))
            histograms = wait_until_same(f"histograms by {via}", lambda: histograms_of(theirs.get, "", until),
                                         lambda: histograms_of(lambda path: agent.get(path)[1], selector, until))
            exemplars = wait_until_same(f"exemplars by {via}", lambda: exemplars_of(theirs.get, 'path!=""', until),
                                        lambda: exemplars_of(lambda path: agent.get(path)[1],
                                                             'path!="",' + selector, until))
            print(f"  {sum(map(len, floats.values()))} samples, {len(histograms)} histograms and {len(exemplars)} "
                  f"exemplars by {via}")


def test_what_vmagent_sends_outlives_kills():
    program = installed("vmagent")
    if not program:
        return
    with scratch() as (directory, things):
        agent = start_agent(directory, things)
        end = RemoteEnd()
        things.append(end)
        vmagent = VmAgent(program, directory, things, Pages(things).jobs, agent, end)
        kill_again_and_again(agent, vmagent.ways[-1])
        until = int(time.time() * 1000)
        for via in vmagent.ways:
            floats = wait_until_same(f"samples by {via}", lambda: remembered(end, until),
                                     lambda: without_bits(floats_of(poster(agent.port), via, until)))
            print(f"  {sum(map(len, floats.values()))} samples by {via}")


if __name__ == "__main__":
    main()
