"""Hostile targets, queries, bodies, configurations and surroundings: a clear word, and the agent goes on or refuses."""
import os
import socket
import subprocess
import threading

from harness import Agent, BINARY, LocalServer, Target, main, scratch, snappy, varint, wait_for, write_request


class RawTarget:
    """Answers every connection with fixed bytes, then closes or keeps silent."""

    def __init__(self, answer, hang=False):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.open = []

        def serve():
            while True:
                try:
                    connection, _ = self.socket.accept()
                    connection.recv(65536)
                    connection.sendall(answer)
                    if hang:
                        self.open.append(connection)
                    else:
                        connection.close()
                except OSError:
                    if self.socket.fileno() == -1:
                        return

        threading.Thread(target=serve, daemon=True).start()

    def close(self):
        self.socket.close()
        for connection in self.open:
            connection.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"


def test_hostile_targets():
    with scratch() as (directory, things):
        def endless(request, _):
            request.send_response(200)
            request.send_header("Content-Type", "text/plain; version=0.0.4")
            request.send_header("Content-Length", str(1 << 30))
            request.end_headers()
            line = b"".join(b'big{i="%d"} 1\n' % i for i in range(5000))
            try:
                while True:
                    request.wfile.write(line)
            except OSError:
                pass

        targets = {
            "hangs": RawTarget(b"", hang=True),
            "closes_early": RawTarget(b""),
            "half_a_body": RawTarget(HEAD + b"Content-Length: 1000\r\n\r\na 1\n"),
            "gigabyte": LocalServer(endless),
            "bad_utf8": Target(b'a{x="\xff"} 1\n'),
            "html": Target("<html><body>hello</body></html>", "text/html"),
            "junk": Target("a 1 2 3 4\n"),
            "duplicates": Target("a 1\na 2\nb NaN\n"),
            "good": Target("good 1\n"),
        }
        things += targets.values()
        jobs = "\n".join(f"""  - job_name: {name}
    body_size_limit: 1MB
    static_configs: [{{targets: ["{target.address}"]}}]""" for name, target in targets.items())
        agent = Agent(directory, f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}\n")
        things.append(agent)
        agent.start()
        wait_for(lambda: agent.query('count(count_over_time(up[1m]) >= 2) == 9'), "two scrapes of every target")
        health = {t["scrapePool"]: t for t in agent.api("targets")["activeTargets"]}
        for name in ("hangs", "closes_early", "half_a_body", "gigabyte", "bad_utf8", "html", "junk"):
            assert health[name]["health"] == "down" and health[name]["lastError"], health[name]
        for name in ("duplicates", "good"):
            assert health[name]["health"] == "up", health[name]
        assert agent.query('a{job="duplicates"}')[0][1] == 1
        assert not agent.query("big")
        assert agent.stop() == 0


def test_hostile_queries():
    with scratch() as (directory, things):
        agent = Agent(directory, "")
        things.append(agent)
        agent.start()
        for query, status, kind in (("(" * 10_000 + "1" + ")" * 10_000, 400, "bad_data"), ("-" * 10_000 + "1", 400, "bad_data"),
                                    ("sum(", 400, "bad_data"), ("rate(a)", 400, "bad_data"), ("\x00", 400, "bad_data"),
                                    ("{}", 400, "bad_data"), ("a{b=~'('}", 400, "bad_data")):
            code, body = agent.request("POST", "/api/v1/query", "query=" + "".join(f"%{b:02x}" for b in query.encode()),
                                       {"Content-Type": "application/x-www-form-urlencoded"})
            assert code == status and kind.encode() in body, (query[:20], code, body[:300])
        for path in ("query", "query?query=1&time=never", "query_range?query=1&start=2&end=1&step=1",
                     "query_range?query=1&start=0&end=1&step=0", "query_range?query=1&start=0&end=1e9&step=1", "series",
                     "series?match[]={}", "label/%FF/values"):
            code, body = agent.get("/api/v1/" + path)
            assert code == 400 and b"bad_data" in body, (path, code, body[:300])
        assert agent.get("/api/v1/nothing")[0] == 404
        assert agent.request("DELETE", "/api/v1/query")[0] == 405
        assert agent.get("/-/healthy")[0] == 200


def test_hostile_remote_writes():
    with scratch() as (directory, things):
        agent = Agent(directory, "", "--web.enable-remote-write-receiver", "--storage.retention.time=100y")
        things.append(agent)
        agent.start()
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        good = write_request([({"__name__": "m"}, [(1000, 1.0)])])

        def post(body, extra=None):
            return agent.request("POST", "/api/v1/write", body, headers | (extra or {}))[0]

        assert post(snappy(good)) // 100 == 2
        assert post(varint(1 << 40) + b"\0") == 400, "a lying length prefix"
        assert post(varint(100) + b"\xff\xff\xff") == 400
        assert post(b"") in (200, 204, 400)
        assert post(snappy(b"\x0a\xff\xff\xff\xff\x0f")) == 400, "a lying length inside"
        assert post(snappy(good), {"Content-Type": "application/json"}) == 415
        assert post(snappy(good), {"Content-Encoding": "gzip"}) == 415
        assert agent.request("GET", "/api/v1/write")[0] == 405
        assert post(snappy(write_request([({"a": "no name"}, [(1000, 1.0)])]))) // 100 in (2, 4)
        assert agent.query("count(m)", 1)[0][1] == 1


def refused(*command):
    done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, -6, -11, 134, 139), (command, done)
    return done.stdout + done.stderr


def test_refuses_to_start():
    with scratch() as (directory, things):
        agent = Agent(directory, "")
        things.append(agent)
        agent.start()
        said = refused("serve", f"--storage.path={directory}/data", "--web.listen-address=127.0.0.1:0")
        assert f"{directory}/data" in said and "another process" in said, said
        said = refused("serve", f"--storage.path={directory}/other", f"--web.listen-address=127.0.0.1:{agent.port}")
        assert str(agent.port) in said, said
        bad = os.path.join(directory, "bad.yml")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("scrape_configs:\n  - job_name: a\n    scrape_intervall: 5s\n")
        for command in (["serve", f"--config.file={bad}", f"--storage.path={directory}/third"], ["check", "config", bad]):
            said = refused(*command)
            assert "bad.yml:3:5" in said and "scrape_intervall" in said, said
        assert not os.path.exists(f"{directory}/third"), "nothing starts half configured"
        assert "nowhere.yml" in refused("serve", "--config.file=nowhere.yml")
        assert "--frobnicate" in refused("serve", "--frobnicate")


if __name__ == "__main__":
    main()
