#include "collector/host/host_collector.h"

#include <chrono>
#include <utility>

#include "collector/host/parts.h"
#include "collector/host/text_format.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

class HostCollectorImpl final : public HostCollector {
 public:
  HostCollectorImpl(const HostOptions& options, const Clock& clock) : options_(options), context_(options_, clock) {}

  Status AddParts() {
    for (const HostPartSpec& spec : HostParts()) {
      const auto choice = options_.collectors.find(std::string(spec.name));
      if (choice == options_.collectors.end() ? !spec.on_by_default : !choice->second) continue;
      VEDETTE_TRY(auto part, spec.make(context_));
      parts_.push_back({spec.name, std::move(part)});
    }
    return Ok();
  }

  std::string Collect() override {
    context_.NextReading();
    TextFormat out;
    out.Reserve(last_size_ + last_size_ / 8);
    for (Part& part : parts_) Run(part, out);
    out.Family("node_scrape_collector_duration_seconds", "node_exporter: Duration of a collector scrape.",
               FamilyType::kGauge);
    for (const Part& part : parts_) out.Sample({{"collector", part.name}}, part.seconds);
    out.Family("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.", FamilyType::kGauge);
    for (const Part& part : parts_) out.Sample({{"collector", part.name}}, part.success ? 1 : 0);
    last_size_ = out.size();
    return out.Take();
  }

 private:
  struct Part {
    std::string_view name;
    std::unique_ptr<HostPart> collector;
    bool success = true;
    double seconds = 0;
  };

  void Run(Part& part, TextFormat& out) {
    const auto start = context_.clock.Monotonic();
    const std::size_t before = out.size();
    const Status status = part.collector->Collect(out);
    if (!status) out.RollBack(before);
    // Once per failure, not per reading: most failures are a kernel without the feature.
    if (!status && part.success) {
      LogDebug("collector", "host collector failed", {{"name", part.name}, {"error", status.error()}});
    }
    part.success = status.has_value();
    part.seconds = std::chrono::duration<double>(context_.clock.Monotonic() - start).count();
  }

  const HostOptions options_;
  HostContext context_;
  std::vector<Part> parts_;
  std::size_t last_size_ = 64 << 10;
};

}  // namespace

Result<std::unique_ptr<HostCollector>> HostCollector::Open(const HostOptions& options, const Clock& clock) {
  VEDETTE_CHECK(options.Validate());
  auto collector = std::make_unique<HostCollectorImpl>(options, clock);
  VEDETTE_CHECK(collector->AddParts());
  return std::unique_ptr<HostCollector>(std::move(collector));
}

}  // namespace vedette::collector
