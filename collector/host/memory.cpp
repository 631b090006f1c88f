// meminfo and vmstat: memory by use, paging and faults.
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

/// "Active(anon)" -> "Active_anon", as node_exporter names it.
std::string FieldName(std::string_view key) {
  std::string name;
  for (const char c : key) {
    if (c == '(') {
      name += '_';
    } else if (c != ')') {
      name += c;
    }
  }
  return name;
}

class MeminfoPart final : public HostPart {
 public:
  explicit MeminfoPart(HostContext& context) : file_(context.Proc("meminfo")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    std::size_t fields = 0;
    while (auto line = NextLine(text)) {
      if (line->empty()) continue;
      VEDETTE_CHECK(Write(*line, out));
      ++fields;
    }
    if (fields == 0) return Fail(Code::kBadData, "{} is empty", file_.path());
    return Ok();
  }

 private:
  Status Write(std::string_view line, TextFormat& out) const {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Fail(Code::kBadData, "line '{}' in {}", line, file_.path());
    std::string name = FieldName(line.substr(0, colon));
    if (!IsLegacyLabelName(name)) return Fail(Code::kBadData, "field '{}' in {}", name, file_.path());
    line.remove_prefix(colon + 1);
    VEDETTE_TRY(double value, NeedCount(NextField(line), file_.path()));
    if (NextField(line) == "kB") {
      constexpr double kKibibyte = 1024;
      value *= kKibibyte;
      name += "_bytes";
    }
    out.Family("node_memory_" + name, "Memory information field " + name + ".", FamilyType::kGauge);
    out.Sample(value);
    return Ok();
  }

  HostFile file_;
};

class VmstatPart final : public HostPart {
 public:
  VmstatPart(HostContext& context, NameFilter wanted) : file_(context.Proc("vmstat")), wanted_(std::move(wanted)) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(std::string_view text, file_.Read());
    while (auto line = NextLine(text)) {
      const std::string_view key = NextField(*line);
      if (!wanted_.Found(key) || !IsLegacyLabelName(key)) continue;
      VEDETTE_TRY(const double value, NeedCount(NextField(*line), file_.path()));
      out.Family(fmt::format("node_vmstat_{}", key), fmt::format("/proc/vmstat information field {}.", key),
                 FamilyType::kUntyped);
      out.Sample(value);
    }
    return Ok();
  }

 private:
  HostFile file_;
  NameFilter wanted_;
};

}  // namespace

HostPartResult MakeMeminfoPart(HostContext& context) { return HostPartResult(std::make_unique<MeminfoPart>(context)); }

HostPartResult MakeVmstatPart(HostContext& context) {
  VEDETTE_TRY(NameFilter wanted, NameFilter::Compile(context.options.vmstat_fields));
  return HostPartResult(std::make_unique<VmstatPart>(context, std::move(wanted)));
}

}  // namespace vedette::collector
