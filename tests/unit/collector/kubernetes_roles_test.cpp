// The labels of each role, from objects as an API server writes them.
#include <map>

#include "collector/discovery/kubernetes/groups.h"
#include "collector/discovery/kubernetes/store.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/kubernetes_fixture.h"

namespace vedette::collector::kube {
namespace {

using Attached = KubernetesSdConfig::Attached;

KubernetesSdConfig Config(KubernetesRole role, Attached attach = {}) {
  KubernetesSdConfig config;
  config.role = role;
  config.attach = attach;
  return config;
}

/// A store that has listed everything.
class Cluster {
 public:
  explicit Cluster(const KubernetesSdConfig& config) : store_(config, {}) {
    for (const Watched& watched : store_.watched()) store_.SetListed(watched);
  }
  Store::Change Put(Resource resource, const std::string& json) {
    return store_.Put(resource, MustHave(ReadObject(resource, json)));
  }
  void Erase(Resource resource, const std::string& key) { store_.Erase(resource, key); }
  /// What changed: source and one line of labels per target, the group's included.
  std::map<std::string, std::vector<std::string>> Changes() {
    std::map<std::string, std::vector<std::string>> out;
    for (const TargetGroup& group : store_.TakeChanges()) {
      auto& lines = out[group.source];
      for (const Labels& target : group.targets) lines.push_back(Show(group.labels, target));
    }
    return out;
  }

