"""Kubernetes discovery against an API server that behaves, and one that does not: 5,000 pods, targets right at once."""
import json
import threading
import time

from harness import Agent, main, scratch, wait_for
from kube_api import KubeApi, pod

PODS = 5000
PADDING = 8300  # with which a pod has about 10 KB


def address(number):
    return f"127.{number // 62500 + 1}.{number // 250 % 250}.{number % 250 + 1}"


def make_pod(number, **more):
    return pod(name_of(number), address(number), padding=PADDING, **more)


def config(api, more=""):
    # An interval at which no scrape disturbs.
    return f"""
global: {{scrape_interval: 1h, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pods
    kubernetes_sd_configs: [{{role: pod, api_server: "http://{api.address}", namespaces: {{names: [shop]}}}}]
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}
      - {{source_labels: [__meta_kubernetes_pod_label_tier], target_label: tier}}
      - {{source_labels: [__meta_kubernetes_pod_ready], target_label: ready}}
{more}
"""


# The same discovery, whose watch both jobs share, but of few targets: a look at these is quick, so that the time of a
# change can be measured.
TIERS = """
  - job_name: tiers
    keep_dropped_targets: 1
    kubernetes_sd_configs: [{role: pod, api_server: "http://%s", namespaces: {names: [shop]}}]
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_label_tier], regex: .+, action: keep}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
      - {source_labels: [__meta_kubernetes_pod_label_tier], target_label: tier}
      - {source_labels: [__meta_kubernetes_pod_ready], target_label: ready}
"""


def targets(agent, pool="pods"):
    """The labels of all targets of a job, by pod."""
    found = agent.api("targets", state="active", scrapePool=pool)["activeTargets"]
    return {t["labels"]["pod"]: {k: v for k, v in t["labels"].items() if k not in ("job", "pod")} for t in found}


def metric(agent, name):
    page = agent.get("/metrics")[1].decode()
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))


def name_of(number):
    return f"cart-5d4f8c7b9-{number:05d}"


class Cluster:
    """What the targets should be, and how long it took until they were."""

    def __init__(self, agent):
        self.agent, self.seconds = agent, []
        self.pods = {n: {} for n in range(PODS)}

    def change(self, what, changed=(), gone=()):
        """`changed`: {number: labels other than the usual}. Waits until the targets that a look is quick at are right."""
        started = time.monotonic()
        self.pods.update(changed)
        for number in gone:
            del self.pods[number]
        tiers = {name: labels for name, labels in self.wanted().items() if "tier" in labels}
        wait_for(lambda: targets(self.agent, "tiers") == tiers, what)
        self.seconds.append((what, time.monotonic() - started))

    def wanted(self):
        return {name_of(n): {"instance": f"{address(n)}:9102", "ready": "true", **labels}
                for n, labels in self.pods.items()}

    def all_are_right(self):
        wait_for(lambda: targets(self.agent) == self.wanted(), "all targets to be right")

    def show(self):
        for what, seconds in self.seconds:
            print(f"  {seconds:6.3f} s  {what}")


def test_5000_pods_come_change_and_go():
    with scratch() as (directory, things):
        api = KubeApi()
        things.append(api)
        api.put_all("pods", [make_pod(n) for n in range(PODS)], quiet=True)
        size = sum(map(len, api.objects["pods"].values()))
        assert size > 9000 * PODS, size
        agent = Agent(directory, config(api, TIERS % api.address))
        things.append(agent)
        agent.start()
        cluster = Cluster(agent)

        def put(numbers, tier, **more):
            api.put_all("pods", [make_pod(n, labels={"tier": tier}, **more) for n in numbers])
            ready = {} if more.get("ready", True) else {"ready": "false"}
            return {n: {"tier": tier, **ready} for n in numbers}

        started = time.monotonic()
        wait_for(lambda: len(targets(agent)) == PODS, "all pods")
        print(f"  {time.monotonic() - started:6.3f} s  {PODS} pods in a list of {size >> 20} MB")
        wait_for(lambda: api.watchers() == 1, "one watch for two jobs")

        cluster.change("a pod added", put([PODS], "new"))
        cluster.change("a label changed", put([17], "gold"))
        cluster.change("a pod not ready", put([17], "gold", ready=False))
        api.delete("pods", "shop", name_of(PODS))
        cluster.change("a pod deleted", gone=[PODS])
        cluster.change("a hundred changed at once", put(range(100, 200), "silver"))

        cluster.all_are_right()

        # What is missed while the connection is broken comes with the next one.
        lists = api.lists
        changed = {}
        for change in range(3):
            api.drop()
            changed |= put([300 + change], "dropped")
        api.delete("pods", "shop", name_of(150))
        cluster.change("changes while connections broke", changed, gone=[150])
        assert api.lists == lists, "a broken connection is no reason to list again"

        # Forgotten by the server: only a new list can tell what happened meanwhile.
        wait_for(lambda: api.watchers() >= 1, "a new watch")
        api.put_all("pods", [make_pod(PODS + 1, labels={"tier": "missed"})], quiet=True)
        with api.lock:
            del api.objects["pods"][("shop", name_of(160))]
        least, watching = [], threading.Event()

        def watch_count():
            while not watching.wait(0.25):
                least.append(metric(agent, 'vedette_collector_targets{state="active"}'))

        watcher = threading.Thread(target=watch_count)
        watcher.start()
        try:
            api.forget()
            cluster.change("listed again after 410", {PODS + 1: {"tier": "missed"}}, gone=[160])
        finally:
            watching.set()
            watcher.join()
        assert api.lists == lists + 1, (api.lists, lists)
        active = len(cluster.pods) + sum("tier" in labels for labels in cluster.pods.values())
        assert min(least) >= active - 2, f"targets were dropped during the new list: {min(least)}"
        cluster.all_are_right()
        cluster.show()
        print(f"  resident: {metric(agent, 'process_resident_memory_bytes') / 2**20:.0f} MB")
        assert metric(agent, 'prometheus_sd_kubernetes_events_total{event="add",role="pod"}') == PODS + 2
        assert agent.stop() == 0


