"""Queries beyond their limits fail alone: with Prometheus' errors, while others go on and nothing of them stays."""
import http.client
import json
import threading
import time
import urllib.parse

from harness import Agent, WITHOUT_QUARANTINE, main, scratch, wait_for

SERIES, SAMPLES = 400, 240
TOO_MANY = "query processing would load too many samples into memory in query execution"
OTHERS = ("sum(m)", "rate(m[5m])", "count by (i) (m)", "topk(3, m)", "max_over_time(m[10m])", "m > 50", "m + on (i) m",
          "quantile(0.9, m)", "sum by (i) (rate(m[1m]))", "absent(nothing)")


def post(port, path, **form):
    """Status and JSON of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/api/v1/" + path, urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def filled(directory, things, *flags):
    agent = Agent(directory, "global: {scrape_interval: 1m}", "--web.enable-remote-write-receiver", *flags)
    agent.environment = WITHOUT_QUARANTINE
    things.append(agent)
    agent.start()
    now = int(time.time()) // 15 * 15
    points = [((now - (SAMPLES - i) * 15) * 1000, float(i)) for i in range(SAMPLES)]
    assert agent.write([({"__name__": "m", "i": str(i)}, points) for i in range(SERIES)]) // 100 == 2
    return agent, now


class Background:
    """Ten clients that ask all the time; each answer is compared with the first one to the same question."""

    def __init__(self, port, now):
        self.stop, self.wrong, self.answers, self.first = threading.Event(), [], 0, {}
        self.threads = [threading.Thread(target=self.ask, args=(port, now, query), daemon=True) for query in OTHERS]
        for thread in self.threads:
            thread.start()

    def ask(self, port, now, query):
        while not self.stop.is_set():
            status, answer = post(port, "query_range", query=query, start=now - 300, end=now, step=15)
            if status != 200 or answer["data"] != self.first.setdefault(query, answer)["data"]:
                self.wrong.append((query, status, str(answer)[:300]))
            self.answers += 1

    def __enter__(self):
        wait_for(lambda: self.answers > 20, "answers")
        return self

    def __exit__(self, kind, *_):
        seen = self.answers
        if kind is None:
            wait_for(lambda: self.answers > seen + 20, "more answers")
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.wrong, self.wrong[0]


def resident(agent):
    with open(f"/proc/{agent.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def test_a_query_with_too_many_samples_fails_while_ten_others_go_on():
    with scratch() as (directory, things):
        agent, now = filled(directory, things, "--query.max-samples=50000")
        window = {"start": now - 3600, "end": now, "step": 15}
        with Background(agent.port, now):
            before = resident(agent)
            for _ in range(20):
                # What is read, what it yields, what a subquery makes of it, and what there are too many steps for.
                for query, form in (("sum(m)", window), ("m", window), ("max_over_time(m[1h:1s])", {**window, "step": 600}),
                                    ("m * on (i) m", window), ("max_over_time(vector(1)[1d:1s])", window)):
                    status, answer = post(agent.port, "query_range", query=query, **form)
                    assert status == 422 and answer["errorType"] == "execution" and answer["error"] == TOO_MANY, (query, status)
                status, answer = post(agent.port, "query", query="m[1h]", time=now)
                assert status == 422 and answer["error"] == TOO_MANY, (status, str(answer)[:300])
        # 120 refused queries, each of up to 50,000 samples of 16 bytes: 91 MiB if they stayed.
        assert resident(agent) - before < 60 << 20, (before, resident(agent))


def test_a_query_that_takes_too_long_fails_while_ten_others_go_on():
    slow = " + ".join(f"sum_over_time(sum_over_time(vector({i})[1000s:1s])[1000000s:1s])" for i in range(60))
    with scratch() as (directory, things):
        agent, now = filled(directory, things)
        with Background(agent.port, now):
            for _ in range(3):
                status, answer = post(agent.port, "query_range", query=slow, start=0, end=10000, step=1, timeout="200ms")
                assert status == 503 and answer["errorType"] == "timeout", (status, str(answer)[:300])
                assert answer["error"] == "query timed out in expression evaluation", answer


if __name__ == "__main__":
    main()
