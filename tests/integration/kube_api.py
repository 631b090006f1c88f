"""A Kubernetes API server for tests: lists in pages, streams watches, and does what real ones do on a bad day.

Objects are set and deleted from the test; every watcher gets the event. Faults are switched on by attributes and methods:
`forget()` makes every older place of a watch 410 Gone, `drop()` breaks all streams in the middle, `refuse` answers every
request with that status, `say()` puts any line into the streams.
"""
import json
import socket
import struct
import threading
import time
import urllib.parse

from harness import LocalServer

GROUPS = {"pods": "/api/v1", "services": "/api/v1", "endpoints": "/api/v1", "nodes": "/api/v1",
          "namespaces": "/api/v1", "endpointslices": "/apis/discovery.k8s.io/v1",
          "ingresses": "/apis/networking.k8s.io/v1", "replicasets": "/apis/apps/v1", "jobs": "/apis/batch/v1"}
KINDS = {"pods": "Pod", "services": "Service", "endpoints": "Endpoints", "nodes": "Node", "namespaces": "Namespace",
         "endpointslices": "EndpointSlice", "ingresses": "Ingress", "replicasets": "ReplicaSet", "jobs": "Job"}


class KubeApi(LocalServer):
    def __init__(self, token=None, page_size=None):
        self.lock = threading.Condition()
        self.version = 1000
        self.oldest = 1000  # watches from before are told that they are gone
        self.objects = {resource: {} for resource in KINDS}  # (namespace, name): text without its version
        self.events = []  # (version, resource, namespace, line)
        self.token, self.page_size = token, page_size
        self.refuse = None
        self.hold_lists = False
        self.streams = set()
        self.requests = []  # (path, parameters)
        self.lists = 0
        super().__init__(self.answer)

    # What a test does.

    def put(self, resource, item):
        """Adds or replaces; the version that it got."""
        return self.put_all(resource, [item])

    def put_all(self, resource, items, quiet=False):
        with self.lock:
            for item in items:
                key = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
                kind = "MODIFIED" if key in self.objects[resource] else "ADDED"
                self.version += 1
                item["metadata"]["resourceVersion"] = str(self.version)
                text = json.dumps(item)
                self.objects[resource][key] = text
                if not quiet:
                    self.publish(kind, resource, key[0], text)
            self.lock.notify_all()
            return self.version

    def delete(self, resource, namespace, name):
        with self.lock:
            item = json.loads(self.objects[resource].pop((namespace, name)))
            self.version += 1
            item["metadata"]["resourceVersion"] = str(self.version)
            self.publish("DELETED", resource, namespace, json.dumps(item))
            self.lock.notify_all()

    def publish(self, kind, resource, namespace, text):
        head = '{"kind":"%s","apiVersion":"v1",' % KINDS[resource]
        line = '{"type":"%s","object":%s%s}\n' % (kind, head, text[1:])
        self.events.append((self.version, resource, namespace, line))

    def bookmark(self):
        """Tells every watcher how far it is."""
        with self.lock:
            self.version += 1
            for resource, kind in KINDS.items():
                line = json.dumps({"type": "BOOKMARK", "object": {
                    "kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": str(self.version)}}}) + "\n"
                self.events.append((self.version, resource, None, line))
            self.lock.notify_all()

    def say(self, line):
        """Puts `line` into every stream."""
        with self.lock:
            for resource in KINDS:
                self.events.append((self.version, resource, None, line))
            self.lock.notify_all()

    def forget(self):
        """From now on only what happens from now on is known: streams end with 410, and so do watches from before."""
        with self.lock:
            self.version += 1
            self.oldest = self.version
            self.events.clear()
            self.lock.notify_all()

    def drop(self):
        """Breaks every stream, the connection with it."""
        with self.lock:
            streams = list(self.streams)
        for stream in streams:
            try:
                # RST: no end of the body, no goodbye.
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def watchers(self):
        with self.lock:
            return len(self.streams)

    # What the agent gets.

    def answer(self, request, _):
        path, _, query = request.path.partition("?")
        parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with self.lock:
            self.requests.append((path, parameters))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.status(request, 401, "Unauthorized")
        if self.refuse:
            return self.status(request, self.refuse, "the server is not willing")
        parts = path.strip("/").split("/")
        resource, namespace = parts[-1], ""
        if len(parts) > 3 and parts[-3] == "namespaces":
            namespace, parts = parts[-2], parts[:-3] + parts[-1:]
        if "/" + "/".join(parts[:-1]) != GROUPS.get(resource):
            return self.status(request, 404, "the server could not find the requested resource")
        if parameters.get("watch") in ("1", "true"):
            self.watch(request, resource, namespace, parameters)
        else:
            self.list(request, resource, namespace, parameters)

    def status(self, request, code, message, reason=""):
        request.answer(code, json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                         "message": message, "reason": reason, "code": code}),
                       {"Content-Type": "application/json"})

    def list(self, request, resource, namespace, parameters):
        with self.lock:
            while self.hold_lists:
                self.lock.wait(0.1)
            self.lists += 1
            version = self.version
            items = [(key, text) for key, text in sorted(self.objects[resource].items())
                     if namespace in ("", key[0])]
        limit = int(parameters.get("limit") or 0)
        if self.page_size is None and parameters.get("resourceVersion") == "0":
            limit = 0  # the cache of a real server gives everything at once
        elif self.page_size:
            limit = min(limit or self.page_size, self.page_size)
        start = 0
        if "continue" in parameters:
            version, start = map(int, parameters["continue"].split(":"))
            if version < self.oldest:
                return self.status(request, 410, "The provided continue parameter is too old", "Expired")
        page = items[start:start + limit] if limit else items
        meta = {"resourceVersion": str(version)}
        if limit and start + limit < len(items):
            meta["continue"] = f"{version}:{start + limit}"
        head = json.dumps({"kind": KINDS[resource] + "List", "apiVersion": "v1", "metadata": meta})
        body = (head[:-1] + ', "items": [' + ",".join(text for _, text in page) + "]}").encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for at in range(0, len(body), 1 << 20):
            self.chunk(request, body[at:at + (1 << 20)])
        request.wfile.write(b"0\r\n\r\n")

    def chunk(self, request, data):
        request.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        request.wfile.flush()

    def watch(self, request, resource, namespace, parameters):
        since = int(parameters.get("resourceVersion") or 0)
        until = time.monotonic() + float(parameters.get("timeoutSeconds") or 300)
        if since < self.oldest:
            return self.status(request, 410, "too old resource version", "Expired")
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.flush()
        with self.lock:
            self.streams.add(request.connection)
        try:
            self.stream(request, resource, namespace, since, until)
        except OSError:
            request.close_connection = True
        finally:
            with self.lock:
                self.streams.discard(request.connection)

    def stream(self, request, resource, namespace, since, until):
        at = 0
        while time.monotonic() < until:
            with self.lock:
                if at > len(self.events):  # forgotten
                    at = 0
                gone = since < self.oldest
                batch = [line for version, kind, ns, line in self.events[at:]
                         if kind == resource and version > since and (ns is None or namespace in ("", ns))]
                since = max([since] + [e[0] for e in self.events[at:]])
                at = len(self.events)
                if not batch and not gone:
                    self.lock.wait(1)
                    continue
            if gone:
                self.chunk(request, (json.dumps({"type": "ERROR", "object": {
                    "kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}})
                    + "\n").encode())
                break
            self.chunk(request, "".join(batch).encode())
        request.wfile.write(b"0\r\n\r\n")


def pod(name, ip, namespace="shop", labels=None, ready=True, padding=0):
    """As a controller of a real cluster leaves it; `padding` bytes of what discovery has no use for."""
    managed = [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {f"f:field-{i}": {} for i in range(padding // 30)}}}]
    return {
        "metadata": {
            "name": name, "generateName": name[:-2], "namespace": namespace, "uid": f"uid-{name}",
            "creationTimestamp": "2026-05-01T10:00:00Z",
            "labels": {"app": "cart", "app.kubernetes.io/name": "cart", "pod-template-hash": "5d4f8c7b9", **(labels or {})},
            "annotations": {"prometheus.io/scrape": "true", "cni.projectcalico.org/podIP": f"{ip}/32"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-5d4f8c7b9",
                                 "uid": "rs-1", "controller": True, "blockOwnerDeletion": True}],
            "managedFields": managed},
        "spec": {
            "nodeName": "node-1", "restartPolicy": "Always", "serviceAccountName": "cart",
            "containers": [{"name": "cart", "image": "registry.local/cart:1.2", "resources": {},
                            "ports": [{"name": "metrics", "containerPort": 9102, "protocol": "TCP"}],
                            "env": [{"name": f"SETTING_{i}", "value": "x" * 40} for i in range(padding // 200)],
                            "volumeMounts": [{"name": "config", "mountPath": "/etc/cart"}]}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]},
        "status": {
            "phase": "Running", "podIP": ip, "hostIP": "10.1.0.1", "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Initialized", "status": "True"},
                           {"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "cart", "ready": ready, "containerID": f"containerd://{name}",
                                   "image": "registry.local/cart:1.2"}]}}
