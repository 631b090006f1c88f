// What an API server sends is cut into objects and read, whatever the pieces and whatever is wrong with it.
#include <fstream>

#include "collector/discovery/kubernetes/access.h"
#include "collector/discovery/kubernetes/json_cursor.h"
#include "collector/discovery/kubernetes/objects.h"
#include "collector/discovery/kubernetes/splitter.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/collector/kubernetes_fixture.h"

namespace vedette::collector::kube {
namespace {

using Shape = ObjectSplitter::Shape;

struct Cut {
  std::vector<std::string> objects;
  std::vector<bool> whole;
  std::string envelope;
  bool complete = false;
  Status status = Ok();
};
Cut CutUp(Shape shape, std::string_view text, std::size_t piece, std::size_t max_object = 1 << 20) {
  ObjectSplitter splitter(shape, max_object);
  Cut out;
  for (std::size_t at = 0; at < text.size() && out.status; at += piece) {
    out.status = splitter.Feed(text.substr(at, piece), [&](std::string_view object, bool whole) {
      out.objects.emplace_back(object);
      out.whole.push_back(whole);
    });
  }
  out.envelope = splitter.envelope();
  out.complete = splitter.Complete();
  return out;
}

bool Says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::string Failure(const Status& status) { return status ? "" : status.error().message; }
template <class T>
std::string Failure(const Result<T>& result) {
  return result ? "" : result.error().message;
}

}  // namespace

TEST_CASE("a list is cut into its items wherever the pieces end", "[kubernetes]") {
  const std::string list =
      R"({"kind":"items","apiVersion":"v1","metadata":{"items":[{"no":1}],"resourceVersion":"7"}, "items" : [)"
      R"({"a":"}]\"{["},)"
      "\n"
      R"({"b":[{"c":{}}]},{}]})"
      "\n";
  for (std::size_t piece = 1; piece <= list.size(); ++piece) {
    INFO(piece);
    const Cut cut = CutUp(Shape::kList, list, piece);
    CHECK(Failure(cut.status) == "");
    CHECK(cut.complete);
    CHECK(cut.objects == std::vector<std::string>{R"({"a":"}]\"{["})", R"({"b":[{"c":{}}]})", "{}"});
    CHECK(MustHave(ReadListHead(cut.envelope)).version == "7");
  }
  const Cut none = CutUp(Shape::kList, R"({"items":null})", 100);
  CHECK((none.complete && none.objects.empty()));
  CHECK_FALSE(CutUp(Shape::kList, list.substr(0, list.size() - 2), 100).complete);
  for (const char* wrong : {"[]", "{}{}", "{\"items\":[]}]", "x", "<html>"})
    CHECK(Failure(CutUp(Shape::kList, wrong, 3).status) != "");
  const std::string long_envelope = R"({"kind":")" + std::string(ObjectSplitter::kMaxEnvelopeBytes, 'x');
  CHECK(CutUp(Shape::kList, long_envelope, 1000).status.error().code == Code::kLimit);
}