 private:
  static std::string Show(const Labels& group, const Labels& target) {
    LabelsBuilder all(group);
    for (const auto [name, value] : target) all.Set(name, value);
    std::string text;
    for (const auto& [name, value] : all.items()) {
      constexpr std::string_view kPrefix = "__meta_kubernetes_";
      text +=
          (text.empty() ? "" : " ") + (name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name) + "=" + value;
    }
    return text;
  }
  Store store_;
};

using Groups = std::map<std::string, std::vector<std::string>>;

}  // namespace

TEST_CASE("the groups of a namespace come out when all that they need is listed", "[kubernetes]") {
  KubernetesSdConfig config = Config(KubernetesRole::kPod, Attached{.node = true});
  Store store(config, {"s", "shop"});
  const auto put = [&](const std::string& ns) {
    std::string pod = test::kPod;
    pod.replace(pod.find("\"shop\""), 6, "\"" + ns + "\"");
    store.Put(Resource::kPods, MustHave(ReadObject(Resource::kPods, pod)));
  };
  put("shop");
  put("s");
  store.SetListed({Resource::kPods, "shop"});
  CHECK_FALSE(store.HasChanges());  // the nodes are not there
  store.Put(Resource::kNodes, MustHave(ReadObject(Resource::kNodes, test::kNode)));
  store.SetListed({Resource::kNodes, ""});
  REQUIRE(store.HasChanges());
  const std::vector<TargetGroup> shop = store.TakeChanges();
  REQUIRE(shop.size() == 1);
  CHECK(shop[0].source == "pod/shop/cart-5d4f-x");
  CHECK(store.AllGroups().size() == 1);
  CHECK_FALSE(store.HasChanges());
  put("s");
  CHECK_FALSE(store.HasChanges());
  CHECK_FALSE(store.AllListed());
  store.SetListed({Resource::kPods, "s"});
  store.SetListed({Resource::kPods, "s"});  // once more is nothing new
  CHECK(store.AllListed());
  CHECK(store.TakeChanges().size() == 1);
  CHECK(store.AllGroups().size() == 2);
}

TEST_CASE("an object that multiplies addresses and ports without end has no targets", "[kubernetes]") {
  const bool slices = GENERATE(false, true);
  Store store(Config(slices ? KubernetesRole::kEndpointSlice : KubernetesRole::kEndpoints), {});
  for (const Watched& watched : store.watched()) store.SetListed(watched);
  const auto put = [&](std::size_t ports) {
    Object object;
    object.ns = "s";
    object.name = "wide";
    if (slices) {
      EndpointSlice slice;
      slice.ports.resize(ports);
      slice.endpoints.emplace_back().addresses.assign(100, "10.0.0.1");
      object.body = slice;
    } else {
      Endpoints endpoints;
      EndpointSubset& subset = endpoints.subsets.emplace_back();
      subset.ports.resize(ports);
      subset.addresses.resize(100);
      object.body = endpoints;
    }
    store.Put(slices ? Resource::kEndpointSlices : Resource::kEndpoints, std::move(object));
    return store.TakeChanges().at(0).targets.size();
  };
  CHECK(put(500) == kMaxGroupTargets);
  CHECK(store.TakeEmptied().group_limit == 0);
  CHECK(put(501) == 0);
  CHECK(store.AllGroups().empty());
  const Store::Emptied emptied = store.TakeEmptied();
  CHECK(emptied.group_limit == 1);
  CHECK(emptied.example == (slices ? "endpointslice/s/wide" : "endpoints/s/wide"));
  CHECK(put(2) == 200);
  CHECK(store.TakeEmptied().group_limit == 0);
}

TEST_CASE("a pod has a target for each port of its containers, and one for a container without", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kPod));
  CHECK(cluster.Put(Resource::kPods, test::kPod) == Store::Change::kAdded);
  const std::string pod =
      "pod_annotation_prometheus_io_scrape=true pod_annotationpresent_prometheus_io_scrape=true "
      "{}pod_controller_kind=ReplicaSet pod_controller_name=cart-5d4f pod_host_ip=10.1.0.7 pod_ip=10.2.3.4 "
      "pod_label_app=cart pod_label_app_kubernetes_io_name=caf\u00e9 pod_labelpresent_app=true "
      "pod_labelpresent_app_kubernetes_io_name=true pod_labelpresent_empty=true pod_name=cart-5d4f-x "
      "pod_node_name=node-7 pod_phase=Running pod_ready=true pod_uid=u-1";
  const auto line = [&](const std::string& address, const std::string& container) {
    return "__address__=" + address + " namespace=shop " + fmt::format(fmt::runtime(pod), container);
  };
  CHECK(cluster.Changes() ==
        Groups{{"pod/shop/cart-5d4f-x",
                {line("10.2.3.4:9102",
                      "pod_container_id=containerd://aa pod_container_image=r/cart:1 pod_container_init=false "
                      "pod_container_name=cart pod_container_port_name=metrics pod_container_port_number=9102 "
                      "pod_container_port_protocol=TCP "),
                 line("10.2.3.4:53",
                      "pod_container_id=containerd://aa pod_container_image=r/cart:1 pod_container_init=false "
                      "pod_container_name=cart pod_container_port_number=53 pod_container_port_protocol=UDP "),
                 line("10.2.3.4", "pod_container_image=r/proxy:2 pod_container_init=false pod_container_name=proxy "),
                 line("10.2.3.4:15020",
                      "pod_container_id=containerd://ii pod_container_image=r/init:3 pod_container_init=true "
                      "pod_container_name=setup pod_container_port_name=probe pod_container_port_number=15020 "
                      "pod_container_port_protocol=TCP ")}}});

  // What no label shows is no change.
  std::string same = test::kPod;
  same.replace(same.find("\"resourceVersion\": \"77\""), 23, "\"resourceVersion\": \"78\"");
  same.replace(same.find("\"restartCount\": 0"), 17, "\"restartCount\": 1");
  CHECK(cluster.Put(Resource::kPods, same) == Store::Change::kNone);
  CHECK(cluster.Changes().empty());

  // Without an address, and when it is gone, there are no targets.
  std::string pending = test::kPod;
  pending.replace(pending.find("10.2.3.4"), 8, "");
  CHECK(cluster.Put(Resource::kPods, pending) == Store::Change::kUpdated);
  CHECK(cluster.Changes() == Groups{{"pod/shop/cart-5d4f-x", {}}});
  cluster.Put(Resource::kPods, test::kPod);
  cluster.Changes();
  cluster.Erase(Resource::kPods, "shop/cart-5d4f-x");
  CHECK(cluster.Changes() == Groups{{"pod/shop/cart-5d4f-x", {}}});
}

