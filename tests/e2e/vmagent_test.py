"""vmagent remote-writes to the agent in both of its ways: snappy, and its own with zstd."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from harness import Agent, Target, free_port, installed, main, scratch, skip, wait_for
from push_test import Process

SNAPPY, ZSTD = "-remoteWrite.forcePromProto", "-remoteWrite.forceVMProto"
PAGE = """# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total{queue="a \\"b\\""} %d
gone_soon 1
"""


def flags_for(vmagent, flag):
    """Old ones know one way only, snappy."""
    known = subprocess.run([vmagent, "-help"], capture_output=True, text=True, check=False)
    if flag in known.stdout + known.stderr:
        return [flag]
    return [] if flag == SNAPPY else None


def written(flag):
    """Everything arrives, and what vanishes from the page gets its marker."""
    vmagent = installed("vmagent")
    if not vmagent:
        return None
    flags = flags_for(vmagent, flag)
    if flags is None:
        skip(f"this vmagent has no {flag}")
        return None
    with scratch() as (directory, things):
        state = {"count": 0, "gone": False}

        def page():
            state["count"] += 1
            text = PAGE % state["count"]
            return text.replace("gone_soon 1\n", "") if state["gone"] else text

        target = Target(page)
        things.append(target)
        agent = Agent(directory, "scrape_configs: []\n", "--web.enable-remote-write-receiver")
        things.append(agent)
        agent.start()
        path = os.path.join(directory, "scrape.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: vm, static_configs: [{{targets: ["{target.address}"]}}]}}]
""")
        things.append(Process(directory, vmagent, f"-promscrape.config={path}", f"-httpListenAddr=127.0.0.1:{free_port()}",
                              f"-remoteWrite.tmpDataPath={directory}/vm", "-remoteWrite.flushInterval=200ms", *flags,
                              f"-remoteWrite.url=http://127.0.0.1:{agent.port}/api/v1/write"))
        wait_for(lambda: agent.query('jobs_total{job="vm",queue="a \\"b\\""} > 2'), "some scrapes")
        assert agent.query("gone_soon"), "a gauge"
        state["gone"] = True
        wait_for(lambda: not agent.query("gone_soon"), "the marker")
        wait_for(lambda: agent.query('up{job="vm"} == 1'), "up")
        samples = agent.query("count_over_time(jobs_total[5m])")[0][1]
        assert agent.query("changes(jobs_total[5m])")[0][1] == samples - 1, "each scrape once"
        return agent.get("/metrics")[1].decode()


def test_snappy():
    written(SNAPPY)


def test_zstd():
    written(ZSTD)


if __name__ == "__main__":
    main()
