"""Compares two answers of the query API: values, labels, order where it counts, annotations, errors."""
import math
import re

TOLERANCE = 1e-9
MOST_NOTES = 10  # what an answer shows of a kind; which ones is left to chance


def number(text):
    return math.nan if text == "NaN" else float(text.replace("Inf", "inf"))


def close(a, b):
    x, y = number(a), number(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or abs(x - y) <= TOLERANCE * max(abs(x), abs(y))


class Comparison:
    """`difference`: None or a sentence; `same_bits`: whether the numbers were written alike; `undecided`: the one asked
    answers now so, now so. `order`: what orders the rows, if it counts: a function's name, or "labels"."""

    def __init__(self, theirs, ours, notes=True, words=True, order=None):
        self.notes, self.words, self.order = notes, words, order
        self.same_bits, self.undecided = True, False
        self.difference = self.compare(theirs, ours)

    def compare(self, theirs, ours):
        for key in ("status", "errorType", "error") if self.words else ("status", "errorType"):
            if plain_error(theirs.get(key)) != plain_error(ours.get(key)):
                return f"{key}: {theirs.get(key)!r} and {ours.get(key)!r}"
        everything = [plain_note(note) for key in ("warnings", "infos") for note in theirs.get(key, [])]
        for key in ("warnings", "infos") if self.notes else ():
            difference = notes_differ(theirs.get(key), ours.get(key), everything)
            if difference:
                return f"{key}: {difference}"
        if theirs["status"] != "success":
            return None
        theirs, ours = theirs["data"], ours["data"]
        if theirs["resultType"] != ours["resultType"]:
            return f"type {theirs['resultType']} and {ours['resultType']}"
        if theirs["resultType"] in ("scalar", "string"):
            return self.samples({"value": theirs["result"]}, {"value": ours["result"]}, theirs["resultType"] == "string")
        return self.rows(theirs["result"], ours["result"])

    def rows(self, theirs, ours):
        theirs, ours = keyed(theirs), keyed(ours)
        for labels in sorted(set(theirs) | set(ours)):
            if labels not in theirs or labels not in ours:
                return f"only {'ours' if labels in ours else 'theirs'} has {dict(labels)}"
            difference = self.samples(theirs[labels], ours[labels])
            if difference:
                return f"{dict(labels)}: {difference}"
        return self.orders(theirs, ours) if self.order else None

    def orders(self, theirs, ours):
        """Values that tie may stand in any order."""
        for place, (a, b) in enumerate(zip(theirs, ours)):
            if a == b:
                continue
            values = [row.get("value") for row in (theirs[a], ours[b])]
            if "label" in self.order or None in values or not close(values[0][1], values[1][1]):
                return f"order at {place}: {dict(a)} and {dict(b)}"
        return None

    def samples(self, theirs, ours, text=False):
        for key in ("value", "values", "histogram", "histograms"):
            a, b = theirs.get(key), ours.get(key)
            if (a is None) != (b is None):
                return f"{key} only of {'ours' if a is None else 'theirs'}"
            if a is None:
                continue
            if key in ("value", "histogram"):
                a, b = [a], [b]
            if [sample[0] for sample in a] != [sample[0] for sample in b]:
                return f"times {[sample[0] for sample in a]} and {[sample[0] for sample in b]}"
            for one, other in zip(a, b):
                if text or key.startswith("histogram"):
                    same = one[1] == other[1] if text else self.histograms(one[1], other[1])
                else:
                    same = self.numbers(one[1], other[1])
                if not same:
                    return f"at {one[0]} {one[1]} and {other[1]}"
        return None

    def numbers(self, a, b):
        self.same_bits &= a == b
        return close(a, b)

    def histograms(self, a, b):
        if not (self.numbers(a["count"], b["count"]) and self.numbers(a["sum"], b["sum"])):
            return False
        x, y = (filled(h.get("buckets", []), h["count"]) for h in (a, b))
        return len(x) == len(y) and all(
            p[0] == q[0] and all(self.numbers(m, n) for m, n in zip(p[1:], q[1:])) for p, q in zip(x, y))


def filled(buckets, count):
    """Without buckets that hold no more than what rounding leaves of a difference."""
    least = 1e-14 * abs(number(count))
    return [bucket for bucket in buckets if not abs(number(bucket[3])) <= least]


def keyed(rows):
    """By labels; what count_values() writes into one counts as a number. Unless that makes two series of one name."""
    for plain in (plain_numbers, str):
        out = {tuple(sorted((name, plain(value) if name == "value" else value) for name, value in row["metric"].items())): row
               for row in rows}
        if len(out) == len(rows):
            return out
    raise AssertionError("a series twice")


def plain_numbers(text):
    """Numbers in a text without their last digits."""
    return re.sub(r"\d[\d.]{11,}(e[+-]\d+)?", lambda match: f"{float(match.group()):.8g}", text)


def plain_error(text):
    """Which of several series an error names depends on the order of a Go map."""
    if isinstance(text, str):
        text = re.sub(r"(found duplicate series for the match group ).*( on the (left|right) hand-side of the operation: ).*?;",
                      r"\1…\2…;", text)
    return text


def notes_differ(theirs, ours, everything):
    theirs, ours = [sorted(plain_note(note) for note in notes or []) for notes in (theirs, ours)]
    if len(theirs) > MOST_NOTES and len(theirs) == len(ours):
        return None
    ours = [note for note in ours if note in theirs or not replaced(note, everything)]
    return None if theirs == ours else f"{theirs} and {ours}"


OF_OPERATOR = r"PromQL \w+: (incompatible .* encountered for binary operator|mismatched custom .* during|conflicting counter)"


def replaced(note, theirs):
    """Of what an operator between vectors has to say at one step Prometheus keeps the last."""
    place = note[note.rfind("("):]
    return re.match(OF_OPERATOR, note) and any(re.match(OF_OPERATOR, one) and one.endswith(place) for one in theirs)


def plain_note(note):
    """Prometheus counts anew what it counted when it merges annotations, up to millions of millions of samples."""
    return plain_numbers(re.sub(r"(with a max diff of \S+, over )-?\d+( samples)", r"\1…\2", note))
