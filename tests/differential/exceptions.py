"""Where an answer may be another than Prometheus': each with its reason, and as narrow as it can be told."""
import dataclasses
import re

OURS = (3, 14)  # the version whose answers are ours
TRIED = ((2, 42), (3, 5), OURS)  # of other versions differences are shown, but fail no test


@dataclasses.dataclass
class Rule:
    """Holds for versions before `until`, for expressions and differences in which the patterns are found."""
    reason: str
    expression: str
    difference: str = ""
    until: tuple = (99, 0)


RULES = (
    Rule("timestamp() of a selector with an offset and @ forgets the offset",
         r"timestamp\(.*( offset .* @ | @ .* offset )"),
    Rule("changes() compares histograms with the empty buckets that their chunks happen to have",
         r"changes\((latency_seconds|size_bytes|spread|load_seconds|odd_seconds|both|\{)"),
    Rule("the parameter of an aggregation is not looked at when what is the same at every step is sought",
         r"(quantile|topk|bottomk|limitk|limit_ratio).*( @ |time\(\))"),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, become NaN when they are multiplied or divided",
         r"[*/]", r"'buckets': .*'NaN'"),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, make histograms differ",
         r"spread.*[!=]=|[!=]=.*spread"),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, are written",
         r"count_values", r"'value': '{count:"),
    Rule("within histogram_count() and the like Prometheus finds counter resets anew",
         r"histogram_(sum|count|avg)\(.*over_time",
         r"conflicting counter resets"),
    Rule("a subquery of one step is a range to sort(), and so is a part of the date of what does not change",
         r"sort.*(\[.*:| @ )", r"warnings: .*sort is ineffective"),
    Rule("% and functions with a period make much of a last digit that Go's and C's pow() and exp() do not share",
         r"(\^|exp|histogram_quantile|(sin|cos|tan)h?\().*%"
         r"|%.*(\^|exp|histogram_quantile|(sin|cos|tan)h?\()|(sin|cos|tan|hour|minute)\(.*(\^|exp\()",
         r" at [\d.]+ \S+ and \S+$"),
    # What was otherwise before.
    Rule("info() was put right in several steps", r"info\(", until=(3, 14)),
    Rule("the place of this error", "group_", r"must not occur in ON and GROUP", until=(3, 14)),
    Rule("this token had no name", "", r"<Item \d+>", until=(3, 14)),
    Rule("a comparison that drops a pair did not ask whether the pair was the only one", r"[<>=]",
         r"'success' and 'error'", until=(3, 9)),
    Rule("means of histograms were incremental", r"avg.*(odd_seconds|load_seconds|spread)", until=(3, 10)),
    Rule("the count of a histogram was extrapolated below zero",
         r"(rate|increase)\((latency|size|load|odd|both|spread|\{)",
         until=(3, 8)),
    Rule("mad_over_time() passed NaN over", r"mad_over_time\(", r" and NaN$", until=(3, 14)),
    Rule("differences of custom buckets were otherwise", r"(idelta|irate|delta)\(size_bytes", until=(3, 8)),
    Rule("histogram_fraction() of classic buckets was NaN", r"histogram_fraction\(", r"NaN and", until=(3, 8)),
    Rule("the zero of a counter was looked for before the threshold was applied",
         r"(rate|increase)\((?!requests|uneven|wait|named|open|crooked)", until=(2, 53)),
    Rule("of equal values another one was kept", r"topk|bottomk", r"^only ", until=(3, 0)),
    Rule("a subquery without a step had one when its expression is the same at every step",
         r"@ [^\[]*\[[^\]]*:", until=(3, 0)),
    Rule("predict_linear() was not step invariant", r"predict_linear\(.* @ ", until=(3, 0)),
    Rule("the deviation of what is infinite or NaN was 0", r"std(dev|var)", r"\b0 and NaN", until=(3, 0)),
    Rule("sums had no compensation",
         r"(sum|avg|stddev|stdvar).*|(sin|cos|tan|%)", r" at [\d.]+ \S+ and \S+$", until=(3, 0)),
)


def exception(expression, difference, version):
    """The rule that a difference falls under."""
    for rule in RULES:
        if version < rule.until and re.search(rule.expression, expression) and re.search(rule.difference, difference):
            return rule
    return None
