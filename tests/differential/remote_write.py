"""Remote write 1.0 and 2.0 of floats and native histograms, as bytes.

A series is (labels, points); a point is (ms, value), and its value a float or a Histogram.
"""
import dataclasses
import struct

from harness import message, snappy, varint

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
GAUGE = 3
CUSTOM = -53
FORMATS = {
    1: {"Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"},
    2: {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        "X-Prometheus-Remote-Write-Version": "2.0.0"},
}


@dataclasses.dataclass
class Histogram:
    """`positive` and `negative`: {index: observations}. `integer`: counted in whole numbers, sent as deltas."""
    schema: int
    sum: float
    count: float
    positive: dict
    negative: dict = dataclasses.field(default_factory=dict)
    zero_count: float = 0
    zero_threshold: float = 0.0
    integer: bool = True
    hint: int = 0
    bounds: tuple = ()


def number(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def zigzag(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


def packed_doubles(field, values):
    return message(field, b"".join(struct.pack("<d", value) for value in values)) if values else b""


def buckets(counts, fields, integer):
    """Spans and counts: `fields` are the numbers of spans, deltas and absolute counts."""
    spans, values, expected = [], [], None
    for index in sorted(counts):
        if index == expected:
            spans[-1][1] += 1
        else:
            spans.append([index - (expected or 0), 1])
        values.append(counts[index])
        expected = index + 1
    out = b"".join(message(fields[0], varint(1 << 3) + zigzag(offset) + number(2, length)) for offset, length in spans)
    if integer:
        deltas = [value - before for before, value in zip([0] + values, values)]
        return out + (message(fields[1], b"".join(map(zigzag, deltas))) if deltas else b"")
    return out + packed_doubles(fields[2], values)


def histogram_message(ms, h):
    out = number(1, h.count) if h.integer else double(2, h.count)
    out += double(3, h.sum) + varint(4 << 3) + zigzag(h.schema) + double(5, h.zero_threshold)
    out += number(6, h.zero_count) if h.integer else double(7, h.zero_count)
    out += buckets(h.negative, (8, 9, 10), h.integer) + buckets(h.positive, (11, 12, 13), h.integer)
    return out + number(14, h.hint) + number(15, ms) + packed_doubles(16, h.bounds)


def sample_message(ms, value):
    # A staleness marker is passed through by its bits, which arithmetic would not do.
    return double(1, value) + number(2, ms)


def points_message(points, sample_field, histogram_field):
    out = b""
    for ms, value in points:
        if isinstance(value, Histogram):
            out += message(histogram_field, histogram_message(ms, value))
        else:
            out += message(sample_field, sample_message(ms, value))
    return out


def request_1(series):
    out = []
    for labels, points in series:
        names = b"".join(message(1, message(1, k.encode()) + message(2, v.encode())) for k, v in sorted(labels.items()))
        out.append(message(1, names + points_message(points, 2, 4)))
    return b"".join(out)


def request_2(series):
    symbols, out = {"": 0}, []
    for labels, points in series:
        refs = b"".join(varint(symbols.setdefault(text, len(symbols))) for pair in sorted(labels.items()) for text in pair)
        out.append(message(5, message(1, refs) + points_message(points, 2, 3)))
    return b"".join(message(4, text.encode()) for text in symbols) + b"".join(out)


def of_one_kind(points):
    """The points up to the first that is of another kind: a server appends the floats of a request before its histograms."""
    kinds = [isinstance(value, Histogram) for _, value in points]
    return points[:kinds.index(not kinds[0])] if len(set(kinds)) > 1 else points


def batches(series, version, span_ms):
    """Requests in the order of time, each within `span_ms`: a server takes no sample much older than its newest."""
    first = min(points[0][0] for _, points in series)
    last = max(points[-1][0] for _, points in series)
    for start in range(first, last + 1, span_ms):
        rest = [(labels, [p for p in points if start <= p[0] < start + span_ms]) for labels, points in series]
        while rest := [(labels, points) for labels, points in rest if points]:
            part = [(labels, of_one_kind(points)) for labels, points in rest]
            body = (request_2 if version == 2 else request_1)(part)
            yield snappy(body), {"Content-Encoding": "snappy", **FORMATS[version]}
            rest = [(labels, points[len(sent):]) for (labels, points), (_, sent) in zip(rest, part)]
