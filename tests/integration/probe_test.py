"""Service checks: /probe with a blackbox.yml against servers of every kind; beside the real blackbox_exporter where
there is one (BLACKBOX_EXPORTER, or on the PATH): the same names, labels and values."""
import http.server
import os
import re
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse
import gzip

from harness import Agent, free_port, main, scratch, wait_for

MODULES = r"""
modules:
  plain: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  strict:
    prober: http
    http:
      preferred_ip_protocol: ip4
      valid_status_codes: [200, 418]
      valid_http_versions: ["HTTP/1.1"]
      method: POST
      body: "hello"
      headers: {Host: vhost.example, X-Test: "1"}
      basic_auth: {username: u, password: p}
      fail_if_not_ssl: false
      fail_if_body_not_matches_regexp: ["POST hello Basic dTpw vhost.example"]
      fail_if_header_not_matches: [{header: Content-Type, regexp: "^text/"}]
  in_url:
    prober: http
    http:
      preferred_ip_protocol: ip4
      method: POST
      valid_status_codes: [418]
      basic_auth: {username: u, password: p}
      fail_if_body_not_matches_regexp: ["POST  Basic dXNlcjpwdw== "]
  body_bad: {prober: http, http: {fail_if_body_matches_regexp: ["o k"], preferred_ip_protocol: ip4}}
  stay: {prober: http, http: {follow_redirects: false, valid_status_codes: [302], preferred_ip_protocol: ip4}}
  gzip:
    prober: http
    http: {compression: gzip, headers: {Accept-Encoding: gzip}, preferred_ip_protocol: ip4}
  small: {prober: http, http: {body_size_limit: 10B, preferred_ip_protocol: ip4}}
  https_any: {prober: http, http: {tls_config: {insecure_skip_verify: true}, preferred_ip_protocol: ip4}}
  https_ca: {prober: http, http: {tls_config: {ca_file: CA}, preferred_ip_protocol: ip4, fail_if_not_ssl: true}}
  not_ssl: {prober: http, http: {fail_if_not_ssl: true, preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}
  banner:
    prober: tcp
    timeout: 3s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - expect: "^220 ([^ ]+) (.*)$"
          labels: [{name: server, value: "${1}"}, {name: rest, value: "$2"}]
        - send: "EHLO prober"
        - expect: "^250-(.*)$"
          send: "STARTTLS ${1}"
        - expect: "^220 go"
        - starttls: true
        - expect: "^secret"
      tls_config: {insecure_skip_verify: true}
  bytes:
    prober: tcp
    tcp: {preferred_ip_protocol: ip4, query_response: [{expect_bytes: "220"}]}
  tls: {prober: tcp, tcp: {tls: true, preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true}}}
  dns_udp: {prober: dns, dns: {query_name: example.test, query_type: A, preferred_ip_protocol: ip4}}
  dns_tcp:
    prober: dns
    dns:
      query_name: example.test
      query_type: SOA
      transport_protocol: tcp
      preferred_ip_protocol: ip4
      validate_answer_rrs: {fail_if_not_matches_regexp: ["SOA\tns.example.test. root.example.test. 2026"]}
  dns_bad:
    prober: dns
    dns:
      query_name: example.test
      query_type: A
      preferred_ip_protocol: ip4
      validate_answer_rrs: {fail_if_matches_regexp: ["192.0.2.1$"]}
  dns_nx: {prober: dns, dns: {query_name: missing.test, valid_rcodes: [NXDOMAIN], preferred_ip_protocol: ip4}}
  icmp: {prober: icmp, timeout: 2s, icmp: {preferred_ip_protocol: ip4, payload_size: 100}}
  quick: {prober: tcp, timeout: 300ms, tcp: {preferred_ip_protocol: ip4, query_response: [{expect: "never"}]}}
  rpc: {prober: grpc, grpc: {tls: true}}
"""


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/redirect":
            return self.answer(302, b"gone", Location="/ok", Set_Cookie="a=b; Path=/")
        if self.path == "/loop":
            return self.answer(302, b"", Location="/loop")
        if self.path == "/gzip":
            return self.answer(200, gzip.compress(b"x" * 1000), Content_Encoding="gzip")
        if self.path == "/missing":
            return self.answer(404, b"no")
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")
            return None
        return self.answer(200, b"o k", Last_Modified="Tue, 15 Nov 1994 12:45:26 GMT", Content_Type="text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = b" ".join([b"POST", body, self.headers.get("Authorization", "-").encode(), self.headers["Host"].encode()])
        self.answer(418, text, Content_Type="text/plain")


def certificate(directory):
    key, cert = os.path.join(directory, "key.pem"), os.path.join(directory, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", key, "-out",
                    cert, "-subj", "/C=DE/O=Acme, Inc./OU=a/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,DNS:second.example,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def serve(things, server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    things.append(Closer(server))
    return server.server_address[1]


class Closer:
    def __init__(self, server):
        self.server = server

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass  # probes hang up when they know enough


def mail_server(context):
    class Mail(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"220 mail.example ready now\r\n")
            file = self.request.makefile("rb")
            if file.readline() != b"EHLO prober\n":
                return
            self.request.sendall(b"250-first\n")
            if file.readline() != b"STARTTLS first\n":
                return
            self.request.sendall(b"220 go\n")
            with context.wrap_socket(self.request, server_side=True) as secure:
                secure.sendall(b"secret\n")
                secure.recv(1)
    return Mail


def dns_reply(query):
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    kind = struct.unpack(">H", question[-4:-2])[0]
    if question.startswith(b"\7missing"):
        return query[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question
    if kind == 6:
        data = b"\2ns\xc0\x0c" + b"\4root\xc0\x0c" + struct.pack(">IIIII", 2026, 1, 2, 3, 4)
    else:
        data = bytes([192, 0, 2, 1])
    record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + question + record


class DnsUdp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(b"\xff\xff" + dns_reply(data)[2:], self.client_address)  # somebody else's answer
        sock.sendto(dns_reply(data), self.client_address)


class DnsTcp(socketserver.BaseRequestHandler):
    def handle(self):
        size = struct.unpack(">H", self.request.recv(2))[0]
        reply = dns_reply(self.request.recv(size))
        self.request.sendall(struct.pack(">H", len(reply)) + reply)


def parse(text):
    samples, help_text = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            help_text[name] = words
        elif line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            samples[series] = float(value)
    return samples, help_text


def gauge(samples, name):
    return samples.get(name)


class Scene:
    """The servers, an agent with the modules, and perhaps the real exporter."""

    def __init__(self, directory, things):
        cert, key = certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.http = serve(things, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web))
        secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        self.https = serve(things, secure)
        self.mail = serve(things, Threaded(("127.0.0.1", 0), mail_server(context)))
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), DnsUdp)
        udp.daemon_threads = True
        self.dns_udp = serve(things, udp)
        self.dns_tcp = serve(things, Threaded(("127.0.0.1", 0), DnsTcp))
        self.closed = free_port()
        modules = os.path.join(directory, "blackbox.yml")
        with open(modules, "w", encoding="utf-8") as file:
            file.write(MODULES.replace("CA", cert))
        self.agent = Agent(directory, "global: {scrape_interval: 1h}\nprobes: {modules_file: blackbox.yml}\n")
        things.append(self.agent)
        self.agent.start()
        self.real = None
        binary = os.environ.get("BLACKBOX_EXPORTER") or shutil.which("prometheus-blackbox-exporter")
        if binary:
            self.real = free_port()
            process = subprocess.Popen([binary, f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{self.real}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            things.append(Process(process))
            wait_for(lambda: socket.create_connection(("127.0.0.1", self.real), 1), "blackbox_exporter")

    def cases(self):
        web, secure = f"127.0.0.1:{self.http}", f"https://localhost:{self.https}/"
        return [
            ("plain", web, 1), ("plain", f"http://localhost:{self.http}/redirect", 1), ("plain", f"{web}/missing", 0),
            ("plain", f"{web}/gzip", 1), ("plain", f"{web}/chunked", 1), ("plain", f"{web}/loop", 0),
            ("strict", web, 1), ("in_url", f"http://user:pw@{web}", 1), ("in_url", web, 0), ("body_bad", web, 0), ("stay", f"{web}/redirect", 1), ("gzip", f"{web}/gzip", 1),
            ("gzip", web, 0), ("small", f"{web}/gzip", 0), ("https_any", secure, 1), ("https_ca", secure, 1),
            ("plain", secure, 0), ("not_ssl", web, 0), ("plain", f"127.0.0.1:{self.closed}", 0),
            ("tcp", f"localhost:{self.mail}", 1), ("tcp", f"127.0.0.1:{self.closed}", 0), ("tcp", "127.0.0.1", 0),
            ("banner", f"localhost:{self.mail}", 1), ("bytes", f"127.0.0.1:{self.mail}", 1),
            ("tls", f"localhost:{self.https}", 1),
            ("dns_udp", f"127.0.0.1:{self.dns_udp}", 1), ("dns_tcp", f"127.0.0.1:{self.dns_tcp}", 1),
            ("dns_bad", f"127.0.0.1:{self.dns_udp}", 0), ("dns_nx", f"127.0.0.1:{self.dns_udp}", 1),
            ("quick", f"127.0.0.1:{self.mail}", 0), ("plain", "no-such-host.invalid", 0),
        ]

    def ask(self, module, target, debug=False):
        query = urllib.parse.urlencode({"module": module, "target": target} | ({"debug": "true"} if debug else {}))
        status, body = self.agent.get("/probe?" + query)
        assert status == 200, (module, target, status, body)
        return body.decode()

    def ask_real(self, module, target):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.real, timeout=30)
        connection.request("GET", "/probe?" + urllib.parse.urlencode({"module": module, "target": target}))
        return connection.getresponse().read().decode()


class Process:
    def __init__(self, process):
        self.process = process

    def close(self):
        self.process.kill()
        self.process.wait()


# What depends on the moment, or on the implementation of TLS and HTTP.
LOOSE = re.compile(r"^(probe_duration_seconds|probe_dns_lookup_time_seconds|probe_http_duration_seconds|"
                   r"probe_dns_duration_seconds|probe_icmp_duration_seconds|probe_timeout_seconds)")


def test_probes_find_what_they_should():
    with scratch() as (directory, things):
        scene = Scene(directory, things)
        for module, target, success in scene.cases():
            ours, our_help = parse(scene.ask(module, target))
            assert gauge(ours, "probe_success") == success, (module, target, scene.ask(module, target, debug=True))
            if not scene.real:
                continue
            theirs, their_help = parse(scene.ask_real(module, target))
            assert gauge(theirs, "probe_success") == success, ("the real one", module, target)
            ours.pop("probe_timeout_seconds")  # newer than 0.28
            theirs.pop("probe_timeout_seconds", None)
            assert set(ours) == set(theirs), (module, target, set(ours) ^ set(theirs))
            for series, value in theirs.items():
                if not LOOSE.match(series):
                    assert ours[series] == value, (module, target, series, ours[series], value)
            for name, words in their_help.items():
                assert our_help.get(name) == words, (name, our_help.get(name), words)


def test_values_of_a_page():
    with scratch() as (directory, things):
        scene = Scene(directory, things)
        samples, _ = parse(scene.ask("plain", f"http://localhost:{scene.http}/redirect"))
        for name, value in {"probe_http_status_code": 200, "probe_http_redirects": 1, "probe_http_version": 1.1,
                            "probe_http_content_length": 3, "probe_http_uncompressed_body_length": 3,
                            "probe_http_last_modified_timestamp_seconds": 784903526, "probe_ip_protocol": 4,
                            "probe_ip_addr_hash": 3668918509, "probe_http_ssl": 0}.items():
            assert gauge(samples, name) == value, (name, gauge(samples, name))
        samples, _ = parse(scene.ask("banner", f"localhost:{scene.mail}"))
        assert samples['probe_expect_info{rest="ready now",server="mail.example"}'] == 1, samples
        info = next(s for s in samples if s.startswith("probe_ssl_last_chain_info"))
        assert 'subject="CN=localhost,OU=a,O=Acme\\\\, Inc.,C=DE"' in info, info
        assert 'subjectalternative="localhost,second.example"' in info, info
        samples, _ = parse(scene.ask("dns_tcp", f"127.0.0.1:{scene.dns_tcp}"))
        assert gauge(samples, "probe_dns_serial") == 2026 and gauge(samples, "probe_dns_answer_rrs") == 1, samples
        text = scene.ask("strict", f"127.0.0.1:{scene.http}", debug=True)
        for part in ("Logs for the probe:", "Metrics that would have been returned:", "Module configuration:",
                     "probe_success 1", "<secret>", "body: <secret>", "X-Test: <secret>"):
            assert part in text, (part, text)


def test_icmp():
    with scratch() as (directory, things):
        scene = Scene(directory, things)
        text = scene.ask("icmp", "127.0.0.1", debug=True)
        if "no ICMP socket" in text:
            assert "ping_group_range" in text and "CAP_NET_RAW" in text, text
            return
        samples, _ = parse(scene.ask("icmp", "127.0.0.1"))
        assert gauge(samples, "probe_success") == 1, text
        assert gauge(samples, "probe_icmp_reply_hop_limit") == 64, samples


def test_refusals_and_timeouts():
    with scratch() as (directory, things):
        scene = Scene(directory, things)
        agent = scene.agent
        assert agent.get("/probe?module=nope&target=x") == (400, b'Unknown module "nope"\n')
        assert agent.get("/probe?module=plain") == (400, b"Target parameter is missing\n")
        status, body = agent.get("/probe?module=rpc&target=x")
        assert status == 400 and b"prober grpc is not supported" in body and b"blackbox.yml:" in body, body
        status, _ = agent.request("GET", "/probe?module=plain&target=x",
                                  headers={"X-Prometheus-Scrape-Timeout-Seconds": "soon"})
        assert status == 500
        samples, _ = parse(agent.request("GET", f"/probe?module=strict&target=127.0.0.1:{scene.http}",
                                         headers={"X-Prometheus-Scrape-Timeout-Seconds": "4"})[1].decode())
        assert gauge(samples, "probe_timeout_seconds") == 3.5, samples
        # A hundred probes that wait do not keep others from being answered.
        threads = [threading.Thread(target=scene.ask, args=("quick", f"127.0.0.1:{scene.mail}")) for _ in range(100)]
        for thread in threads:
            thread.start()
        assert agent.get("/-/healthy")[0] == 200
        for thread in threads:
            thread.join()
        assert b'vedette_collector_probes_total{outcome="failure"} 100' in agent.get("/metrics")[1]


def test_a_scrape_config_made_for_blackbox_exporter():
    with scratch() as (directory, things):
        web = serve(things, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web))
        agent = Agent(directory, f"""
global: {{scrape_interval: 1s}}
probes: {{}}
scrape_configs:
  - job_name: blackbox
    metrics_path: /probe
    params: {{module: [http_2xx]}}
    static_configs: [{{targets: ["http://127.0.0.1:{web}/ok"]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "{{self}}"}}
""")
        things.append(agent)
        agent.start()
        labels = {"job": "blackbox", "instance": f"http://127.0.0.1:{web}/ok"}
        wait_for(lambda: agent.query("probe_success") == [(labels | {"__name__": "probe_success"}, 1.0)], "a probe")


