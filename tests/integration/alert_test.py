"""A target goes down: one valid Slack message and one valid PagerDuty trigger with priority and reason, then the resolve;
also over a kill -9 between firing and sending, and when the receivers answer 429 first."""
import json
import shutil
import subprocess
import threading
import time
import urllib.request

from harness import (Agent, LocalServer, Receiver, Target, free_port, installed, main, scratch, wait_for)

RULES = """
groups:
  - name: targets
    interval: 200ms
    rules:
      - alert: TargetDown
        expr: up{job="app"} == 0
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.instance }} of {{ $labels.job }} is down"
          runbook_url: "https://runbooks.example/target-down"
"""

CONFIG = """
global: {{evaluation_interval: 200ms}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: app
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{{targets: ["{target}"]}}]
alerting:
  route:
    receiver: oncall
    group_by: [alertname, job]
    group_wait: {group_wait}
    group_interval: 300ms
    repeat_interval: 1h
  receivers:
    - name: oncall
      slack_configs:
        - api_url: "http://{slack}/services/T0/B0/secret"
          channel: "#ops"
          send_resolved: true
      pagerduty_configs:
        - routing_key: 0123456789abcdef0123456789abcdef
          url: "http://{pagerduty}/v2/enqueue"
"""


def setup(directory, things, group_wait="0s"):
    target = Target("a 1\n")
    slack, pagerduty = Receiver(), Receiver((202, {}))
    things += [target, slack, pagerduty]
    with open(f"{directory}/rules.yml", "w", encoding="utf-8") as file:
        file.write(RULES)
    agent = Agent(directory, CONFIG.format(target=target.address, slack=slack.address, pagerduty=pagerduty.address,
                                           group_wait=group_wait))
    things.append(agent)
    agent.start()
    wait_for(lambda: agent.query('up{job="app"} == 1'), "the target to be up")
    return agent, target, slack, pagerduty


def check_slack(body, words):
    text = repr(body)
    for word in words:
        assert word in text, (word, body)
    blocks = body.get("blocks") or [b for a in body.get("attachments", []) for b in a.get("blocks", [])]
    assert 0 < len(blocks) <= 50, body
    for block in blocks:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text" and len(block["text"]["text"]) <= 150, block
        if block["type"] == "section" and "text" in block:
            assert len(block["text"]["text"]) <= 3000, block
        assert len(block.get("fields", [])) <= 10, block
    assert len(text) < 13_000
    assert body.get("text"), "a message needs a text for notifications"


def check_pagerduty(body, action, key=None):
    assert body["routing_key"] == "0123456789abcdef0123456789abcdef", body
    assert body["event_action"] == action, body
    assert 0 < len(body["dedup_key"]) <= 255, body
    if key:
        assert body["dedup_key"] == key, body
    if action == "trigger":
        payload = body["payload"]
        assert 0 < len(payload["summary"]) <= 1024 and payload["source"], body
        assert payload["severity"] in ("critical", "error", "warning", "info"), body
        details = repr(payload["custom_details"])
        assert "P0" in details or "P1" in details, details
        assert "because" in details or "reason" in details, details
    return body["dedup_key"]


def expect_episode(target, slack, pagerduty):
    check_slack(slack.next("Slack message"), ["TargetDown", "P", "because", "is down"])
    key = check_pagerduty(pagerduty.next("PagerDuty trigger"), "trigger")
    target.status = 200
    check_slack(slack.next("Slack resolve"), ["TargetDown", "esolved"])
    check_pagerduty(pagerduty.next("PagerDuty resolve"), "resolve", key)


def test_down_and_up_again():
    with scratch() as (directory, things):
        agent, target, slack, pagerduty = setup(directory, things)
        target.status = 500
        expect_episode(target, slack, pagerduty)
        wait_for(lambda: not agent.api("alerts")["alerts"], "the alert to end")
        assert slack.bodies.empty() and pagerduty.bodies.empty(), "a message too many"
        assert agent.stop() == 0
        assert "T0/B0/secret" not in agent.log() and "0123456789abcdef" not in agent.log(), "a secret in the log"


def test_killed_between_firing_and_sending():
    with scratch() as (directory, things):
        # Both receivers refuse until the agent is dead, so that nothing can have been delivered before.
        agent, target, slack, pagerduty = setup(directory, things)
        slack.usual, pagerduty.usual = (503, {}), (503, {})
        target.status = 500
        wait_for(lambda: slack.refused and pagerduty.refused, "both receivers to be tried")
        agent.kill()
        slack.usual, pagerduty.usual = (200, {}), (202, {})
        agent.start()
        # What ends before the new process has seen it is told a minute later (docs/operations.md).
        wait_for(lambda: [a for a in agent.api("alerts")["alerts"] if a["state"] == "firing"], "the alert to fire again")
        expect_episode(target, slack, pagerduty)
        assert agent.stop() == 0