TEST_CASE("a stream is cut into its events, and one that is too long is stepped over", "[kubernetes]") {
  const std::string name = R"({"metadata":{"name":"n","namespace":"s","resourceVersion":"9","managedFields":[)";
  const std::string large = name + "\"" + std::string(100'000, 'x') + "\"]}}";
  const std::string text = R"({"a":1})"
                           "\n"
                           R"({"b":"\\"})" +
                           large + "\n\n{\"c\":3}";
  for (const std::size_t piece : {1UL, 7UL, 1000UL, 1'000'000UL}) {
    INFO(piece);
    const Cut cut = CutUp(Shape::kEvents, text, piece, 1000);
    CHECK(Failure(cut.status) == "");
    REQUIRE(cut.objects.size() == 4);
    CHECK(cut.objects[1] == R"({"b":"\\"})");
    CHECK(cut.objects[3] == "{\"c\":3}");
    CHECK(cut.whole == std::vector<bool>{true, true, false, true});
    CHECK(cut.objects[2].size() <= 1000);
    const Object identity = MustHave(ReadIdentity(cut.objects[2]));
    CHECK(identity.Key() == "s/n");
    CHECK(identity.version == "9");
  }
  for (const char* wrong : {"x", "{}}", "[{}]", "\"a\"", "{} 5"})
    CHECK(Failure(CutUp(Shape::kEvents, wrong, 10).status) != "");
}

TEST_CASE("JSON is read as far as it is asked for", "[kubernetes]") {
  JsonCursor json(R"( {"a" : {"skip": ["}", "\"]"]}, "t": "x\u00e4\ud83d\ude00\ud800y\n", "n": -5, "yes": true,
                       "none": null, "l": [1, 2,3 ]} )");
  std::string text;
  std::int64_t number = 0;
  bool yes = false, none = true;
  std::vector<std::int64_t> list;
  json.Object([&](std::string_view key) {
    if (key == "t") text = json.String();
    if (key == "n") number = json.Integer();
    if (key == "yes") yes = json.Bool();
    if (key == "none") none = json.Bool();
    if (key == "l") json.Array([&] { list.push_back(json.Integer()); });
  });
  CHECK(Failure(json.Finish()) == "");
  CHECK(text == "x\u00e4\U0001F600\uFFFDy\n");
  CHECK((number == -5 && yes && !none));
  CHECK(list == std::vector<std::int64_t>{1, 2, 3});

  for (const auto& [body, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "not an object, at byte 1"},
           {"[]", "not an object"},
           {"{", "a key is missing"},
           {R"({"kind": "Pod")", "a comma or the end is missing"},
           {R"({"metadata": {"name": 5}})", "not a string, at byte 23"},
           {R"({"metadata": []})", "not an object"},
           {R"({"metadata": {"name": "a"}} x)", "more than one value"},
           {R"({"metadata": {"name": "a"}, "status": {"podIP": ["1"]}})", "not a string"},
           {R"({"metadata": {"name": "a"}, "spec": {"containers": {}}})", "not a list"},
           {R"({"metadata": {"name": "a"}, "spec": {"containers": [{"ports": [{"containerPort": 1.5}]}]}})", "32 bits"},
           {R"({"metadata": {"name": "a"}, "spec": {"containers": [{"ports": [{"containerPort": 99999999999}]}]}})",
            "32 bits"},
           {R"({"metadata": {"name": "a", "ownerReferences": [{"controller": "yes"}]}})", "not a boolean"},
           {R"({"metadata": {"name": "\x"}})", "an unknown escape"},
           {R"({"metadata": {"name": "\u12"}})", "an unknown escape"},
           {"{\"metadata\": {\"name\": \"a\nb\"}}", "a control character"},
           {"{\"metadata\": {\"name\": \"\xff\"}}", "not UTF-8"},
           {R"({"metadata": {"name": "")", "a comma or the end"},
           {R"({"metadata": {"labels": {}}})", "an object without a name"},
           {R"({"kind": "Service", "metadata": {"name": "a"}})", "a \"Service\" among pods"}}) {
    INFO(body);
    CHECK(Says(Failure(ReadObject(Resource::kPods, body)), reason));
  }
  // Nesting is bounded where it is read, and no matter where it is not.
  std::string deep =
      R"({"metadata": {"name": "a"}, "other": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(Failure(ReadObject(Resource::kPods, deep)) == "");
}

TEST_CASE("events and what a server says about itself", "[kubernetes]") {
  const Event added = MustHave(ReadEvent(R"({"object":{"kind":"Pod"},"type":"ADDED"})"));
  CHECK(added.type == Event::Type::kAdded);
  CHECK(added.object == R"({"kind":"Pod"})");
  CHECK(MustHave(ReadEvent(R"({"type":"BOOKMARK","object":{}})")).type == Event::Type::kBookmark);
  CHECK(Failure(ReadEvent(R"({"type":"RENAMED","object":{}})")) != "");
  CHECK(Failure(ReadEvent(R"({"type":"ADDED"})")) != "");
  CHECK(Failure(ReadEvent(R"({"type":"ADDED","object":[]})")) != "");
  const ServerStatus gone =
      MustHave(ReadServerStatus(R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})"));
  CHECK((gone.code == 410 && gone.reason == "Expired" && gone.message == "too old"));
}

