"""Generated PromQL asked of a real Prometheus and of the agent, on the same data: the same answers.

differential_test.py [--count N] [--seed S] [--prometheus PATH] [--features LIST] [--keep-going]
"""
import argparse
import collections
import http.client
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from answers import Comparison
from data import END_MS, START_MS, Data
from exceptions import OURS, TRIED, exception
from expressions import Generator
from harness import Agent, installed, main, scratch
from remote_test import Prometheus
from remote_write import batches
from shrink import shrunk

FEATURES = {  # since: flags
    (2, 42): [], (3, 0): ["promql-experimental-functions", "native-histograms"],
    (3, 7): ["promql-extended-range-selectors"], (3, 10): ["promql-binop-fill-modifiers"]}


MORE_TRIES = 8


class Asker:
    """One connection that is kept; forms, as clients send them."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, path, form):
        self.connection.request("POST", "/api/v1/" + path, urllib.parse.urlencode(form),
                                {"Content-Type": "application/x-www-form-urlencoded"})

    def receive(self):
        reply = self.connection.getresponse()
        return json.loads(reply.read())


def version_of(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.match(r"prometheus, version (\d+)\.(\d+)", text).groups()))


class Trial:
    """Both servers with the same data."""

    def __init__(self, program, directory, things, seed, extra):
        self.version = version_of(program)
        flags = [flag for since, names in FEATURES.items() if self.version >= since for flag in names] + extra
        flags = ["--enable-feature=" + ",".join(flags)] if flags else []
        keep = "--storage.tsdb.retention.time=100y"
        theirs = Prometheus(program, os.path.join(directory, "theirs"), "global: {scrape_interval: 1m}\n", keep, *flags)
        things.append(theirs)
        theirs.start()
        os.mkdir(os.path.join(directory, "ours"))
        ours = Agent(os.path.join(directory, "ours"), "global: {scrape_interval: 1m}\n", keep, "--web.enable-remote-write-receiver",
                     "--enable-feature=" + ",".join(sum(FEATURES.values(), []) + extra))
        things.append(ours)
        ours.start()
        old = self.version < (3, 0)
        data = Data(random.Random(seed), histograms=not old, quoted_names=not old, off_ms=3 if old else 0, large=old,
                    newest=self.version >= OURS)
        self.samples = sum(len(points) for _, points in data.series)
        for body, headers in batches(data.series, 1 if old else 2, 5 * 60_000):
            for port in (theirs.port, ours.port):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("POST", "/api/v1/write", body, headers)
                reply = connection.getresponse()
                text = reply.read()
                assert reply.status in (200, 204), (port, reply.status, text)
                connection.close()
        self.theirs, self.ours = Asker(theirs.port), Asker(ours.port)

    def ask(self, path, form):
        self.theirs.send(path, form)
        self.ours.send(path, form)
        return self.theirs.receive(), self.ours.receive()

    def of(self, theirs, ours):
        """What is said beside an answer, and the words of errors, are those of the version that ours is."""
        return Comparison(theirs, ours, notes=self.version >= OURS, words=self.version >= (3, 0))

    def compare(self, path, form):
        """The comparison, and their answer. Which of equal values limitk() and the like take is left to the order of a Go
        map at times: then the answers of Prometheus differ from one another."""
        theirs, ours = self.ask(path, form)
        comparison = self.of(theirs, ours)
        for _ in range(MORE_TRIES if comparison.difference else 0):
            again = self.ask(path, form)[0]
            if self.of(again, ours).difference is None or self.of(again, theirs).difference:
                comparison.difference, comparison.undecided = None, True
                break
        return comparison, theirs


def moments(rng, old):
    """Path and form of a query without its expression."""
    span = END_MS - START_MS
    grain = rng.choice([1, 1000, 15_000])
    at = START_MS + rng.randrange(span // 10, span + 200_000)
    at = at // grain * grain
    if old:  # never on a sample: ranges of Prometheus 2 have two closed ends
        at = at // 1000 * 1000 + 5
    form = {}
    if rng.random() < 0.05 and not old:
        form["lookback_delta"] = rng.choice(["30s", "1m", "10m"])
    if rng.random() < 0.5:
        return "query", {"time": f"{at / 1000:.3f}", **form}
    step = rng.choice([1, 7, 15, 30, 60, 300, 0.333] if not old else [1, 7, 15, 30, 60, 300])
    steps = rng.choice([1, 2, 5, 12, 40])
    return "query_range", {"start": f"{at / 1000 - step * steps:.3f}", "end": f"{at / 1000:.3f}", "step": str(step), **form}


def make_smaller(trial, tree, path, form, version):
    def differs(candidate):
        return trial.compare(path, {"query": str(candidate), **form})[0].difference is not None

    tree = shrunk(tree, differs)
    if path == "query_range":
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        for i in range(int((end - start) / step + 1.5)):
            at = f"{start + i * step:.3f}"
            single = {**form, "start": at, "end": at}
            if trial.compare(path, {"query": str(tree), **single})[0].difference:
                form = single
                break
    return tree, form


def compare_many(program, count, seed, extra=(), most_failures=1):
    rng = random.Random(seed)
    with scratch() as (directory, things):
        trial = Trial(program, directory, things, seed, list(extra))
        generator = Generator(rng, trial.version)
        excused = collections.Counter()
        seen, failures, began = collections.Counter(), [], time.monotonic()
        for _ in range(count):
            tree = generator.expression()
            path, form = moments(rng, trial.version < (3, 0))
            comparison, theirs = trial.compare(path, {"query": str(tree), **form})
            kind = "errors" if theirs["status"] != "success" else "empty" if not theirs["data"]["result"] else "answers"
            seen[kind] += 1
            seen["notes"] += bool(theirs.get("warnings") or theirs.get("infos"))
            seen["same bits"] += comparison.same_bits
            seen["undecided"] += comparison.undecided
            if comparison.difference:
                tree, form = make_smaller(trial, tree, path, form, trial.version)
                difference = trial.compare(path, {"query": str(tree), **form})[0].difference or comparison.difference
                rule = exception(str(tree), difference, trial.version)
                if rule:
                    seen["exceptions"] += 1
                    excused[rule.reason] += 1
                    continue
                failures.append(f"{path} {form}\n    {tree}\n    theirs and ours: {difference}")
                print("  differs: " + failures[-1], flush=True)
                if len(failures) >= most_failures:
                    break
        version = ".".join(map(str, trial.version))
        print(f"  seed {seed}, Prometheus {version}, {trial.samples} samples, {sum(seen[k] for k in ('answers', 'empty', 'errors'))} "
              f"expressions in {time.monotonic() - began:.0f} s: {dict(seen)}, {len(failures)} differ", flush=True)
        for reason, times in excused.items():
            print(f"  {times} times: {reason}")
        assert not failures or trial.version not in TRIED, failures[0]


def test_generated_expressions_have_the_same_answers():
    program = OPTIONS.prometheus or installed("prometheus")
    if not program:
        return
    extra = OPTIONS.features.split(",") if OPTIONS.features else []
    compare_many(program, OPTIONS.count, OPTIONS.seed, extra, OPTIONS.failures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--prometheus")
    parser.add_argument("--features", default="")
    parser.add_argument("--failures", type=int, default=1, help="stop after so many")
    OPTIONS = parser.parse_args()
    sys.argv[1:] = []
    main()