def test_pages_refusals_and_nonsense():
    with scratch() as (directory, things):
        api = KubeApi(page_size=40)
        things.append(api)
        api.put_all("pods", [pod(f"cart-{n:03d}", address(n)) for n in range(130)], quiet=True)
        api.refuse = 503
        agent = Agent(directory, config(api, """
  - job_name: beside
    static_configs: [{targets: ["127.0.0.1:1"]}]
    kubernetes_sd_configs: [{role: pod, api_server: "http://%s"}]
  - job_name: twin
    kubernetes_sd_configs: [{role: pod, api_server: "http://%s", namespaces: {names: [shop]}}]
    relabel_configs: [{source_labels: [__meta_kubernetes_pod_name], target_label: pod}]
""" % (api.address, api.address)))
        things.append(agent)
        agent.start()
        wait_for(lambda: metric(agent, "prometheus_sd_kubernetes_failures_total") >= 2, "failures to be counted")
        wait_for(lambda: len(agent.api("targets", scrapePool="beside")["activeTargets"]) == 1,
                 "the other targets of a job that waits for the API server")
        api.refuse = None
        wait_for(lambda: len(targets(agent)) == 130, "four pages")
        pages = [p for path, p in api.requests if path == "/api/v1/namespaces/shop/pods" and "continue" in p]
        assert len(pages) == 3, pages  # for two jobs, which share what they look at
        wait_for(lambda: len(targets(agent, "twin")) == 130, "the targets of the other job")

        def still_right(tier, what):
            api.put("pods", pod("cart-001", address(1), labels={"tier": tier}))
            wait_for(lambda: targets(agent)["cart-001"].get("tier") == tier, what)
            assert len(targets(agent)) == 130

        # An object of wrong types is left out, and the others go on.
        refused = metric(agent, "vedette_collector_kubernetes_objects_refused_total")
        broken = pod("cart-002", address(2), labels={"tier": "lost"})
        broken["status"]["podIP"] = 5
        api.put("pods", broken)
        still_right("a", "the pod after one of wrong types")
        assert metric(agent, "vedette_collector_kubernetes_objects_refused_total") > refused
        assert "tier" not in targets(agent)["cart-002"]

        # Lines that are no events, and one that is far too long.
        api.say("}}}}{{{{\n")
        still_right("b", "the pod after nonsense")
        api.say('{"type":"ADDED","object":[1]}\n')
        still_right("c", "the pod after an event without an object")
        wait_for(lambda: api.watchers() >= 2, "watches")
        huge = pod("cart-003", address(3), labels={"tier": "huge"})
        huge["metadata"]["annotations"]["big"] = "x" * (5 << 20)
        api.put("pods", huge)
        still_right("d", "the pod after one of five megabytes")
        assert metric(agent, 'vedette_collector_kubernetes_objects_refused_total{reason="too_large"}') >= 1
        assert "tier" not in targets(agent)["cart-003"]
        api.forget()
        still_right("e", "the pod after a list with objects that cannot be read")

        # A server that goes away for a moment takes nothing with it.
        api.refuse = 500
        api.drop()
        failures = metric(agent, "prometheus_sd_kubernetes_failures_total")
        wait_for(lambda: metric(agent, "prometheus_sd_kubernetes_failures_total") > failures, "a failure to be counted")
        assert len(targets(agent)) == 130
        api.refuse = None
        still_right("f", "the pod after an outage")
        assert agent.stop() == 0