TEST_CASE("a kubeconfig gives the way to its current cluster", "[kubernetes]") {
  vedette::test::TempDir dir;
  const auto kubeconfig = [&](const std::string& cluster, const std::string& user) {
    return dir.Write("kubeconfig",
                     "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                     "contexts:\n- name: there\n  context: {cluster: x, user: y}\n"
                     "- name: here\n  context: {cluster: c, user: u, namespace: n}\n"
                     "clusters:\n- name: c\n  cluster: " +
                         cluster + "\nusers:\n- name: u\n  user: " + user + "\n");
  };
  Access access =
      MustHave(ReadKubeconfig(kubeconfig("{server: 'https://api:6443/', certificate-authority: ca.pem, "
                                         "tls-server-name: api.local, proxy-url: 'http://p:1'}",
                                         "{client-certificate-data: Y2VydA==, client-key-data: a2V5, token: plain}")));
  CHECK(access.url == "https://api:6443");
  CHECK(access.http.tls.ca_file == dir.Sub("ca.pem"));
  CHECK(access.http.tls.server_name == "api.local");
  CHECK(access.http.proxy_url == "http://p:1");
  CHECK(access.http.tls.cert == "cert");
  CHECK(access.http.tls.key.Reveal() == "key");
  CHECK(access.http.authorization->credentials.Reveal() == "plain");

  access = MustHave(ReadKubeconfig(
      kubeconfig("{server: 'http://api', insecure-skip-tls-verify: true}", "{token: old, tokenFile: /run/token}")));
  CHECK(access.http.tls.insecure_skip_verify);
  CHECK(access.http.authorization->credentials_file == "/run/token");
  CHECK(access.http.authorization->credentials.empty());
  access = MustHave(ReadKubeconfig(kubeconfig("{server: 'http://api'}", "{username: me, password: secret}")));
  CHECK(access.http.basic_auth->username == "me");

  for (const auto& [cluster, user, reason] : std::vector<std::array<std::string, 3>>{
           {"{server: 'http://api'}", "{exec: {command: aws}}", "credentials that a program fetches are not supported"},
           {"{server: 'http://api'}", "{auth-provider: {name: gcp}}", "auth providers are not supported"},
           {"{server: 'http://api'}", "{username: me, token: t}", "not both"},
           {"{server: 'http://api'}", "{client-key-data: '!'}", "not Base64"},
           {"{server: 'http://api'}", "{token: [1]}", ""},
           {"{}", "{}", "no http or https URL"}}) {
    INFO(user);
    const auto bad = ReadKubeconfig(kubeconfig(cluster, user));
    REQUIRE(!bad);
    CHECK(Says(bad.error().message, reason));
    CHECK(bad.error().message.starts_with(dir.Sub("")));
  }
  CHECK(Says(Failure(ReadKubeconfig(dir.Write("k", "current-context: a\n"))), "\"a\""));
  CHECK(Says(Failure(ReadKubeconfig(dir.Write("k", "a: b\n"))), "no current-context"));
  CHECK(Failure(ReadKubeconfig(dir.Sub("absent"))) != "");
}

TEST_CASE("within a cluster the service account is used, and its namespace", "[kubernetes]") {
  vedette::test::TempDir dir;
  ServiceAccount account{"", "", dir.Sub("")};
  CHECK(Failure(InCluster(account)).starts_with("unable to load in-cluster configuration"));
  account.host = "fd00::1";
  account.port = "443";
  CHECK(Says(Failure(InCluster(account)), "/token"));
  dir.Write("token", "t\n");
  dir.Write("ca.crt", "-----");
  const Access access = MustHave(FindAccess({}, account));
  CHECK(access.url == "https://[fd00::1]:443");
  CHECK(access.http.authorization->credentials_file == account.directory + "/token");
  CHECK(access.http.tls.ca_file == account.directory + "/ca.crt");

  KubernetesSdConfig config;
  config.namespaces = {"b", "a", "b"};
  CHECK(MustHave(FindNamespaces(config, account)) == std::vector<std::string>{"a", "b"});
  config.own_namespace = true;
  CHECK(Failure(FindNamespaces(config, account)) != "");
  dir.Write("namespace", "mine");
  CHECK(MustHave(FindNamespaces(config, account)) == std::vector<std::string>{"a", "b", "mine"});
  config.api_server = "https://elsewhere:6443/base/";
  CHECK(MustHave(FindAccess(config, account)).url == "https://elsewhere:6443/base");
}

}  // namespace vedette::collector::kube
