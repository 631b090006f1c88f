"""What the integration tests share: a running agent, targets, webhook receivers, remote write.

Standard library only. Everything listens on 127.0.0.1 on ports of its own, lives in a temporary directory, and is gone
when the test ends. A test is a script with functions named test_*; `main()` runs them all.
"""
import contextlib
import http.client
import http.server
import json
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

from contract import CONTRACT

BINARY = os.environ.get("VEDETTE_BINARY", "build/dev/vedette")
PATIENCE = float(os.environ.get("VEDETTE_TEST_PATIENCE", "60"))  # seconds until something that must happen has not

# Of an agent whose memory is looked at: an address sanitizer would keep what was freed.
WITHOUT_QUARANTINE = os.environ | {"ASAN_OPTIONS": "quarantine_size_mb=4:thread_local_quarantine_size_kb=64"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, patience=None):
    """The first true result of `condition`, asked again and again; AssertionError when patience ends."""
    deadline = time.monotonic() + (patience or PATIENCE)
    problem = None
    while True:
        try:
            result = condition()
            if result:
                return result
        except (OSError, AssertionError, http.client.HTTPException) as error:
            problem = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}" + (f" ({problem})" if problem else ""))
        threading.Event().wait(0.02)


class Agent:
    """`vedette serve` on a directory and a free port."""

    def __init__(self, directory, config=None, *flags):
        self.directory = directory
        self.port = free_port()
        self.config = None
        if config is not None:
            self.config = os.path.join(directory, "vedette.yml")
            with open(self.config, "w", encoding="utf-8") as file:
                file.write(config.replace("{self}", f"127.0.0.1:{self.port}"))
        self.flags = list(flags)
        self.log_path = os.path.join(directory, "log")
        self.process = None
        self.environment = None

    def command(self):
        out = [BINARY, "serve", f"--storage.path={self.directory}/data", f"--web.listen-address=127.0.0.1:{self.port}"]
        if self.config:
            out.append(f"--config.file={self.config}")
        return out + self.flags

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment)
        started = time.monotonic()
        wait_for(self.is_ready, "the agent to be ready")
        self.seconds_to_ready = time.monotonic() - started
        return self

    def is_ready(self):
        assert self.process.poll() is None, "the agent ended: " + self.log()[-2000:]
        return self.get("/-/ready")[0] == 200

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Exit status of a clean stop."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            answer = reply.read()
            if not reply.headers.get("Content-Encoding"):
                CONTRACT.check(method, path, reply.status, reply.headers.get("Content-Type", ""), answer)
            return reply.status, answer
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def api(self, path, **parameters):
        """The `data` of a successful answer."""
        query = urllib.parse.urlencode({k.replace("__", "[]"): v for k, v in parameters.items()}, doseq=True)
        status, body = self.get(f"/api/v1/{path}" + (f"?{query}" if query else ""))
        reply = json.loads(body)
        assert status == 200 and reply["status"] == "success", (path, status, reply)
        return reply["data"]

    def query(self, expression, time=None):
        """[(labels, value)] of an instant query."""
        extra = {} if time is None else {"time": repr(time)}
        data = self.api("query", query=expression, **extra)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def write(self, series):
        """Remote write 1.0 of [(labels, [(ms, value)])]; the HTTP status."""
        status, body = self.request("POST", "/api/v1/write", snappy(write_request(series)),
                                    {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
        self.write_answer = body
        return status


# Remote write --------------------------------------------------------------------------------------------------------


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def message(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_request(series):
    out = bytearray()
    for labels, samples in series:
        body = b"".join(message(1, message(1, k.encode()) + message(2, v.encode())) for k, v in sorted(labels.items()))
        for ms, value in samples:
            body += message(2, varint(1 << 3 | 1) + struct.pack("<d", value) + varint(2 << 3) + varint(ms))
        out += message(1, body)
    return bytes(out)


def snappy(data):
    """Snappy block format with literals only."""
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 65536):
        chunk = data[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(out)


# Servers that the agent talks to -------------------------------------------------------------------------------------


class LocalServer:
    """An HTTP server in a thread; `handle(request_handler, body)` answers."""

    def __init__(self, handle):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                handle(self, self.rfile.read(length))

            do_POST = do_GET

            def answer(self, status, body=b"", headers=None):
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a killed agent drops its connections
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Target(LocalServer):
    """A scrape target whose page the test sets; `status` 500 makes it fail."""

    def __init__(self, page="", content_type="text/plain; version=0.0.4"):
        self.page, self.status, self.content_type, self.scrapes = page, 200, content_type, 0

        def handle(request, _):
            self.scrapes += 1
            page = self.page() if callable(self.page) else self.page
            request.answer(self.status, page, {"Content-Type": self.content_type})

        super().__init__(handle)


class Receiver(LocalServer):
    """A webhook receiver. `script`: answers (status, headers) for the next requests; afterwards `usual`."""

    def __init__(self, usual=(200, {})):
        self.script, self.usual, self.refused = [], usual, []
        self.bodies = queue.Queue()
        lock = threading.Lock()

        def handle(request, body):
            with lock:
                status, headers = self.script.pop(0) if self.script else self.usual
            if 200 <= status < 300:
                self.bodies.put(json.loads(body))
            else:
                self.refused.append((time.monotonic(), json.loads(body)))
            request.answer(status, "ok" if status == 200 else "{}", headers)

        super().__init__(handle)

    def next(self, what, patience=None):
        try:
            return self.bodies.get(timeout=patience or PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no {what} arrived") from None


@contextlib.contextmanager
def scratch():
    """A temporary directory, and a list of things whose close() is called at the end."""
    directory = tempfile.mkdtemp(prefix="vedette-it-")
    things = []
    try:
        yield directory, things
    finally:
        for thing in reversed(things):
            thing.close()
        shutil.rmtree(directory, ignore_errors=True)


SKIPPED = 77  # the exit status that ctest takes for that (CMakeLists.txt)
SKIPS = []


def skip(reason):
    """Says that a test, or a part of it, cannot be done here."""
    SKIPS.append(reason)
    print(f"  skipped: {reason}")


def installed(program):
    path = shutil.which(program)
    if not path:
        skip(f"{program} is not installed")
    return path


def main():
    """Runs the test_* functions of the calling script (or those named as arguments). When none of them could be done as a
    whole, the script counts as skipped."""
    tests = {k: v for k, v in vars(sys.modules["__main__"]).items() if k.startswith("test_")}
    wanted = sys.argv[1:] or list(tests)
    failed = skipped = 0
    for name in wanted:
        started, skips = time.monotonic(), len(SKIPS)
        try:
            tests[name]()
            print(f"ok   {name} ({time.monotonic() - started:.1f} s)", flush=True)
            skipped += len(SKIPS) > skips
        except Exception:
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed" + (f", {skipped} of those passed with skips" if skipped else ""))
    sys.exit(1 if failed else SKIPPED if skipped == len(wanted) else 0)
