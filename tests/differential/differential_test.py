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
from exceptions import MOST, OURS, TRIED, exception
from expressions import SCALAR, VECTOR, Generator, words
from harness import Agent, installed, main, scratch
from remote_test import Prometheus
from remote_write import batches
from shrink import nodes, shrunk

FEATURES = {  # since: flags
    (2, 42): [], (3, 0): ["promql-experimental-functions", "native-histograms"],
    (3, 7): ["promql-extended-range-selectors"], (3, 10): ["promql-binop-fill-modifiers"]}

MORE_TRIES = 16
ORDERED = ("sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "topk", "bottomk")
TIES = r"\b(limitk|limit_ratio|topk|bottomk|stddev|stdvar)\b"
MOST_UNDECIDED = 0.004  # of the expressions
# Of the expressions: so many have answers that are not empty, and each name stands in so many of those. Half of what is usual.
LEAST_ANSWERS, LEAST_OF_NAME = 0.3, 0.0005


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

    def of(self, theirs, ours, order=None):
        """What is said beside an answer, and the words of errors, are those of the version that ours is."""
        return Comparison(theirs, ours, notes=self.version >= OURS, words=self.version >= (3, 0), order=order)

    def compare(self, path, tree, form):
        """The comparison, and their answer. Which of equal values limitk() and the like take, and in which order deviations
        are added up, is left to the order of a Go map at times: then the answers of Prometheus differ from one another, and
        ours may be yet another."""
        form = {"query": str(tree), **form}
        order = "labels" if path == "query_range" else tree.parts[0] if tree.parts[0] in ORDERED else None
        theirs, ours = self.ask(path, form)
        comparison = self.of(theirs, ours, order)
        succeeded = theirs["status"] == ours["status"] == "success"
        for _ in range(MORE_TRIES if comparison.difference else 0):
            again = self.ask(path, form)[0]
            tie = succeeded and re.search(TIES, form["query"]) and self.of(again, theirs, order).difference
            if tie or self.of(again, ours, order).difference is None:
                comparison.difference, comparison.undecided = None, True
                break
        return comparison, theirs

    def last_digit(self, path, tree, form):
        """Whether a part has answers that are the same but for a last digit."""
        parts = [part for _, _, part in nodes(tree) if part.kind in (VECTOR, SCALAR)]
        comparisons = [self.compare(path, part, form)[0] for part in parts]
        return any(one.difference is None and not one.same_bits for one in comparisons)


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
        return trial.compare(path, candidate, form)[0].difference is not None

    tree = shrunk(tree, differs)
    if path == "query_range":
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        for i in range(int((end - start) / step + 1.5)):
            at = f"{start + i * step:.3f}"
            single = {**form, "start": at, "end": at}
            if trial.compare(path, tree, single)[0].difference:
                form = single
                break
    return tree, form


def compare_many(program, count, seed, extra=(), most_failures=1):
    rng = random.Random(seed)
    with scratch() as (directory, things):
        trial = Trial(program, directory, things, seed, list(extra))
        generator = Generator(rng, trial.version)
        excused, covered = collections.Counter(), collections.Counter()
        seen, failures, began = collections.Counter(), [], time.monotonic()
        for _ in range(count):
            tree = generator.expression()
            path, form = moments(rng, trial.version < (3, 0))
            comparison, theirs = trial.compare(path, tree, form)
            kind = "errors" if theirs["status"] != "success" else "empty" if not theirs["data"]["result"] else "answers"
            seen[kind] += 1
            covered.update(words(tree) if kind == "answers" else ())
            seen["notes"] += bool(theirs.get("warnings") or theirs.get("infos"))
            seen["same bits"] += comparison.same_bits
            seen["undecided"] += comparison.undecided
            if comparison.difference:
                tree, form = make_smaller(trial, tree, path, form, trial.version)
                difference = trial.compare(path, tree, form)[0].difference or comparison.difference
                rule = exception(str(tree), difference, trial.version, lambda: trial.last_digit(path, tree, form))
                if rule:
                    seen["exceptions"] += 1
                    excused[rule.reason] += 1
                    if OPTIONS.excused:
                        print(f"  excused: {path} {form}\n    {tree}\n    {difference}", flush=True)
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
        if not failures:
            require_much(seen, covered, generator, trial.version)


def require_much(seen, covered, generator, version):
    """That much was compared, and little of it left open."""
    count = seen["answers"] + seen["empty"] + seen["errors"]
    assert seen["answers"] >= LEAST_ANSWERS * count, f"{seen['answers']} of {count} answers are not empty"
    rare = [name for name in generator.names() if covered[name] < int(LEAST_OF_NAME * count)]
    assert not rare, f"hardly an answer to anything with {rare}"
    assert seen["undecided"] <= max(1, MOST_UNDECIDED * count), f"{seen['undecided']} of {count} are undecided"
    most = MOST[version >= OURS] * count
    assert seen["exceptions"] <= max(1, most), f"{seen['exceptions']} of {count} fall under exceptions"


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
    parser.add_argument("--excused", action="store_true", help="show what falls under exceptions")
    OPTIONS = parser.parse_args()
    sys.argv[1:] = []
    main()
