"""Clients from npm: prometheus-query, the completions of codemirror-promql, and lezer-promql as a second opinion on syntax.

They are installed by `npm ci` below $VEDETTE_NPM_DIR (the build directory); without node or a registry there is nothing to run.
"""
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "integration"), os.path.join(HERE, "..", "differential")]
from expressions import Generator
from harness import Agent, Target, installed, main, scratch, skip, wait_for

PACKAGES = os.environ.get("VEDETTE_NPM_DIR", "build/npm")


def packages():
    """The directory with node_modules, or None with a message."""
    if not installed("node") or not installed("npm"):
        return None
    os.makedirs(PACKAGES, exist_ok=True)
    wanted = [os.path.join(HERE, name) for name in ("package.json", "package-lock.json")]
    there = [os.path.join(PACKAGES, os.path.basename(path)) for path in wanted]
    done = os.path.join(PACKAGES, "node_modules", ".package-lock.json")
    if not (os.path.exists(done) and all(os.path.exists(b) and open(a).read() == open(b).read() for a, b in zip(wanted, there))):
        for a, b in zip(wanted, there):
            shutil.copy(a, b)
        try:
            run = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
                                  "--fetch-timeout=20000"], cwd=PACKAGES, capture_output=True, text=True, timeout=180, check=False)
            problem = run.stderr.strip()[-300:] if run.returncode else ""
        except subprocess.TimeoutExpired:
            problem = "it takes too long"
        if problem:
            shutil.rmtree(os.path.join(PACKAGES, "node_modules"), ignore_errors=True)
            skip(f"npm ci does not succeed ({problem})")
            return None
    return PACKAGES


def node(directory, what, url="", text=""):
    done = subprocess.run(["node", os.path.join(HERE, "clients.mjs"), what, url], cwd=directory, input=text, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def with_data(what):
    directory = packages()
    if not directory:
        return
    with scratch() as (own, things):
        page = '# HELP scraped_total What was "scraped".\n# TYPE scraped_total counter\nscraped_total 1\n'
        target = Target(page)
        things.append(target)
        # What is scraped has other jobs; it goes away but for its metadata.
        scrape = f'{{job_name: api, scrape_interval: 1s, static_configs: [{{targets: ["{target.address}"]}}]}}'
        agent = Agent(own, f"scrape_configs: [{scrape}]\n" if what == "codemirror" else "scrape_configs: []\n",
                      "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        series = []
        now = int(time.time()) + 5  # samples for the whole of the test
        for job in ("api", "web"):
            points = [((now - 600 + 15 * i) * 1000, float(min(i, 40))) for i in range(41)]
            points = [(ms, 40.0 if i > 38 else value) for i, (ms, value) in enumerate(points)]
            series.append(({"__name__": "requests_total", "job": job, "path": "/a b"}, points))
            series.append(({"__name__": "temperature", "job": job}, points))
        assert agent.write(series) == 204, agent.write_answer
        if what == "codemirror":
            wait_for(lambda: agent.query("scraped_total"), "a scrape")
        node(directory, what, f"http://127.0.0.1:{agent.port}")


def test_prometheus_query():
    with_data("prometheusQuery")


def test_completions_of_codemirror():
    with_data("codemirror")


OWN = """sum by (job) (rate(m[5m])) | topk(3, m) by (a) | m @ end() offset 1m | m offset -1m | -m ^ 2 | a atan2 b | {"utf 8"="x"}
a + on (x) group_left (y) b | a and on () b | m[1h:] | m[1h:5m] @ 3 | 0x1F | 1e3 | Inf | NaN | .5 | "text" | 'a\\'b' | `raw`
{__name__=~"a.*"} | m{a="b",} | sum(m,) | sum by (a,) (m) | m{a=b} | m{a=~"b" | sum(( | a b | [5m] | m[] | m[5m:1m:1m] | @ 5 | ""
m{a=="b"} | 1 + | + | on (a) b | sum by job (m) | count_values("x", m) | m[5m] offset | m @ | a unless ignoring (b) c | 5m | m[300]
a == bool b | a bool == b | {} | m{} | m{"quoted"="v"} | {"m", a="b"} | label_replace(m, "a", "b", "c", "d") | time() | time( | )"""


def corpus():
    """Own ones, generated ones, and those of the public scripts where they are."""
    out = [text.strip() for text in OWN.replace("\n", " | ").split(" | ") if text.strip()]
    generator = Generator(random.Random(5), (3, 5))
    out += [str(generator.expression()) for _ in range(500)]
    damage = random.Random(6)
    for text in out[-300:]:  # with a piece cut out
        at = damage.randrange(len(text))
        out.append(text[:at] + text[at + damage.randrange(1, 4):])
    for path in sorted(glob.glob(os.environ.get("VEDETTE_SHARED", os.path.join(HERE, "..", "..", "..", "shared")) + "/data/promqltest/*.test")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                found = re.match(r"eval(?:_\w+)? (?:instant at \S+|range from \S+ to \S+ step \S+) (.+)", line)
                if found:
                    out.append(found[1].strip())
    return list(dict.fromkeys(text for text in out if text.strip()))


# What a grammar alone does not see: types, names of functions and labels, arity, what may not be empty, numbers out of range.
BEYOND_GRAMMAR = re.compile(
    r"expected type|unknown function|expected .*argument|must contain at least one non-empty matcher|must not|only allowed|"
    r"not allowed|can only be used|set more than once|invalid|not supported|experimental|out of range|duplicate|"
    r"must be preceded|must use BOOL|not implemented|vector matching only|no (grouping|set operations)|metric name|"
    r"duration must be greater|bad number|at most one|unknown escape|error parsing|missing unit|ranges only|cannot")


# What lezer-promql 0.314 does not know: functions of scalars that it takes for parts of durations, capitals in them, and
# numbers that end with the point.
UNKNOWN_TO_LEZER = re.compile(r"^(min|max)_of\(|STEP\(\)|STep\(\)|^\d+\.$")


def test_lezer_agrees_on_syntax():
    directory = packages()
    if not directory:
        return
    expressions = corpus()
    judged = node(directory, "lezer", text="\n".join(map(json.dumps, expressions))).split()
    assert len(judged) == len(expressions)
    with scratch() as (own, things):
        agent = Agent(own, "scrape_configs: []\n", "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,"
                      "promql-binop-fill-modifiers")
        things.append(agent)
        agent.start()
        differ, rejected = [], 0
        for text, verdict in zip(expressions, judged):
            status, body = agent.get("/api/v1/parse_query?" + urllib.parse.urlencode({"query": text}))
            error = "" if status == 200 else json.loads(body)["error"]
            rejected += status != 200
            if status == 200 and UNKNOWN_TO_LEZER.search(text):
                continue
            if (status == 200) != (verdict == "true") and not BEYOND_GRAMMAR.search(error):
                differ.append((text, "lezer accepts" if verdict == "true" else "lezer refuses", error))
        print(f"  {len(expressions)} expressions, {rejected} of them refused, {len(differ)} differ")
        assert not differ, "\n".join(map(str, differ[:20]))


if __name__ == "__main__":
    main()