def test_every_role_and_a_token_that_is_rotated():
    with scratch() as (directory, things):
        api = KubeApi(token="second")
        things.append(api)
        owner = {"kind": "Deployment", "name": "cart", "controller": True}
        api.put("pods", pod("cart-1", "10.0.0.1"))
        api.put("nodes", {"metadata": {"name": "node-1", "labels": {"zone": "z1"}},
                          "status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.1"}],
                                     "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}})
        api.put("namespaces", {"metadata": {"name": "shop", "labels": {"team": "checkout"}}})
        api.put("replicasets", {"metadata": {"name": "cart-5d4f8c7b9", "namespace": "shop", "ownerReferences": [owner]}})
        api.put("services", {"metadata": {"name": "cart", "namespace": "shop"},
                             "spec": {"type": "ClusterIP", "clusterIP": "10.2.0.1", "ports": [{"port": 80}]}})
        reference = {"kind": "Pod", "namespace": "shop", "name": "cart-1"}
        api.put("endpoints", {"metadata": {"name": "cart", "namespace": "shop"}, "subsets": [
            {"addresses": [{"ip": "10.0.0.1", "targetRef": reference, "nodeName": "node-1"}], "ports": [{"port": 80}]}]})
        api.put("endpointslices", {
            "metadata": {"name": "cart-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
            "addressType": "IPv4", "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": reference, "nodeName": "node-1"}]})
        api.put("ingresses", {"metadata": {"name": "cart", "namespace": "shop"},
                              "spec": {"rules": [{"host": "cart.example", "http": {"paths": [{"path": "/buy"}]}}]}})

        def write(name, text):
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)

        write("token", "first")
        write("kubeconfig", json.dumps({
            "current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://{api.address}"}}],
            "users": [{"name": "u", "user": {"tokenFile": "token"}}]}))
        attached = {"node": True, "namespace": True, "deployment": True}
        roles = ["node", "service", "pod", "endpoints", "endpointslice", "ingress"]
        agent = Agent(directory, json.dumps({
            "global": {"scrape_interval": "1h", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": role, "kubernetes_sd_configs": [
                {"role": role, "kubeconfig_file": "kubeconfig", "attach_metadata": attached}]} for role in roles]}))
        things.append(agent)
        agent.start()

        def discovered(role):
            found = agent.api("targets", state="active", scrapePool=role)["activeTargets"]
            return {t["discoveredLabels"]["__address__"]: t["discoveredLabels"] for t in found}

        wait_for(lambda: metric(agent, "prometheus_sd_kubernetes_failures_total") >= len(roles), "401 to be counted")
        assert not any(discovered(role) for role in roles)
        write("token", "second\n")
        wait_for(lambda: all(discovered(role) for role in roles), "targets of every role")
        assert set(discovered("node")) == {"10.1.0.1:10250"}
        assert set(discovered("service")) == {"cart.shop.svc:80"}
        assert set(discovered("ingress")) == {"cart.example"}
        assert discovered("ingress")["cart.example"]["__meta_kubernetes_ingress_path"] == "/buy"
        assert set(discovered("pod")) == {"10.0.0.1:9102"}
        for role in ("endpoints", "endpointslice"):
            assert set(discovered(role)) == {"10.0.0.1:80", "10.0.0.1:9102"}, role
            labels = discovered(role)["10.0.0.1:80"]
            assert labels["__meta_kubernetes_node_label_zone"] == "z1"
            assert labels["__meta_kubernetes_service_name"] == "cart"
        for role in ("pod", "endpoints", "endpointslice"):
            for labels in discovered(role).values():
                assert labels["__meta_kubernetes_pod_deployment_name"] == "cart"
                assert labels["__meta_kubernetes_namespace_label_team"] == "checkout"

        # Another object's change reaches the targets that show it.
        api.put("namespaces", {"metadata": {"name": "shop", "labels": {"team": "payment"}}})
        for role in roles[1:]:
            wait_for(lambda: {t["__meta_kubernetes_namespace_label_team"] for t in discovered(role).values()}
                     == {"payment"}, f"the new label of the namespace at {role}")
        api.delete("pods", "shop", "cart-1")
        wait_for(lambda: set(discovered("endpoints")) == {"10.0.0.1:80"} and not discovered("pod"), "the pod to go")
        assert agent.stop() == 0


if __name__ == "__main__":
    main()