TEST_CASE("what is attached to pods follows the objects it comes from", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kPod, {true, true, true, true, true}));
  const auto has = [](const Groups& groups, const std::string& text) {
    return !groups.empty() && !groups.begin()->second.empty() &&
           groups.begin()->second.front().find(text) != std::string::npos;
  };
  cluster.Put(Resource::kPods, test::kPod);
  CHECK(cluster.Changes() == Groups{{"pod/shop/cart-5d4f-x", {}}});  // its node is not among those we look at

  cluster.Put(Resource::kNodes, test::kNode);
  Groups groups = cluster.Changes();
  CHECK(has(groups, " node_label_zone=z1 node_labelpresent_zone=true node_name=node-7 "));
  CHECK_FALSE(has(groups, "node_provider_id"));
  cluster.Put(Resource::kNamespaces, R"({"metadata": {"name": "shop", "labels": {"team": "a"}}})");
  CHECK(has(cluster.Changes(), " namespace=shop namespace_label_team=a namespace_labelpresent_team=true "));
  cluster.Put(Resource::kNamespaces, R"({"metadata": {"name": "other", "labels": {"team": "a"}}})");
  CHECK(cluster.Changes().empty());
  cluster.Put(Resource::kReplicaSets, R"({"metadata": {"name": "cart-5d4f", "namespace": "shop", "ownerReferences":
      [{"kind": "Other", "name": "no"}, {"kind": "Deployment", "name": "cart", "controller": true}]}})");
  CHECK(has(cluster.Changes(), " pod_deployment_name=cart "));
  cluster.Erase(Resource::kReplicaSets, "shop/cart-5d4f");
  CHECK_FALSE(has(cluster.Changes(), "pod_deployment_name"));

  cluster.Put(Resource::kPods, R"({"metadata": {"name": "j", "namespace": "shop", "ownerReferences":
      [{"kind": "Job", "name": "nightly-1", "controller": true}]}, "spec": {"nodeName": "node-7",
      "containers": [{"name": "c"}]}, "status": {"podIP": "10.0.0.1"}})");
  groups = cluster.Changes();
  CHECK(has(groups, " pod_job_name=nightly-1 "));
  CHECK(has(groups, " pod_ready=unknown"));
  cluster.Put(Resource::kJobs, R"({"metadata": {"name": "nightly-1", "namespace": "shop", "ownerReferences":
      [{"kind": "CronJob", "name": "nightly", "controller": true}]}})");
  groups = cluster.Changes();
  CHECK(groups.size() == 1);
  CHECK(has(groups, " pod_cronjob_name=nightly "));
  cluster.Erase(Resource::kNodes, "node-7");
  CHECK(cluster.Changes() == Groups{{"pod/shop/cart-5d4f-x", {}}, {"pod/shop/j", {}}});
}

TEST_CASE("a node is scraped at its first address of the best type", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kNode));
  cluster.Put(Resource::kNodes, test::kNode);
  CHECK(cluster.Changes() ==
        Groups{{"node/node-7",
                {"__address__=10.1.0.7:10250 node_address_Hostname=node-7.local "
                 "node_address_InternalIP=10.1.0.7 node_condition_memorypressure=false node_condition_ready=true "
                 "node_label_zone=z1 node_labelpresent_zone=true node_name=node-7 node_provider_id=cloud://7 "
                 "instance=node-7"}}});
  cluster.Put(Resource::kNodes, R"({"metadata": {"name": "v6"}, "status": {"addresses":
      [{"type": "Hostname", "address": "h"}, {"type": "ExternalIP", "address": "fd00::1"}]}})");
  CHECK(cluster.Changes()["node/v6"] ==
        std::vector<std::string>{"__address__=[fd00::1]:0 node_address_ExternalIP=fd00::1 "
                                 "node_address_Hostname=h node_name=v6 instance=v6"});
  cluster.Put(Resource::kNodes, R"({"metadata": {"name": "bare"}})");
  CHECK(cluster.Changes()["node/bare"].empty());
}

TEST_CASE("a service has a target for each port", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kService));
  cluster.Put(Resource::kServices, test::kService);
  cluster.Put(Resource::kServices, R"({"metadata": {"name": "ext", "namespace": "shop"}, "spec": {
      "type": "ExternalName", "externalName": "db.example", "clusterIP": "None", "ports": [{"port": 5432}]}})");
  cluster.Put(Resource::kServices, R"({"metadata": {"name": "lb", "namespace": "shop"}, "spec": {
      "type": "LoadBalancer", "clusterIP": "10.3.0.2", "loadBalancerIP": "192.0.2.1", "ports": [{"port": 80}]},
      "status": {"loadBalancer": {"ingress": [{"hostname": "x"}, {"ip": "192.0.2.2"}, {"ip": "192.0.2.3"}]}}})");
  const std::string service =
      "namespace=shop service_cluster_ip=10.3.0.1 service_label_app=cart "
      "service_labelpresent_app=true service_name=cart ";
  CHECK(cluster.Changes() ==
        Groups{
            {"svc/shop/cart",
             {"__address__=cart.shop.svc:9102 " + service +
                  "service_port_name=metrics service_port_number=9102 service_port_protocol=TCP service_type=ClusterIP",
              "__address__=cart.shop.svc:80 " + service +
                  "service_port_name=web service_port_number=80 service_port_protocol=TCP service_type=ClusterIP"}},
            {"svc/shop/ext",
             {"__address__=ext.shop.svc:5432 namespace=shop service_external_name=db.example service_name=ext "
              "service_port_number=5432 service_type=ExternalName"}},
            {"svc/shop/lb",
             {"__address__=lb.shop.svc:80 namespace=shop service_cluster_ip=10.3.0.2 "
              "service_loadbalancer_ip=192.0.2.2,192.0.2.3 service_name=lb service_port_number=80 "
              "service_type=LoadBalancer"}}});
}

