"""Service discovery of the whole agent: Consul, Docker over a Unix socket, EC2, with a server that comes and goes."""
import http.server
import json
import os
import socketserver
import threading

from harness import Agent, LocalServer, main, scratch, wait_for

CONTAINERS = [{"Id": "c1", "Names": ["/web"], "HostConfig": {"NetworkMode": "n"}, "Labels": {"team.x": "a"},
               "Ports": [{"PrivatePort": 9100, "Type": "tcp"}],
               "NetworkSettings": {"Networks": {"n": {"NetworkID": "n1", "IPAddress": "127.0.0.2"}}}}]
NETWORKS = [{"Id": "n1", "Name": "n", "Scope": "local"}]
INSTANCES = """<DescribeInstancesResponse><reservationSet><item><ownerId>1</ownerId><instancesSet><item>
<instanceId>i-1</instanceId><privateIpAddress>127.0.0.3</privateIpAddress><placement><availabilityZone>za</availabilityZone>
</placement></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"""
ZONES = """<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>za</zoneName><zoneId>id-a</zoneId></item>
</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"""

CONFIG = """
scrape_configs:
  - job_name: consul
    consul_sd_configs: [{server: '127.0.0.1:CONSUL', refresh_interval: 100ms}]
  - job_name: docker
    docker_sd_configs: [{host: 'unix://SOCKET', refresh_interval: 100ms}]
  - job_name: ec2
    ec2_sd_configs: [{endpoint: 'http://127.0.0.1:EC2', region: r, access_key: a, secret_key: b, port: 81}]
  - job_name: nothing
    dns_sd_configs: [{names: [does-not-exist.invalid.], type: A, port: 1}]
    static_configs: [{targets: ['127.0.0.4:1']}]
"""


class Docker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        reply = CONTAINERS if path.endswith("/containers/json") else NETWORKS if path.endswith("/networks") else "OK"
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "socket"

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def targets(agent):
    found = {}
    for target in agent.api("targets")["activeTargets"]:
        found.setdefault(target["scrapePool"], []).append(target["discoveredLabels"])
    return found


def test_targets_of_consul_docker_and_ec2():
    state = {"index": 5, "ports": {"web": 8080}, "ill": False}

    def consul(request, _):
        path, _, query = request.path.partition("?")
        if state["ill"]:
            return request.answer(500, b"No cluster leader")
        if path == "/v1/agent/self":
            return request.answer(200, b'{"Config": {"Datacenter": "dc1"}}')
        if f"index={state['index']}" in query:
            threading.Event().wait(0.2)
        headers = {"X-Consul-Index": str(state["index"])}
        if path == "/v1/catalog/services":
            return request.answer(200, json.dumps({name: [] for name in state["ports"]}).encode(), headers)
        name = path.rpartition("/")[2]
        nodes = [{"Node": {"Node": "n", "Address": "127.0.0.1"}, "Service": {"Port": state["ports"][name]}}]
        return request.answer(200, json.dumps(nodes).encode(), headers)

    def ec2(request, body):
        request.answer(200, (ZONES if b"Zones" in body else INSTANCES).encode(), {"Content-Type": "text/xml"})

    with scratch() as (directory, things):
        path = os.path.join(directory, "docker.sock")
        docker = UnixServer(path, Docker)
        threading.Thread(target=docker.serve_forever, daemon=True).start()
        servers = [LocalServer(consul), LocalServer(ec2)]
        things += servers
        config = CONFIG.replace("CONSUL", str(servers[0].port)).replace("EC2", str(servers[1].port))
        agent = Agent(directory, config.replace("SOCKET", path))
        things.append(agent)
        agent.start()
        try:
            wait_for(lambda: len(targets(agent)) == 4, "targets of all jobs")
            found = targets(agent)
            assert found["consul"][0]["__address__"] == "127.0.0.1:8080", found
            assert found["consul"][0]["__meta_consul_dc"] == "dc1", found
            assert found["docker"][0]["__address__"] == "127.0.0.2:9100", found
            assert found["docker"][0]["__meta_docker_container_label_team_x"] == "a", found
            assert found["ec2"][0]["__address__"] == "127.0.0.3:81", found
            assert found["ec2"][0]["__meta_ec2_availability_zone_id"] == "id-a", found

            state["ports"]["web"] = 8081
            state["index"] += 1
            wait_for(lambda: targets(agent)["consul"][0]["__address__"] == "127.0.0.1:8081", "the change of a service")
            state["ill"] = True
            failures = "vedette_collector_consul_sd_rpc_failures_total 0"
            wait_for(lambda: failures not in agent.get("/metrics")[1].decode(), "a failure that is counted")
            assert targets(agent)["consul"][0]["__address__"] == "127.0.0.1:8081"
        finally:
            docker.shutdown()
            docker.server_close()


if __name__ == "__main__":
    main()
