"""Files of the store over its commands and endpoints: import, export, delete, snapshot, backup, restore, verify."""
import json
import os
import random
import subprocess
import time

from harness import BINARY, Agent, main, scratch

# Nothing is scraped: what is stored is what the tests store.
CONFIG = "global: {scrape_interval: 1h}\n"
FLAGS = ("--web.enable-admin-api", "--web.enable-remote-write-receiver")


def vedette(*command, status=0):
    done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def lines(count, start, name="imported"):
    return "".join(f'{name}{{host="h{s}"}} {i * (s + 1)} {start + i * 15000}\n' for i in range(count) for s in range(5))


def admin(agent, path, status=204, **parameters):
    from urllib.parse import urlencode
    query = urlencode({k.replace("__", "[]"): v for k, v in parameters.items()}, doseq=True)
    got, body = agent.request("POST", f"/api/v1/admin/tsdb/{path}" + (f"?{query}" if query else ""))
    assert got == status, (path, got, body)
    return body


def test_import_delete_snapshot_and_restore():
    start = int(time.time() - 3 * 86400) * 1000
    with scratch() as (directory, things):
        agent = Agent(directory, CONFIG, *FLAGS)
        things.append(agent)
        agent.start()
        url = f"--server=http://127.0.0.1:{agent.port}"
        text = os.path.join(directory, "in.txt")
        with open(text, "w", encoding="utf-8") as file:
            file.write(lines(2000, start))
        assert "10000 stored" in vedette("import", url, text)
        with open(text, "a", encoding="utf-8") as file:
            file.write("not a line\n")
        said = vedette("import", url, text, status=1)
        assert "line 10001" in said and "1 bad lines" in said, said
        at = start / 1000 + 29985
        assert len(agent.query("count_over_time(imported[1d]) == 2000", at)) == 5
        exported = vedette("export", url, "--format=text", '--match=imported{host="h3"}')
        assert exported.splitlines()[7] == f'imported{{host="h3"}} 28 {start + 105000}', exported[:300]

        snapshot = json.loads(admin(agent, "snapshot", 200))["data"]
        assert os.path.isdir(os.path.join(directory, "data", "snapshots", snapshot["name"])), snapshot
        admin(agent, "delete_series", 400)
        admin(agent, "delete_series", match__='imported{host=~"h[01]"}')
        admin(agent, "delete_series", match__='imported{host="h2"}', end=at - 60)
        assert agent.api("label/host/values") == ["h2", "h3", "h4"]
        assert len(agent.api("series", match__="imported")) == 3
        assert agent.query('count_over_time(imported{host="h2"}[1d])', at)[0][1] == 4
        admin(agent, "clean_tombstones")
        backup = os.path.join(directory, "backup")
        assert "backup in" in vedette("backup", url, backup)
        agent.kill()  # deleted is deleted
        agent.start()
        assert agent.api("label/host/values") == ["h2", "h3", "h4"]
        admin(agent, "flush")
        assert agent.stop() == 0

        data = os.path.join(directory, "data")
        assert "no damage" in vedette("storage", "verify", data)
        vedette("storage", "compact", data)
        inspected = vedette("storage", "inspect", data)
        assert "bytes per sample" in inspected and "blocks" in inspected, inspected
        restored = os.path.join(directory, "restored")
        vedette("restore", backup, f"--storage.path={restored}")
        vedette("restore", backup, f"--storage.path={restored}", status=1)
        assert vedette("export", f"--storage.path={restored}") == vedette("export", f"--storage.path={data}")
        # The snapshot is from before the deletion.
        assert len(vedette("export", f"--storage.path={snapshot['path']}").splitlines()) == 5


def test_offline_import_and_damage_that_verify_names():
    start = int(time.time() - 9 * 86400) // 86400 * 86400000
    with scratch() as (directory, things):
        data = os.path.join(directory, "data")
        text = os.path.join(directory, "in.om")
        with open(text, "w", encoding="utf-8") as file:
            # Values that no codec makes small: the largest table file is then the one with the chunks.
            noise = random.Random(1)
            for line in lines(5760, start).splitlines():
                head, _, ms = line.rsplit(" ", 2)
                file.write(f"{head} {noise.random()!r} {int(ms) / 1000}\n")
            file.write("# EOF\n")
        assert "28800 stored" in vedette("import", f"--storage.path={data}", "--format=openmetrics", text)
        assert "no damage" in vedette("storage", "verify", data)
        tables = [os.path.join(data, "db", name) for name in os.listdir(os.path.join(data, "db")) if name.endswith(".sst")]
        largest = max(tables, key=os.path.getsize)
        with open(largest, "r+b") as file:
            file.seek(os.path.getsize(largest) // 3)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 16]))
        said = vedette("storage", "verify", data, status=1)
        assert os.path.basename(largest) in said and "damaged" in said, said
        # The agent serves what can be read, and names what cannot.
        agent = Agent(directory, CONFIG, *FLAGS, "--storage.retention.time=100d")
        things.append(agent)
        agent.start()
        status, body = agent.get(f"/api/v1/query?query=count_over_time(imported[1d])&time={start // 1000 + 86399}")
        assert status in (422, 500) and b"series" in body, (status, body)
        assert agent.write([({"__name__": "fresh"}, [(int(time.time() * 1000), 1)])]) in (200, 204)
        assert agent.query("fresh")[0][1] == 1
        assert agent.stop() == 0


if __name__ == "__main__":
    main()