TEST_CASE("endpoints join their pods, and have the pods' other ports too", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kEndpoints));
  cluster.Put(Resource::kEndpoints, R"({"metadata": {"name": "cart", "namespace": "shop", "labels": {"e": "1"}},
      "subsets": [{"addresses": [{"ip": "10.2.3.4", "nodeName": "node-7", "hostname": "h",
                                  "targetRef": {"kind": "Pod", "namespace": "shop", "name": "cart-5d4f-x"}}],
                   "notReadyAddresses": [{"ip": "10.2.3.5"}],
                   "ports": [{"name": "metrics", "port": 9102, "protocol": "TCP"}]}]})");
  const std::string endpoints = "endpoints_label_e=1 endpoints_labelpresent_e=true endpoints_name=cart namespace=shop";
  CHECK(
      cluster.Changes() ==
      Groups{{"endpoints/shop/cart",
              {"__address__=10.2.3.4:9102 endpoint_address_target_kind=Pod endpoint_address_target_name=cart-5d4f-x "
               "endpoint_hostname=h endpoint_node_name=node-7 endpoint_port_name=metrics endpoint_port_protocol=TCP "
               "endpoint_ready=true " +
                   endpoints,
               "__address__=10.2.3.5:9102 endpoint_port_name=metrics endpoint_port_protocol=TCP endpoint_ready=false " +
                   endpoints}}});
  cluster.Put(Resource::kServices, test::kService);
  CHECK(cluster.Changes()["endpoints/shop/cart"].at(1).ends_with(
      endpoints + " service_label_app=cart service_labelpresent_app=true service_name=cart"));

  cluster.Put(Resource::kPods, test::kPod);
  const auto lines = cluster.Changes()["endpoints/shop/cart"];
  REQUIRE(lines.size() == 4);  // the two addresses; ports 53 and 15020 of the pod
  CHECK(lines[0].find("pod_container_image=r/cart:1 pod_container_init=false pod_container_name=cart "
                      "pod_container_port_name=metrics pod_container_port_number=9102") != std::string::npos);
  CHECK(lines[0].find("pod_phase=Running") != std::string::npos);
  CHECK(lines[1].find("pod_") == std::string::npos);
  CHECK(lines[2].starts_with("__address__=10.2.3.4:53 endpoints_label_e=1"));
  CHECK(lines[3].starts_with("__address__=10.2.3.4:15020 endpoints_label_e=1"));
  CHECK(lines[3].find("pod_container_init=true") != std::string::npos);
  CHECK(lines[3].find("endpoint_ready") == std::string::npos);

  // Of a pod that nobody refers to nothing follows.
  cluster.Put(Resource::kPods, R"({"metadata": {"name": "x", "namespace": "shop"}, "status": {"podIP": "10.9.9.9"}})");
  CHECK(cluster.Changes().empty());
  cluster.Erase(Resource::kPods, "shop/cart-5d4f-x");
  CHECK(cluster.Changes()["endpoints/shop/cart"].size() == 2);
}

