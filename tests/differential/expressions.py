"""Random PromQL: trees over all kinds of nodes, by what a version of Prometheus knows.

A tree is kept as it was made, so that one that shows a difference can be made smaller (shrink.py).
"""
import re

VECTOR, MATRIX, SCALAR, OPTION = "vector", "matrix", "scalar", "option"


class Node:
    """Text with nodes in it. `kind`: what may stand in its place."""

    def __init__(self, kind, *parts):
        self.kind, self.parts = kind, list(parts)

    def __str__(self):
        return "".join(map(str, self.parts))


FLOATS = {  # name: labels
    "requests_total": ("code", "instance", "job"), "uneven_total": ("instance",), "queue": ("instance", "job"),
    "temperature": ("instance", "job", "zone"), "build_info": ("instance", "job", "version"), "odd": ("kind",),
    "constant": ("instance",), "sparse": ("instance",), "unix_seconds": ("instance",),
    "wait_seconds_bucket": ("instance", "job", "le"), "wait_seconds_count": ("instance", "job"),
    "wait_seconds_sum": ("instance", "job"), "target_info": ("instance", "job", "team"), "nowhere": ("job",)}
HISTOGRAMS = {"latency_seconds": ("instance", "job"), "size_bytes": ("instance", "job"), "spread": ("job",),
              "load_seconds": ("job",), "odd_seconds": ("kind",), "both": ("kind",)}
CLASSIC = ("wait_seconds_bucket", "crooked_bucket", "open_bucket", "named_bucket")
MATCHERS = {"code": ['="200"', '!="200"', '=~"2.."', '=~"200|500"'], "instance": ['="1"', '!~"1|3"', '=~"[12]"', '=~".+"'],
            "job": ['="api"', '!="api"', '=~"a.*|web"', '=~"a.*"'], "zone": ['="z1"', '=~"z(1|2)"'],
            "le": ['="0.5"', '!="+Inf"'], "kind": ['="nan"', '="a"', '!="inf"', '=~"a|any|inf"', '="b"'],
            "version": ['="1.9"', '=~"1[.].+"'], "team": ['="t1"', '=~"t."'], "missing": ['=""', '!="x"']}
# Functions of one vector, of one range; (2, 42) is the first version that matters here.
MATH = """abs ceil exp floor ln log10 log2 sgn sqrt cos sin tan acos asin atan cosh sinh tanh acosh asinh atanh deg rad
timestamp day_of_month day_of_week day_of_year days_in_month hour minute month year""".split()
OVER_TIME = """rate increase delta irate idelta deriv resets changes avg_over_time min_over_time max_over_time sum_over_time
count_over_time stddev_over_time stdvar_over_time last_over_time present_over_time""".split()
HISTOGRAM = "histogram_count histogram_sum histogram_avg histogram_stddev histogram_stdvar".split()
LATER = {"mad_over_time": (3, 0), "ts_of_max_over_time": (3, 5), "ts_of_min_over_time": (3, 5),
         "ts_of_last_over_time": (3, 5), "first_over_time": (3, 7), "ts_of_first_over_time": (3, 7)}

AGGREGATIONS = "sum avg min max count group stddev stdvar topk bottomk quantile count_values".split()
MIXED = """absent absent_over_time and bool by clamp clamp_max clamp_min group_left group_right histogram_quantile ignoring
label_join label_replace offset on or pi predict_linear quantile_over_time round scalar sort sort_desc time unless vector
without""".split()


def words(tree):
    """The names in an expression: of functions and operators, but also of metrics and labels."""
    return set(re.findall(r"[a-z]\w*", str(tree)))


