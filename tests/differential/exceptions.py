"""Where an answer may be another than Prometheus': each with its reason, and as narrow as it can be told."""
import ast
import dataclasses
import re
import typing

from answers import close

OURS = (3, 14)  # the version whose answers are ours
TRIED = ((2, 42), (3, 5), OURS)  # of other versions differences are shown, but fail no test


MOST = (0.02, 0.005)  # of the expressions, of versions before ours and of ours: more than that are not such cases
NUMBERS = r"(^|: )at [\d.]+ \S+ and \S+$"
VALUES = r"^(warnings|infos): |(^|: )at [\d.]+ "  # never whether there is an answer, an error or a series
SELECTOR = r"\w*(\{([^\"}]|\"[^\"]*\")*\})?"


@dataclasses.dataclass
class Rule:
    """Holds for versions before `until`, for expressions and differences in which the patterns are found. Operators stand
    between blanks, those of matchers do not (expressions.py). `last_digit`: only where a part of the expression has answers
    that are as good as the same, but not written alike. `also`: what must hold of the difference besides."""
    reason: str
    expression: str
    difference: str = VALUES
    until: tuple = (99, 0)
    last_digit: bool = False
    also: typing.Callable = lambda difference, expression: True


def more_are_nan(difference, _):
    """Of two histograms theirs has more buckets, NaN in each, and the others are alike."""
    texts = re.search(r"at [\d.]+ (\{.*\}) and (\{.*\})$", difference)
    theirs, ours = (ast.literal_eval(text) for text in texts.groups())
    left, right = ({tuple(bucket[:3]): bucket[3] for bucket in one.get("buckets", [])} for one in (theirs, ours))
    return (close(theirs["count"], ours["count"]) and close(theirs["sum"], ours["sum"]) and set(right) < set(left)
            and all(close(count, right[bounds]) if bounds in right else count == "NaN" for bounds, count in left.items()))


def nearly_zero(difference, _):
    """Both numbers are what rounding leaves of zero."""
    return all(abs(float(text)) < 1e-12 for text in re.search(r" (\S+) and (\S+)$", difference).groups())


def nearly_the_same(difference, _):
    theirs, ours = (float(text) for text in re.search(r" (\S+) and (\S+)$", difference).groups())
    return abs(theirs - ours) < 1e-6 * abs(theirs)


def same_but_for_times(difference, _):
    """The notes are the same but for the times that they name."""
    theirs, ours = re.sub(r" from \S+Z to \S+Z", "", difference).split(": ", 1)[1].split("] and [")
    return theirs.lstrip("[") == ours.rstrip("]")


def one_lacks_a_label(difference, expression):
    """Of the two rows at a place one has not all the labels that are sorted by."""
    rows = re.search(r"^order at \d+: (\{.*\}) and (\{.*\})$", difference).groups()
    labels = set(re.findall(r'"(\w+)"', re.search(r'((, "\w+")+)\)$', expression)[1]))
    return any(not labels <= set(ast.literal_eval(row)) for row in rows)