TEST_CASE("endpoint slices: conditions, zones, ports without a number, the other IP family", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kEndpointSlice, {.node = true}));
  const std::string slice = R"({"metadata": {"name": "cart-1", "namespace": "shop",
      "labels": {"kubernetes.io/service-name": "cart"}}, "addressType": "IPv4",
      "endpoints": [{"addresses": ["10.2.3.4"], "conditions": {"ready": true, "serving": true, "terminating": false},
                     "nodeName": "node-7", "zone": "z1", "hostname": null,
                     "targetRef": {"kind": "Pod", "namespace": "shop", "name": "cart-5d4f-x"}},
                    {"addresses": ["10.2.3.9"], "conditions": {"ready": null},
                     "deprecatedTopology": {"topology.io/rack": "r"},
                     "targetRef": {"kind": "Node", "name": "node-7"}}],
      "ports": [{"name": "metrics", "port": 9102, "protocol": "TCP", "appProtocol": "http"}, {"name": "any"}]})";
  cluster.Put(Resource::kEndpointSlices, slice);
  cluster.Put(Resource::kPods, test::kPod);
  cluster.Put(Resource::kNodes, test::kNode);
  auto lines = cluster.Changes()["endpointslice/shop/cart-1"];
  REQUIRE(lines.size() == 6);  // two addresses by two ports; two more ports of the pod
  CHECK(lines[0].starts_with(
      "__address__=10.2.3.4:9102 endpointslice_address_target_kind=Pod endpointslice_address_target_name=cart-5d4f-x "
      "endpointslice_address_type=IPv4 endpointslice_endpoint_conditions_ready=true "
      "endpointslice_endpoint_conditions_serving=true endpointslice_endpoint_conditions_terminating=false "
      "endpointslice_endpoint_node_name=node-7 endpointslice_endpoint_zone=z1 "
      "endpointslice_label_kubernetes_io_service_name=cart endpointslice_labelpresent_kubernetes_io_service_name=true "
      "endpointslice_name=cart-1 endpointslice_port=9102 endpointslice_port_app_protocol=http "
      "endpointslice_port_name=metrics endpointslice_port_protocol=TCP namespace=shop node_label_zone=z1"));
  CHECK(lines[0].find("pod_container_port_number=9102") != std::string::npos);
  CHECK(lines[1].starts_with("__address__=10.2.3.4 endpointslice"));
  CHECK(lines[1].find("pod_container_name") == std::string::npos);
  CHECK(lines[2].find("endpointslice_endpoint_topology_present_topology_io_rack=true "
                      "endpointslice_endpoint_topology_topology_io_rack=r") != std::string::npos);
  CHECK(lines[2].find("conditions") == std::string::npos);
  CHECK(lines[2].find("node_name=node-7") != std::string::npos);
  CHECK(lines[4].starts_with("__address__=10.2.3.4:53 "));

  cluster.Put(Resource::kServices, test::kService);
  CHECK(cluster.Changes()["endpointslice/shop/cart-1"].at(0).find("service_name=cart") != std::string::npos);
  std::string dual = test::kService;
  dual.replace(dual.find("\"clusterIP\""), 0,
               R"("ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"], )");
  cluster.Put(Resource::kServices, dual);
  CHECK(cluster.Changes() == Groups{{"endpointslice/shop/cart-1", {}}});
}

TEST_CASE("an ingress has a target for each path of its hosts", "[kubernetes]") {
  Cluster cluster(Config(KubernetesRole::kIngress));
  cluster.Put(Resource::kIngresses, R"({"metadata": {"name": "i", "namespace": "shop"}, "spec": {
      "ingressClassName": "nginx", "tls": [{"hosts": ["*.safe.example", "one.example"]}],
      "rules": [{"host": "a.safe.example", "http": {"paths": [{"path": "/x"}, {"path": ""}]}},
                {"host": "a.b.safe.example"}, {"host": "one.example", "http": {"paths": []}}]}})");
  const auto line = [](const std::string& host, const std::string& scheme, const std::string& path) {
    return "__address__=" + host + " ingress_class_name=nginx ingress_host=" + host +
           " ingress_name=i ingress_path=" + path + " ingress_scheme=" + scheme + " namespace=shop";
  };
  CHECK(cluster.Changes() == Groups{{"ingress/shop/i",
                                     {line("a.safe.example", "https", "/x"), line("a.safe.example", "https", "/"),
                                      line("a.b.safe.example", "http", "/")}}});
}

TEST_CASE("groups of a namespace come out when all it needs was listed; a list ends what is not in it",
          "[kubernetes]") {
  Store store(Config(KubernetesRole::kEndpoints), {"a", "b"});
  CHECK(store.watched().size() == 6);
  const auto put = [&](const std::string& ns, const std::string& name) {
    store.Put(
        Resource::kEndpoints,
        MustHave(ReadObject(Resource::kEndpoints, R"({"metadata": {"name": ")" + name + R"(", "namespace": ")" + ns +
                                                      R"("}, "subsets": [{"addresses": [{"ip": "10.0.0.1"}],
                                                                                "ports": [{"port": 1}]}]})")));
  };
  put("a", "1");
  put("a", "2");
  put("b", "1");
  for (const Resource resource : {Resource::kEndpoints, Resource::kServices}) store.SetListed({resource, "a"});
  CHECK_FALSE(store.HasChanges());
  CHECK(store.TakeChanges().empty());
  store.SetListed({Resource::kPods, "a"});
  CHECK(store.HasChanges());
  const auto groups = store.TakeChanges();
  REQUIRE(groups.size() == 2);
  CHECK(groups[1].source == "endpoints/a/2");
  CHECK_FALSE(store.HasChanges());
  CHECK_FALSE(store.AllListed());

  CHECK(store.KeepOnly({Resource::kEndpoints, "a"}, {"a/2"}) == 1);
  const auto gone = store.TakeChanges();
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].source == "endpoints/a/1");
  CHECK(gone[0].targets.empty());
  CHECK(store.size() == 2);
}

}  // namespace vedette::collector::kube