def test_killed_while_the_group_waits():
    with scratch() as (directory, things):
        agent, target, slack, pagerduty = setup(directory, things, group_wait="2s")
        target.status = 500
        wait_for(lambda: [a for a in agent.api("alerts")["alerts"] if a["state"] == "firing"], "the alert to fire")
        agent.kill()
        agent.start()
        wait_for(lambda: [a for a in agent.api("alerts")["alerts"] if a["state"] == "firing"], "the alert to fire again")
        expect_episode(target, slack, pagerduty)
        assert agent.stop() == 0


def test_receivers_say_429_first():
    with scratch() as (directory, things):
        agent, target, slack, pagerduty = setup(directory, things)
        slack.script = [(429, {"Retry-After": "2"})]
        pagerduty.script = [(429, {"Retry-After": "2"})]
        target.status = 500
        started = time.monotonic()
        message = slack.next("Slack message after Retry-After")
        assert time.monotonic() - slack.refused[0][0] >= 2.0, "Retry-After was not honoured"
        check_slack(message, ["TargetDown"])
        key = check_pagerduty(pagerduty.next("PagerDuty trigger after Retry-After"), "trigger")
        assert time.monotonic() - started < 30
        target.status = 200
        check_slack(slack.next("Slack resolve"), ["TargetDown"])
        check_pagerduty(pagerduty.next("PagerDuty resolve"), "resolve", key)
        assert agent.stop() == 0


def test_resolved_before_it_could_be_sent():
    with scratch() as (directory, things):
        agent, target, slack, pagerduty = setup(directory, things)
        slack.usual, pagerduty.usual = (503, {}), (503, {})
        target.status = 500
        wait_for(lambda: slack.refused and pagerduty.refused, "both receivers to be tried")
        target.status = 200
        wait_for(lambda: not agent.api("alerts")["alerts"], "the alert to end")
        slack.usual, pagerduty.usual = (200, {}), (202, {})
        check_slack(slack.next("message about what was missed"), ["TargetDown"])
        assert pagerduty.next("PagerDuty event")["dedup_key"]
        assert agent.stop() == 0



class Alertmanager:
    """The real one."""

    def __init__(self, program, directory):
        self.port = free_port()
        config = f"{directory}/am-{self.port}.yml"
        with open(config, "w", encoding="utf-8") as file:
            file.write("route: {receiver: none}\nreceivers: [{name: none}]\n")
        self.address = f"127.0.0.1:{self.port}"
        with open(f"{directory}/am-{self.port}.log", "wb") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.path={directory}/am-{self.port}",
                 f"--web.listen-address={self.address}", "--cluster.listen-address="],
                stdout=log, stderr=log)
        wait_for(lambda: self.get("/-/ready"), "Alertmanager to be ready")

    def get(self, path):
        return urllib.request.urlopen(f"http://{self.address}{path}", timeout=10).read()

    def alerts(self, state="active=true"):
        return json.loads(self.get(f"/api/v2/alerts?{state}"))

    def close(self):
        self.process.kill()
        self.process.wait()


EXTERNAL = """
global: {{evaluation_interval: 200ms, external_labels: {{cluster: c1, drop_me: x}}}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: app
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{{targets: ["{target}"]}}]
alerting:
  alert_relabel_configs: [{{regex: drop_me, action: labeldrop}}]
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{dead}", "{hanging}"]}}]
      timeout: 1h
    - file_sd_configs: [{{files: [alertmanagers.json]}}]
      alert_relabel_configs: [{{target_label: sent_by, replacement: vedette}}]
"""


def test_alertmanagers_of_others_are_told():
    program = shutil.which("prometheus-alertmanager") or installed("alertmanager")
    if not program:
        return
    hang = threading.Event()
    with scratch() as (directory, things):
        hanging = LocalServer(lambda request, body: hang.wait())
        alertmanager = Alertmanager(program, directory)
        target = Target("a 1\n")
        things += [hanging, alertmanager, target]
        with open(f"{directory}/rules.yml", "w", encoding="utf-8") as file:
            file.write(RULES)
        with open(f"{directory}/alertmanagers.json", "w", encoding="utf-8") as file:
            json.dump([{"targets": [alertmanager.address]}], file)
        agent = Agent(directory, EXTERNAL.format(target=target.address, dead=free_port(), hanging=hanging.address))
        things.append(agent)
        agent.start()
        try:
            wait_for(lambda: agent.query('up{job="app"} == 1'), "the target to be up")
            target.status = 500
            alert = wait_for(alertmanager.alerts, "a firing alert")[0]
            assert alert["labels"] == {"alertname": "TargetDown", "severity": "critical", "job": "app", "cluster": "c1",
                                       "instance": target.address, "sent_by": "vedette"}, alert
            assert alert["annotations"]["summary"] == f"{target.address} of app is down", alert
            assert "g0.expr=up" in alert["generatorURL"], alert
            urls = [entry["url"] for entry in agent.api("alertmanagers")["activeAlertmanagers"]]
            assert f"http://{alertmanager.address}/api/v2/alerts" in urls and len(urls) == 3, urls
            target.status = 200
            wait_for(lambda: not alertmanager.alerts(), "the resolve")
        finally:
            hang.set()


if __name__ == "__main__":
    main()
