"""Native histograms from scrape to export: over protobuf, converted from text, through a crash, and from Prometheus."""
import json
import struct
import urllib.parse

from harness import Agent, Target, free_port, installed, main, message, scratch, varint, wait_for
from serve_test import Process

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def number(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def histogram_page(count):
    """One histogram with `count` observations in bucket 1 and one each in 2 and 4; classic: all up to 100."""
    label = message(1, message(1, b"path") + message(2, b"/"))
    spans = message(12, number(1, 2) + number(2, 2)) + message(12, number(1, 2) + number(2, 1))
    deltas = message(13, varint(count * 2) + varint((count - 1) * 2 - 1) + varint(0))
    bucket = message(3, number(1, count + 2) + double(2, 100))
    histogram = message(7, number(1, count + 2) + double(2, 1.5) + number(5, 4) + spans + deltas + bucket)
    family = message(1, b"latency_seconds") + number(3, 4) + message(4, label + histogram)
    return varint(len(family)) + family


def exported(agent, matcher):
    query = urllib.parse.urlencode({"match[]": matcher, "format": "jsonl"})
    status, body = agent.get(f"/api/v1/admin/tsdb/export?{query}")
    assert status == 200, body
    return [json.loads(line) for line in body.splitlines()]


def newest(agent, matcher):
    lines = [line for line in exported(agent, matcher) if "histograms" in line]
    return lines[0]["histograms"][-1] if lines else None


def test_native_histograms_are_scraped_stored_and_survive_a_crash():
    with scratch() as (directory, things):
        target = Target(histogram_page(5), PROTOBUF)
        things.append(target)
        agent = Agent(directory, f"""
global: {{scrape_interval: 100ms, scrape_native_histograms: true}}
scrape_configs:
  - {{job_name: native, static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}]}}
  - job_name: both
    always_scrape_classic_histograms: true
    static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}]
""", "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        wait_for(lambda: newest(agent, '{job="native"}'), "a histogram")
        histogram = newest(agent, 'latency_seconds{job="native",path="/"}')
        assert (histogram["schema"], histogram["count"], histogram["sum"]) == (2, 7, 1.5), histogram
        assert histogram["positive_spans"] == [1, 2, 1, 1] and histogram["positive"] == [5, 1, 1], histogram
        assert not agent.query('latency_seconds_bucket{job="native"}')
        wait_for(lambda: agent.query('latency_seconds_bucket{job="both",le="100.0"} == 7'), "the classic series")
        assert agent.query('scrape_samples_scraped{job="native"} == 1')
        assert agent.query('scrape_samples_scraped{job="both"} == 5')

        target.page = histogram_page(9)
        wait_for(lambda: newest(agent, '{job="native"}')["count"] == 11, "the next histogram")
        before = len(exported(agent, 'latency_seconds{job="native"}')[0]["histograms"])
        agent.kill()
        agent.start()
        after = exported(agent, 'latency_seconds{job="native"}')[0]["histograms"]
        assert len(after) >= before and after[0]["count"] == 7, (before, len(after))

        target.page = histogram_page(5)[:-3]
        wait_for(lambda: agent.query('up{job="native"} == 0'), "the scrape of a page cut short to fail")
        assert agent.stop() == 0


def test_classic_histograms_of_text_are_converted():
    with scratch() as (directory, things):
        target = Target('# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 4\nh_sum 9\nh_count 4\n')
        things.append(target)
        agent = Agent(directory, f"""
global: {{scrape_interval: 100ms}}
scrape_configs:
  - job_name: converted
    convert_classic_histograms_to_nhcb: true
    static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}]
""", "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        histogram = wait_for(lambda: newest(agent, '{job="converted"}'), "a histogram")
        assert (histogram["schema"], histogram["bounds"], histogram["positive"]) == (-53, [1], [3, 1]), histogram
        assert not agent.query("h_bucket")
        assert agent.stop() == 0


def test_prometheus_own_histograms_come_over_protobuf():
    prometheus = installed("prometheus")
    if not prometheus:
        return
    with scratch() as (directory, things):
        port = free_port()
        with open(f"{directory}/prometheus.yml", "w", encoding="utf-8") as file:
            file.write("scrape_configs: []\n")
        things.append(Process(prometheus, f"--config.file={directory}/prometheus.yml",
                              f"--storage.tsdb.path={directory}/prometheus", f"--web.listen-address=127.0.0.1:{port}"))
        agent = Agent(directory, f"""
global: {{scrape_interval: 1s, scrape_native_histograms: true}}
scrape_configs:
  - {{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}
""", "--web.enable-admin-api")
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query('up{job="prometheus"} == 1'), "the scrape of Prometheus")
        wait_for(lambda: agent.query('prometheus_build_info{job="prometheus"}'), "a series of Prometheus")
        assert agent.stop() == 0


if __name__ == "__main__":
    main()
