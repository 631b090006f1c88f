"""kill -9 under scraping and remote write: what was acknowledged is there after the restart, which is quick."""
import threading
import time

from harness import Agent, Target, main, scratch

ROUNDS = 20
SERIES = 200


class Writer(threading.Thread):
    """Sends batches until it is told to stop or the agent dies; remembers the last value acknowledged per series."""

    def __init__(self, agent, worker, first):
        super().__init__(daemon=True)
        self.agent, self.worker, self.next, self.done = agent, worker, first, threading.Event()
        self.acknowledged = 0  # batches answered with 2xx
        self.now_ms = 0

    def batch(self, number, now_ms):
        return [({"__name__": "written", "worker": str(self.worker), "i": str(i)}, [(now_ms, number + i / 1000)])
                for i in range(SERIES)]

    def run(self):
        while not self.done.is_set():
            now_ms = self.now_ms = max(self.now_ms + 1, int(time.time() * 1000))  # no two batches at one time
            try:
                status = self.agent.write(self.batch(self.next, now_ms))
            except OSError:
                return
            if status // 100 == 2:
                self.acknowledged += 1
                self.last = (self.next, now_ms)
            self.next += 1


def count_of(agent, selector):
    rows = agent.query(f"sum(count_over_time({selector}[1h]))")
    return rows[0][1] if rows else 0


def test_twenty_kills_lose_nothing():
    with scratch() as (directory, things):
        scrapes = [0]

        def page():
            scrapes[0] += 1
            return "# TYPE ticks counter\n" + "".join(f'ticks_total{{i="{i}"}} {scrapes[0]}\n' for i in range(500))

        target = Target(page)
        things.append(target)
        agent = Agent(directory, f"""
scrape_configs:
  - job_name: fast
    scrape_interval: 100ms
    scrape_timeout: 100ms
    static_configs: [{{targets: ["{target.address}"]}}]
""", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        acknowledged, slowest, first = 0, 0.0, 0
        for round_number in range(ROUNDS):
            writers = [Writer(agent, worker, first) for worker in range(2)]
            for writer in writers:
                writer.start()
            # The kill comes when enough was written, at a different place of the stream in each round.
            wanted = 3 + round_number % 7
            while any(w.is_alive() and w.acknowledged < wanted for w in writers):
                threading.Event().wait(0.005)
            seen_scraped = count_of(agent, "ticks_total")
            agent.kill()
            for writer in writers:
                writer.join()
            agent.start()
            slowest = max(slowest, agent.seconds_to_ready)
            acknowledged += sum(w.acknowledged for w in writers) * SERIES
            first = max(w.next for w in writers) + 1
            stored = count_of(agent, "written")
            assert stored >= acknowledged, f"round {round_number}: {stored} of {acknowledged} samples"
            for writer in writers:
                number, ms = writer.last
                rows = agent.query(f'written{{worker="{writer.worker}"}}', ms / 1000)
                assert len(rows) == SERIES, (round_number, len(rows))
                for labels, value in rows:
                    # A batch that was on its way at the kill may have been stored, too.
                    assert value >= number, (round_number, labels, value, number)
            scraped = count_of(agent, "ticks_total")
            assert scraped >= seen_scraped, f"round {round_number}: {scraped} of {seen_scraped} scraped samples"
        print(f"  {acknowledged} samples acknowledged, slowest restart {slowest:.2f} s")
        assert slowest < 2.0, f"a restart took {slowest:.2f} s"
        assert agent.stop() == 0


if __name__ == "__main__":
    main()