def test_checks_are_off_unless_somebody_asks_for_them():
    with scratch() as (directory, things):
        modules = os.path.join(directory, "modules.yml")
        with open(modules, "w", encoding="utf-8") as file:
            file.write("modules: {tcp: {prober: tcp}}\n")
        target = "/probe?module=tcp&target=127.0.0.1:1"
        for config, flags, status in [("{}\n", [], 404), ("probes: {enabled: false}\n", [], 404),
                                      ("{}\n", ["--probes.modules-file=" + modules], 200),
                                      ("probes: {enabled: false}\n", ["--probes.modules-file=" + modules], 404)]:
            agent = Agent(directory, config, *flags)
            things.append(agent)
            agent.start()
            assert agent.get(target)[0] == status, (config, flags)
            agent.stop()


def test_module_files_are_checked():
    from harness import BINARY
    cases = {
        "modules:\n  a:\n    prober: htp\n": "blackbox.yml:3:13: modules.a.prober: prober 'htp' is not valid",
        "modules:\n  a:\n    prober: http\n    http:\n      metod: GET\n": "blackbox.yml:5:7: field metod not found",
        "modules:\n  a: {prober: dns}\n": "query name must be set for DNS module",
        'modules:\n  a: {prober: tcp, tcp: {query_response: [{expect: "("}]}}\n': "Could not compile regular expression",
        "modules:\n  a: {prober: icmp, icmp: {ttl: 300}}\n": '"ttl" cannot exceed 255',
        "modules:\n  a: {prober: http, timeout: soon}\n": "'soon' is no duration",
        "moduls: {}\n": "blackbox.yml:1:1",
    }
    with scratch() as (directory, _):
        config = os.path.join(directory, "vedette.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("probes:\n  modules_file: blackbox.yml\n")
        for text, problem in cases.items():
            with open(os.path.join(directory, "blackbox.yml"), "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([BINARY, "check", "config", config], capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and problem in done.stdout + done.stderr, (text, done.stdout, done.stderr)


if __name__ == "__main__":
    main()