class Generator:
    def __init__(self, rng, version, histograms=True):
        self.rng, self.version, self.histograms = rng, version, histograms and version >= (3, 0)
        self.over_time = OVER_TIME + [name for name, since in LATER.items() if version >= since]

    def names(self):
        """What makes all the difference between expressions."""
        return [*MATH, *self.over_time, *AGGREGATIONS, *MIXED, *(HISTOGRAM if self.histograms else ())]

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, p):
        return self.rng.random() < p

    def expression(self):
        """What a query may be: mostly a vector."""
        depth = self.pick(1, 1, 2, 2, 2, 3, 3, 4)
        roll = self.rng.random()
        if roll < 0.03:
            return self.scalar(depth)
        if roll < 0.05:
            return Node(VECTOR, self.pick('"a string"', "'\\u00e9'", "`raw \\n`"))
        if roll < 0.07:
            return self.matrix(depth)  # an instant query may ask for one
        return self.vector(depth)

    # Leaves --------------------------------------------------------------------------------------------------------

    def duration(self):
        if self.version >= (3, 14) and self.chance(0.08):
            return self.pick("(1m + 30s)", "(2 * 2m)", "min_of(5m, 3m)", "max_of(step(), 90)", "(10m - 1m / 2)")
        return self.pick("15s", "30s", "45s", "1m", "1m30s", "2m", "5m", "7m", "10m", "20m", "1h", "31s", "90001ms")

    def moment(self):
        """The time of an @, within the data."""
        return str(1_750_000_000 + self.rng.randrange(300, 4400)) + self.pick("", ".5", ".123")

    def modifiers(self):
        out = []
        if self.chance(0.2):
            sign = self.pick("", "", "-")
            out.append(Node(OPTION, f" offset {sign}{self.pick('1m', '30s', '5m', '17s', '1s')}"))
        if self.chance(0.12):
            out.append(Node(OPTION, " @ " + self.pick(self.moment(), self.moment(), "start()", "end()")))
        self.rng.shuffle(out)
        return out

    def matchers(self, labels, p=0.5):
        if not self.chance(p):
            return ""
        names = self.rng.sample(labels, min(len(labels), self.pick(1, 1, 2)))
        if self.chance(0.06):
            names.append("missing")
        return "{" + self.pick(",", ", ").join(name + self.rng.choice(MATCHERS[name]) for name in names) + "}"

    def selector(self, kind=None):
        """A metric with matchers, without modifiers."""
        roll = self.rng.random()
        if kind is None and roll < 0.03 and self.version >= (3, 0):
            return self.pick('{"dotted.name"}', '{"dotted.name", "a label"="é"}', '{"dotted.name", job=~"a.+"}')
        if kind is None and roll < 0.06:
            return self.pick('{job="api",instance="1"}', '{__name__=~"queue|temperature"}', '{__name__=~"req.*",job="web"}',
                             '{__name__="odd",kind!="nan"}', '{job="web",__name__!~".*bucket|build.*"}')
        metrics = {"histogram": HISTOGRAMS, "float": FLOATS}.get(kind)
        if metrics is None:
            metrics = HISTOGRAMS if self.histograms and self.chance(0.3) else FLOATS
        name = self.rng.choice(list(metrics))
        if metrics is FLOATS and self.chance(0.35):
            name = self.pick("requests_total", "queue", "temperature")
        return name + self.matchers(metrics[name])

    def instant(self, kind=None):
        smoothed = " smoothed" if self.version >= (3, 14) and self.chance(0.05) else ""
        return Node(VECTOR, self.selector(kind), Node(OPTION, smoothed), *self.modifiers())

    def matrix(self, depth, kind=None):
        if depth > 0 and self.chance(0.3):
            step = Node(OPTION, self.pick("", "15s", "30s", "1m", "7s", "2m"))
            return Node(MATRIX, self.vector(depth - 1), f"[{self.duration()}:", step, "]", *self.modifiers())
        return Node(MATRIX, self.selector(kind), f"[{self.duration()}]", *self.modifiers())

    def number(self):
        return Node(SCALAR, self.pick("0", "1", "2", "-1", "0.5", "100", "1e3", "-2.5", "NaN", "Inf", "-Inf", "0x1F", "3",
                                      "1_000" if self.version >= (2, 52) else "7", "5m" if self.version >= (3, 0) else "300"))

    def scalar(self, depth):
        roll = self.rng.random()
        if depth <= 0 or roll < 0.45:
            return self.number()
        if roll < 0.6:
            return Node(SCALAR, "scalar(", self.vector(depth - 1), ")")
        if roll < 0.7:
            later = ["start()", "end()", "step()", "range()"] if self.version >= (3, 14) else []
            return Node(SCALAR, self.pick("time()", "pi()", *later))
        if roll < 0.75 and self.version >= (3, 14):
            return Node(SCALAR, self.pick("min_of", "max_of"), "(", self.scalar(depth - 1), ", ", self.scalar(depth - 1), ")")
        if roll < 0.8:
            return Node(SCALAR, "-", self.scalar(depth - 1))
        op = self.pick("+", "-", "*", "/", "%", "^", "atan2", "> bool", "<= bool", "== bool")
        return Node(SCALAR, "(", self.scalar(depth - 1), f" {op} ", self.scalar(depth - 1), ")")

    # Vectors -------------------------------------------------------------------------------------------------------

    def vector(self, depth):
        if depth <= 0:
            return self.instant()
        roll, table = self.rng.random(), (
            (0.20, self.range_function), (0.34, self.aggregation), (0.44, self.vector_function), (0.60, self.binary),
            (0.70, self.with_scalar), (0.78, self.set_operation), (0.86, self.histogram_function),
            (0.91, self.label_function), (0.94, self.sorting), (1.01, self.rare))
        return next(make for bound, make in table if roll < bound)(depth)

    def range_function(self, depth):
        roll = self.rng.random()
        if roll < 0.06:
            return Node(VECTOR, "quantile_over_time(", self.scalar(depth - 1), ", ", self.matrix(depth - 1), ")")
        if roll < 0.12:
            return Node(VECTOR, "predict_linear(", self.matrix(depth - 1), ", ", self.scalar(depth - 1), ")")
        if roll < 0.16 and self.version >= (3, 0):
            return Node(VECTOR, "double_exponential_smoothing(", self.matrix(depth - 1),
                        f", {self.pick('0.1', '0.5', '0.99')}, {self.pick('0.1', '0.4', '0.9')})")
        if roll < 0.19:
            return Node(VECTOR, "absent_over_time(", self.matrix(depth - 1), ")")
        if roll < 0.30 and self.version >= (3, 14):
            function, suffix = self.pick("resets anchored", "changes anchored", "rate anchored", "increase anchored",
                                         "delta anchored", "rate smoothed", "increase smoothed", "delta smoothed").split()
            return Node(VECTOR, f"{function}({self.selector()}[{self.duration()}] {suffix}", *self.modifiers(), ")")
        return Node(VECTOR, self.rng.choice(self.over_time), "(", self.matrix(depth - 1), ")")

    def grouping(self):
        if self.chance(0.2):
            return ""
        labels = self.rng.sample(["job", "instance", "code", "kind", "le", "zone", "__name__", "missing"], self.pick(1, 1, 2, 3))
        if self.chance(0.05):
            labels = []
        return f" {self.pick('by', 'by', 'without')} ({self.pick(', ', ',').join(labels)})"

    def aggregation(self, depth):
        argument, grouping = self.vector(depth - 1), Node(OPTION, self.grouping())
        roll = self.rng.random()
        if roll < 0.7:
            name = self.pick("sum", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
            return Node(VECTOR, name, grouping, " (", argument, ")")
        if roll < 0.8:
            return Node(VECTOR, self.pick("topk", "bottomk"), grouping, " (", self.pick("1", "2", "3", "5", "0"), ", ", argument, ")")
        if roll < 0.87:
            return Node(VECTOR, "quantile", grouping, " (", self.scalar(depth - 1), ", ", argument, ")")
        if roll < 0.93 or self.version < (3, 0):
            return Node(VECTOR, "count_values", grouping, ' ("value", ', argument, ")")
        if roll < 0.965:
            return Node(VECTOR, "limitk", grouping, f" ({self.pick('1', '2', '3', '100')}, ", argument, ")")
        return Node(VECTOR, "limit_ratio", grouping, f" ({self.pick('0.5', '-0.5', '0.1', '-0.9', '1')}, ", argument, ")")

    def vector_function(self, depth):
        argument = self.vector(depth - 1)
        roll = self.rng.random()
        if roll < 0.6:
            return Node(VECTOR, self.rng.choice(MATH), "(", argument, ")")
        if roll < 0.7:
            return Node(VECTOR, "round(", argument, Node(OPTION, f", {self.pick('5', '0.1', '-2', '1e3', '0')}"), ")")
        if roll < 0.8:
            return Node(VECTOR, "clamp(", argument, ", ", self.scalar(depth - 1), ", ", self.scalar(depth - 1), ")")
        if roll < 0.9:
            return Node(VECTOR, self.pick("clamp_min", "clamp_max"), "(", argument, ", ", self.scalar(depth - 1), ")")
        if roll < 0.95:
            return Node(VECTOR, "-", argument)
        return Node(VECTOR, "(", argument, ")")

    def operator(self):
        """Those that older versions do otherwise are left out: atan2 kept the name."""
        trim = ["</", ">/"] if self.version >= (3, 14) else []
        return self.pick("+", "-", "*", "/", "+", "-", "*", "/", "%", "^", "atan2" if self.version >= (3, 0) else "-", "==", "!=", "<", ">", "<=", ">=",
                         "> bool", "== bool", "!= bool", *trim)

    def fill(self):
        if self.version < (3, 14) or not self.chance(0.2):
            return ""
        return self.pick(" fill(0)", " fill_left(1)", " fill_right(-2)", " fill_left(0) fill_right(5)")

    def binary(self, depth):
        roll = self.rng.random()
        if roll < 0.35:  # the same series on both sides
            selector = self.selector()
            left, right, match = Node(VECTOR, selector, *self.modifiers()), Node(VECTOR, selector, *self.modifiers()), ""
            if self.chance(0.5):
                left = Node(VECTOR, self.rng.choice(MATH), "(", left, ")")
            if self.chance(0.3):
                match = self.pick(" ignoring (missing)", " ignoring (code)", " on (instance, job)", " on (instance, job, code)",
                                  " on (kind)", " on (__name__, instance, job)")
        elif roll < 0.6:  # many to one
            label = self.pick("job", "instance", "job, instance")
            left, right = self.vector(depth - 1), Node(VECTOR, f"sum by ({label}) (", self.instant(), ")")
            match = f" on ({label}) group_left{self.pick('', ' ()', ' (missing)', ' (job)')}"
            if self.chance(0.4):
                right = Node(VECTOR, self.pick("target_info", 'build_info{version="1.9"}'))
                match = f" on (instance, job) group_left{self.pick('', ' (team)', ' (version)', ' (team, version)')}"
            if self.chance(0.3):
                left, right, match = right, left, match.replace("group_left", "group_right")
        elif roll < 0.85:
            label = self.pick("job", "instance", "job, instance", "zone")
            sides = [Node(VECTOR, f"{self.pick('sum', 'max', 'avg', 'count')} by ({label}) (", self.vector(depth - 1), ")")
                     for _ in range(2)]
            left, right = sides
            match = self.pick("", "", f" on ({label})", " ignoring (missing)")
        else:
            left, right = self.vector(depth - 1), self.vector(depth - 1)
            match = self.pick("", "", " ignoring (code)", " on (job)", " on ()")
        op = self.operator()
        fill = self.fill() if "group" not in match else self.pick("", self.fill())
        operands = (left, f" {op}", Node(OPTION, match + fill), " ", right)
        return Node(VECTOR, "(", *operands, ")") if self.chance(0.8) else Node(VECTOR, *operands)

    def with_scalar(self, depth):
        sides = [self.vector(depth - 1), self.scalar(depth - 1)]
        if self.chance(0.4):
            sides.reverse()
        return Node(VECTOR, "(", sides[0], f" {self.operator()} ", sides[1], ")")

    def set_operation(self, depth):
        match = self.pick("", "", " on (job)", " ignoring (instance)", " on (instance, job)", " on ()", " ignoring (code, zone)")
        return Node(VECTOR, "(", self.vector(depth - 1), f" {self.pick('and', 'or', 'unless', 'or')}", Node(OPTION, match), " ",
                    self.vector(depth - 1), ")")

    def buckets(self, depth):
        """Classic buckets, as they are or as rates."""
        name = self.rng.choice(CLASSIC) + self.matchers(("instance", "job"), 0.2)
        selector = Node(VECTOR, name, *self.modifiers())
        if self.chance(0.5):
            selector = Node(VECTOR, self.pick("rate", "increase", "delta", "sum_over_time"),
                            f"({name}[{self.duration()}]", *self.modifiers(), ")")
        if self.chance(0.3):
            return Node(VECTOR, f"sum {self.pick('by (le)', 'by (le, instance)', 'without (job)')} (", selector, ")")
        return selector

    def histograms_of(self, depth):
        if self.chance(0.15):
            return self.vector(depth - 1)
        vector = Node(VECTOR, self.selector("histogram"), *self.modifiers())
        if self.chance(0.5):
            function = self.pick("rate", "increase", "delta", "sum_over_time", "avg_over_time", "irate", "idelta", "last_over_time")
            vector = Node(VECTOR, function, "(", self.matrix(0, "histogram"), ")")
        if self.chance(0.3):
            vector = Node(VECTOR, self.pick("sum", "avg", "sum by (job)", "avg without (instance)"), " (", vector, ")")
        if self.chance(0.2):
            vector = Node(VECTOR, "(", vector, f" {self.pick('+', '-', '*', '/')} ",
                          self.pick(Node(VECTOR, self.selector("histogram")), self.number()), ")")
        return vector

    def histogram_function(self, depth):
        quantile = self.pick("0", "0.5", "0.9", "0.99", "1", "0.25", "-1", "2", "NaN")
        if not self.histograms or self.chance(0.25):
            function = "histogram_fraction" if self.version >= (3, 5) and self.chance(0.3) else "histogram_quantile"
            extra = f"{self.pick('0', '-Inf', '0.2', '1')}, {self.pick('1', '+Inf', '0.4', '2.2')}"
            return Node(VECTOR, f"{function}({extra if 'fraction' in function else quantile}, ", self.buckets(depth), ")")
        vector, roll = self.histograms_of(depth), self.rng.random()
        if roll < 0.3:
            return Node(VECTOR, f"histogram_quantile({quantile}, ", vector, ")")
        if roll < 0.45:
            low, high = self.pick("0", "-Inf", "0.2", "-1", "1"), self.pick("1", "+Inf", "0.4", "2.2", "0")
            return Node(VECTOR, f"histogram_fraction({low}, {high}, ", vector, ")")
        if roll < 0.5 and self.version >= (3, 14):
            return Node(VECTOR, "histogram_quantiles(", vector, ', "q", 0.1, 0.5, 0.99)')
        if roll < 0.6 and self.version >= (3, 14):
            return Node(VECTOR, "(", vector, f" {self.pick('</', '>/')} ", self.pick("0.5", "1", "3.3", "0", "-1", "Inf"), ")")
        if roll < 0.9:
            return Node(VECTOR, self.rng.choice(HISTOGRAM), "(", vector, ")")
        return vector

    def label_function(self, depth):
        argument = self.vector(depth - 1)
        if self.chance(0.4):
            return Node(VECTOR, "label_join(", argument, f', "{self.pick("new", "job", "__name__")}", "{self.pick("-", "")}"',
                        self.pick(', "job", "instance"', ', "code"', ', "missing"', ""), ")")
        return Node(VECTOR, "label_replace(", argument, self.pick(
            ', "new", "$1", "job", "(.).*"', ', "job", "x", "", ""', ', "instance", "${1}z$2", "instance", "(.)(.?)"',
            ', "new", "$1", "missing", "(.*)"', ', "__name__", "renamed", "__name__", ".+"', ', "code", "", "code", ".*"'), ")")

    def sorting(self, depth):
        if self.version >= (3, 0) and self.chance(0.4):
            return Node(VECTOR, self.pick("sort_by_label", "sort_by_label_desc"), "(", self.vector(depth - 1),
                        self.pick(', "instance"', ', "version"', ', "job", "instance"', ', "__name__"'), ")")
        return Node(VECTOR, self.pick("sort", "sort_desc"), "(", self.vector(depth - 1), ")")

    def rare(self, depth):
        roll = self.rng.random()
        if roll < 0.25:
            return Node(VECTOR, "absent(", self.vector(depth - 1), ")")
        if roll < 0.45:
            return Node(VECTOR, "vector(", self.scalar(depth - 1), ")")
        if roll < 0.75 and self.version >= (3, 0):
            data = self.pick("", ', {team=~".+"}', ', {__name__="build_info"}', ', {version="1.9", __name__=~"build.+"}')
            return Node(VECTOR, "info(", self.vector(depth - 1), Node(OPTION, data), ")")
        if roll < 0.85:
            return Node(VECTOR, self.pick("hour", "minute", "month", "year", "day_of_year"), "()")
        return Node(VECTOR, "timestamp(", self.instant(), ")")
