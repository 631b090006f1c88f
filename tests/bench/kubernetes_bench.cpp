// A list of 5,000 pods of ten kilobytes: cut, read, stored, made into groups, made into targets.
#include "collector/discovery/kubernetes/splitter.h"
#include "collector/discovery/kubernetes/store.h"
#include "collector/scrape/target.h"
#include "tests/bench/bench.h"

namespace {

using namespace vedette;
using namespace vedette::collector;

std::string Pod(int number) {
  std::string fields, environment;
  for (int i = 0; i < 150; ++i) fields += fmt::format(R"("f:field-{}":{{}},)", i);
  for (int i = 0; i < 60; ++i) {
    environment += fmt::format(R"({{"name":"SETTING_{}","value":"a value of usual length for this {}"}},)", i, i);
  }
  return fmt::format(
      R"({{"metadata":{{"name":"cart-5d4f8c7b9-{0:05}","namespace":"shop","uid":"{0}","resourceVersion":"{0}",)"
      R"("labels":{{"app":"cart","app.kubernetes.io/name":"cart","pod-template-hash":"5d4f8c7b9"}},)"
      R"("annotations":{{"prometheus.io/scrape":"true","checksum/config":"0123456789abcdef0123456789abcdef"}},)"
      R"("ownerReferences":[{{"kind":"ReplicaSet","name":"cart-5d4f8c7b9","controller":true}}],)"
      R"("managedFields":[{{"fieldsV1":{{{1}"end":{{}}}}}}]}},"spec":{{"nodeName":"node-{2}","containers":[)"
      R"({{"name":"cart","image":"registry.local/cart:1.2","env":[{3}{{}}],)"
      R"("ports":[{{"name":"metrics","containerPort":9102,"protocol":"TCP"}}]}}]}},)"
      R"("status":{{"phase":"Running","podIP":"10.{4}.{5}.{6}","hostIP":"10.1.0.1","conditions":)"
      R"([{{"type":"Ready","status":"True"}}],"message":"{7}"}}}})",
      number, fields, number % 100, environment, number / 65536, number / 256 % 256, number % 256,
      std::string(2500, 'x'));
}

}  // namespace

int main() {
  constexpr int kPods = 5000;
  std::string list = R"({"kind":"PodList","metadata":{"resourceVersion":"9"},"items":[)";
  for (int i = 0; i < kPods; ++i) list += (i > 0 ? "," : "") + Pod(i);
  list += "]}";
  fmt::print("{} pods, {:.1f} MB\n", kPods, static_cast<double>(list.size()) / 1e6);
  const KubernetesSdConfig config;
  ScrapeConfig job;
  job.job_name = "pods";
  job.InheritFrom({});

  kube::Store store(config, {});
  store.SetListed({kube::Resource::kPods, ""});
  std::vector<TargetGroup> groups;
  const auto feed = [&](const kube::ObjectSplitter::Take& take) {
    kube::ObjectSplitter splitter(kube::ObjectSplitter::Shape::kList);
    for (std::size_t at = 0; at < list.size(); at += 64 << 10) {
      if (!splitter.Feed(std::string_view(list).substr(at, 64 << 10), take)) std::abort();
    }
  };
  const auto put = [&](std::string_view text, bool) {
    auto object = kube::ReadObject(kube::Resource::kPods, text);
    if (!object) std::abort();
    store.Put(kube::Resource::kPods, *std::move(object));
  };
  const auto show = [&](std::string_view what, const auto& work) {
    const double begin = bench::CpuSeconds();
    work();
    const double seconds = bench::CpuSeconds() - begin;
    fmt::print("{:<40} {:7.1f} ms  {:7.0f} MB/s\n", what, seconds * 1e3,
               static_cast<double>(list.size()) / seconds / 1e6);
  };
  show("cut into objects", [&] { feed([](std::string_view, bool) {}); });
  show("cut, read, stored", [&] { feed(put); });
  show("groups", [&] { groups = store.TakeChanges(); });
  show("targets", [&] {
    if (MakeTargets(job, groups).active.size() != kPods) std::abort();
  });
  show("the same list again", [&] { feed(put); });
  if (store.HasChanges()) std::abort();
}