RULES = (
    Rule("timestamp() of a selector with an offset and @ forgets the offset",
         rf"\btimestamp\(\(*{SELECTOR}( smoothed)?( offset \S+ @ | @ \S+ offset )",
         "^only |: times |^status: |" + NUMBERS),
    Rule("an empty value is neither before nor behind another one, and where its row stands follows from the sorting algorithm",
         r"\bsort_by_label", r"^order at ", also=one_lacks_a_label),
    Rule("predict_linear() has a subquery with @ evaluated to the end of the query, and notes are about all of it",
         r"\bpredict_linear\(.*\[[^\]]*:[^\]]*\] @ ", r"^(infos|warnings): ", also=same_but_for_times),
    Rule("custom buckets times what is not finite have a zero bucket that is NaN, which cannot be written",
         r"\bcount_values\b.*\b(both|size_bytes)\b.* [*/] ", r"^status: 'error' and 'success'"),
    Rule("the offset of a subquery counts twice for an @ within when its first step is the start of the query",
         r" @ .*\[[^\]]*:[^\]]*\]( @ \S+)? offset -", "^only |: times |" + NUMBERS),
    Rule("deviations and labels make much of a last digit that Go's and C's functions do not share",
         r"\b(stddev|stdvar)\b", NUMBERS, last_digit=True),
    Rule("deviations and labels make much of a last digit that Go's and C's functions do not share",
         r"\bcount_values\b.*(\b(a?(sin|cos|tan)h?|exp|ln|log2|log10|histogram_quantile)\(| atan2 | \^ )", "^only .*'value'|" + NUMBERS,
         last_digit=True),
    Rule("changes() compares histograms with the empty buckets that their chunks happen to have",
         r"\bchanges\((latency_seconds|size_bytes|spread|load_seconds|odd_seconds|both|\{job=)", NUMBERS),
    Rule("the parameter of an aggregation is not looked at when what is the same at every step is sought",
         r"\bquantile\b.*(\btime\(\)|\bscalar\().* @ ", NUMBERS + "|^warnings: .*quantile value should be between 0 and 1"),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, become NaN when they are multiplied or divided",
         r" [*/] ", r"(^|: )at [\d.]+ \{.*'buckets': .*'NaN'.*\} and \{.*\}$", also=more_are_nan),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, make histograms differ",
         r"\b(spread|size_bytes)\b.* [!=]= | [!=]= .*\b(spread|size_bytes)\b", r"^only |: times |: at [\d.]+ [01] and [01]$"),
    Rule("buckets that are empty, but stand in a chunk of Prometheus, are written",
         r"\bcount_values\b", r"^only .*'value': '{count:"),
    Rule("within histogram_count() and the like Prometheus finds counter resets anew",
         r"\bhistogram_(sum|count|avg)\(.*over_time", r"^warnings: .*conflicting counter resets"),
    Rule("a subquery of one step is a range to sort(), and so is a part of the date of what does not change",
         r"\bsort.*(\[.*:| @ )", r"^warnings: .*sort is ineffective"),
    Rule("% and functions with a period make much of a last digit that Go's and C's pow() and exp() do not share",
         r" % |\b(sin|cos|tan|hour|minute)\(", NUMBERS, last_digit=True),
    # What was otherwise before.
    Rule("info() was put right in several steps", r"\binfo\(", "^only |: times |" + VALUES, until=(3, 14)),
    Rule("info() did not say which series there is twice", r"\binfo\(", "^error: 'found duplicate series for info metric",
         until=(3, 14)),
    Rule("the place of this error", r"\bgroup_", r"^error: .*must not occur in ON and GROUP", until=(3, 14)),
    Rule("this token had no name", "", r"^error: .*<Item \d+>", until=(3, 14)),
    Rule("a comparison that drops a pair did not ask whether the pair was the only one", r" (==|!=|[<>]=?) ",
         r"^status: 'success' and 'error'", until=(3, 9)),
    Rule("means of histograms were incremental", r"\b(avg|avg_over_time)\b.*\b(odd_seconds|load_seconds|spread)\b",
         until=(3, 10)),
    Rule("the count of a histogram was extrapolated below zero",
         r"\b(rate|increase)\((latency_|size_|load_|odd_|both|spread|\{)", until=(3, 8)),
    Rule("within histogram_sum() and the like custom buckets were added without their bounds",
         r"\bhistogram_(sum|count|avg)\(.*\bsize_bytes\b.* [-+] |\bhistogram_(sum|count|avg)\(.* [-+] .*\bsize_bytes\b",
         "^only |: times |" + VALUES, until=(3, 14)),
    Rule("series that became the same were an error even where they never met at a step",
         r"\blabel_replace\(|\blabel_join\(|(^|[ (,])-\(", r"^status: 'error' and 'success'", until=(3, 14)),
    Rule("irate() of a gauge that is a histogram had another sum", r"\birate\(spread\b", NUMBERS, until=(3, 14)),
    Rule("mad_over_time() passed NaN over", r"\bmad_over_time\(", r" and NaN$", until=(3, 14)),
    Rule("differences of custom buckets were otherwise", r"\b(idelta|irate|delta)\(size_bytes", until=(3, 8)),
    Rule("histogram_fraction() of classic buckets was NaN", r"\bhistogram_fraction\(", r" at [\d.]+ NaN and ", until=(3, 8)),
    Rule("the zero of a counter was looked for before the threshold was applied",
         r"\b(rate|increase)\((?!requests|uneven|wait|named|open|crooked)", until=(2, 53)),
    Rule("ranges had two closed ends, which shows where times are whole: within subqueries and at the time of an @",
         r"\[.*\[[^\]]*:|\[[^\]]*:.*\] @ ", "^only |: times |" + NUMBERS, until=(3, 0)),
    Rule("deviations had no compensation", r"\b(stddev|stdvar)_over_time\b", NUMBERS, until=(3, 0), also=nearly_the_same),
    Rule("sums had no compensation, and of zero something was left", r"\b(sum|avg|stddev|stdvar)(_over_time)?\b", NUMBERS,
         until=(3, 0), also=nearly_zero),
    Rule("of equal values another one was kept", r"\b(topk|bottomk)\b", r"^(only|order) |: times ", until=(3, 0)),
    Rule("a subquery without a step had one when its expression is the same at every step",
         r" @ [^\[]*\[[^\]]*:", "^only theirs |: times |" + VALUES, until=(3, 0)),
    Rule("functions of a range and a number were not step invariant", r"\b(predict_linear|quantile_over_time)\(.* @ ", ": times |" + NUMBERS, until=(3, 0)),
    Rule("the deviation of what is infinite or NaN was 0", r"\b(stddev|stdvar)", r" 0 and NaN$", until=(3, 0)),
    Rule("count_values() lost the labels that sort behind its own", r"\bcount_values by \([^)]*\bzone\b", "^only ", until=(3, 0)),
    Rule("sums had no compensation, which count_values() writes into a label",
         r"\bcount_values\b.*\b(sum|avg|stddev|stdvar)(_over_time)?\b", "^only .*'value'", until=(3, 0)),
    Rule("sums had no compensation and overflowed otherwise", r"\b(sum|avg|stddev|stdvar)(_over_time)?\b",
         r" (NaN|[+-]Inf) and (NaN|[+-]Inf)$", until=(3, 0)),
    Rule("sums had no compensation", r"\b(sum|avg|stddev|stdvar)(_over_time)?\b", NUMBERS, until=(3, 0), last_digit=True),
)


def exception(expression, difference, version, last_digit):
    """The rule that a difference falls under. `last_digit`: a function that says whether a part differs in one."""
    for rule in RULES:
        if (version < rule.until and re.search(rule.expression, expression) and re.search(rule.difference, difference)
                and rule.also(difference, expression)
                and (not rule.last_digit or last_digit())):
            return rule
    return None
