"""The series that both servers are given: floats and histograms with resets, gaps, markers, NaN and infinities."""
import math

from remote_write import CUSTOM, GAUGE, STALE, Histogram

START_MS = 1_750_000_000_000
MINUTES = 75
HIGHEST = 7  # bucket of the exponential histograms
END_MS = START_MS + MINUTES * 60_000


def moments(rng, interval_ms, jitter_ms=0, off_ms=0):
    """Times of scrapes, with two gaps; now and then one is missing."""
    gaps = [(at, at + rng.randrange(2, 9) * 60_000) for at in rng.sample(range(START_MS, END_MS, 60_000), 2)]
    out = []
    for ms in range(START_MS + rng.randrange(interval_ms // 1000) * 1000, END_MS, interval_ms):
        ms += rng.randrange(-jitter_ms, jitter_ms + 1) if jitter_ms else 0
        if rng.random() > 0.02 and not any(begin < ms < end for begin, end in gaps):
            out.append(max(ms, START_MS) // 10 * 10 + off_ms)
    return sorted(set(out))


def with_markers(rng, points, marker):
    """Some points become staleness markers, the last one often."""
    if marker is None:
        return points
    out = [(ms, marker if rng.random() < 0.01 else value) for ms, value in points]
    if rng.random() < 0.4:
        out[-1] = (out[-1][0], marker)
    return out


class Data:
    """`off_ms`: added to the times of all samples. `large`: counters stay far above zero. `newest`: also
    what versions before ours compute otherwise: custom buckets whose bounds change."""

    def __init__(self, rng, histograms=True, quoted_names=True, off_ms=0, large=False, newest=True):
        self.rng, self.off_ms, self.large, self.newest = rng, off_ms, large, newest
        self.series = []
        self.counters()
        self.gauges()
        self.classic_histograms()
        if quoted_names:
            self.add({"__name__": "dotted.name", "a label": "é", "job": "api"}, lambda i: i % 17)
            self.add({"__name__": "dotted.name", "a label": "\"\\\n", "job": "web"}, lambda i: i / 3)
        if histograms:
            self.native_histograms()
        # Each series begins with the first request, and those in the order of labels: so they stand in both stores, and
        # which of equal ones an aggregation takes follows from that.
        self.series.sort(key=lambda s: sorted(s[0].items()))
        for _, points in self.series:
            points[0] = (START_MS + off_ms, points[0][1])

    def add(self, labels, value_at, interval_ms=15_000, jitter_ms=0, marker=STALE):
        points = [(ms, value_at(i)) for i, ms in enumerate(moments(self.rng, interval_ms, jitter_ms, self.off_ms))]
        self.series.append((labels, with_markers(self.rng, points, marker)))

    def counter(self, step=100, resets=0.02):
        """A function that counts up, and falls now and then."""
        state = [1e9 if self.large else self.rng.choice([0, 0, 5, 1e6])]

        def value(_):
            state[0] += self.rng.randrange(step)
            if self.rng.random() < resets:
                state[0] = state[0] - 1000 if self.large else self.rng.choice([0, 0, 3, state[0] // 2])
            return float(state[0])
        return value

    def counters(self):
        for job in ("api", "web"):
            for instance in ("1", "2", "3"):
                for code in ("200", "500"):
                    labels = {"__name__": "requests_total", "job": job, "instance": instance, "code": code}
                    self.add(labels, self.counter(step=100 if code == "200" else 3),
                             30_000 if instance == "3" else 15_000, 200 if instance == "2" else 0)
        for instance in ("1", "2"):
            self.add({"__name__": "uneven_total", "instance": instance}, self.counter(resets=0.2), 60_000, 20_000)

    def gauges(self):
        rng = self.rng
        for job in ("api", "web"):
            for instance in ("1", "2", "3"):
                base = rng.uniform(-50, 50)
                self.add({"__name__": "temperature", "job": job, "instance": instance, "zone": "z" + instance[-1]},
                         lambda i, base=base: base + 10 * math.sin(i / 9) + rng.gauss(0, 1),
                         15_000, 500 if instance == "2" else 0)
                self.add({"__name__": "queue", "job": job, "instance": instance},
                         lambda i: float(rng.randrange(-3, 12)), 20_000)
                for version in ("1.9", "1.10"):
                    self.add({"__name__": "build_info", "job": job, "instance": instance, "version": version},
                             lambda i: 1.0, 30_000)
                    if version == "1.9" and instance != "2":
                        break
                self.add({"__name__": "target_info", "job": job, "instance": instance, "team": "t" + instance},
                         lambda i: 1.0, 30_000)
        odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, -1e300, 1e-300, 5.0]
        self.add({"__name__": "odd", "kind": "any"}, lambda i: rng.choice(odd))
        self.add({"__name__": "odd", "kind": "nan"}, lambda i: math.nan if i % 3 else float(i))
        self.add({"__name__": "odd", "kind": "inf"}, lambda i: math.inf if i % 7 == 3 else float(i))
        self.add({"__name__": "constant", "instance": "1"}, lambda i: 3.25)
        self.add({"__name__": "sparse", "instance": "1"}, lambda i: float(i * i), 240_000, 30_000)
        self.add({"__name__": "unix_seconds", "instance": "1"}, lambda i: START_MS / 1000 + i * 86_000.5)

    def classic_histograms(self):
        kinds = {"wait_seconds": ("0.1", "0.5", "1.0", "2.5", "+Inf"), "crooked": ("1.0", "2.0", "3.0", "+Inf"),
                 "open": ("1.0", "2.0"), "named": ("1.0", "x", "+Inf")}
        for name, bounds in kinds.items():
            for instance in ("1", "2"):
                counters = [self.counter(step=8, resets=0) for _ in bounds]
                total, rows = 0, []
                moment = moments(self.rng, 15_000, 0, self.off_ms)
                for i, _ in enumerate(moment):
                    values = [counter(i) for counter in counters]
                    if name != "crooked":
                        values = [sum(values[:k + 1]) for k in range(len(values))]
                    rows.append(values)
                    total += self.rng.random()
                for k, bound in enumerate(bounds):
                    labels = {"__name__": name + "_bucket", "job": "api", "instance": instance, "le": bound}
                    self.series.append((labels, [(ms, row[k]) for ms, row in zip(moment, rows)]))
                labels = {"job": "api", "instance": instance}
                self.series.append(({"__name__": name + "_count", **labels},
                                    [(ms, row[-1]) for ms, row in zip(moment, rows)]))
                self.series.append(({"__name__": name + "_sum", **labels},
                                    [(ms, row[-1] * 0.7) for ms, row in zip(moment, rows)]))

    def native_histograms(self):
        marker, float_marker = Histogram(0, STALE, 0, {}), Histogram(0, STALE, 0, {}, integer=False)
        exponential, custom = self.exponential, self.custom
        for job in ("api", "web"):
            for instance in ("1", "2"):
                self.add({"__name__": "latency_seconds", "job": job, "instance": instance},
                         exponential(schemas=(2,) if instance == "1" else (0, 1, 3)), marker=marker)
                bounds = [(0.1, 0.5, 1.0, 10.0)] + ([(0.1, 1.0, 5.0)] if instance == "2" and self.newest else [])
                self.add({"__name__": "size_bytes", "job": job, "instance": instance}, custom(bounds), marker=marker)
            self.add({"__name__": "spread", "job": job}, exponential((1,), integer=False, gauge=True, both=True),
                     marker=float_marker)
            self.add({"__name__": "load_seconds", "job": job}, exponential((3, 4), integer=False, thresholds=(0.0, 0.01)),
                     marker=float_marker)
        self.add({"__name__": "odd_seconds", "kind": "nan"}, exponential((0,), total=math.nan), marker=marker)
        self.add({"__name__": "odd_seconds", "kind": "inf"}, exponential((0,), total=math.inf), marker=marker)
        self.add({"__name__": "odd_seconds", "kind": "empty"}, lambda i: Histogram(3, 0.0, 0, {}), marker=marker)
        # Without markers: a float's within histograms is lost in Prometheus now and then.
        self.add({"__name__": "both", "kind": "a"}, self.either(exponential((1,))), marker=None)
        self.add({"__name__": "both", "kind": "b"}, self.either(custom([(1.0, 2.0)])), marker=None)
        self.add({"__name__": "both", "kind": "c"}, self.either(exponential((1,), integer=False)), 60_000, marker=None)

    def exponential(self, schemas, integer=True, gauge=False, both=False, thresholds=(0.001,), total=None):
        """Counts up bucket by bucket; resets; the schema or the zero bucket's width may change at a reset or without."""
        rng, state = self.rng, {}

        def reset():
            # Both ends are always there: whether other buckets stand empty in a chunk of Prometheus shows in answers.
            state.update(positive={0: 1, HIGHEST: 1}, negative={0: 1, HIGHEST: 1} if both else {}, zero=0, sum=0.0,
                         schema=rng.choice(schemas), threshold=rng.choice(thresholds))

        def value(_):
            if not state or rng.random() < 0.03:
                reset()
            for _ in range(rng.randrange(4)):
                side, sign = (state["negative"], -1) if both and rng.random() < 0.4 else (state["positive"], 1)
                index = rng.choice([-3, -2, 0, 1, 2, 3, HIGHEST])
                amount = rng.randrange(1, 6) if integer else rng.uniform(0, 5)
                side[index] = side.get(index, 0) + amount
                state["sum"] += sign * amount * 2.0 ** ((index - 0.5) * 2.0 ** -state["schema"])
            if rng.random() < 0.3:
                state["zero"] += 1
            if gauge and rng.random() < 0.5:
                state["positive"].pop(rng.choice([-3, -2, 1, 2, 3]), None)
            in_buckets = sum(state["positive"].values()) + sum(state["negative"].values()) + state["zero"]
            unseen = 2 if total is not None and math.isnan(total) else 0
            return Histogram(state["schema"], state["sum"] if total is None else total, in_buckets + unseen,
                             dict(state["positive"]), dict(state["negative"]), state["zero"], state["threshold"],
                             integer, GAUGE if gauge else 0)
        return value

    def custom(self, all_bounds):
        rng, state = self.rng, {}

        def value(_):
            if not state or rng.random() < 0.03:
                state.update(counts={}, sum=0.0, bounds=rng.choice(all_bounds))
            for _ in range(rng.randrange(4)):
                index = rng.randrange(len(state["bounds"]) + 1)
                state["counts"][index] = state["counts"].get(index, 0) + rng.randrange(1, 6)
                state["sum"] += 0.3 * index
            return Histogram(CUSTOM, state["sum"], sum(state["counts"].values()), dict(state["counts"]),
                             bounds=state["bounds"])
        return value

    def either(self, histogram):
        """Now floats, now histograms."""
        turn = [0]

        def value(i):
            if self.rng.random() < 0.05:
                turn[0] ^= 1
            return histogram(i) if turn[0] else float(i)
        return value
