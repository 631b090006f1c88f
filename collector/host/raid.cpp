// mdadm and bonding: disks and links that are bundled for redundancy.
#include <array>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

std::size_t CountOf(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + piece.size())) {
    ++count;
  }
  return count;
}

struct RaidArray {
  std::string_view name, state;
  double active = 0, required = 0, failed = 0, spare = 0, blocks = 0, synced = 0;
};

/// "248896 blocks super 1.2 [2/1] [_U]": how many blocks, how many disks of how many.
Status ParseArrayStatus(std::string_view device_line, std::string_view status, RaidArray& array) {
  const auto bad = [&] { return Fail(Code::kBadData, "'{}' in mdstat is no status", status.substr(0, 200)); };
  std::string_view rest = status;
  const auto blocks = ParseCount(NextField(rest));
  if (!blocks) return bad();
  array.blocks = array.synced = *blocks;
  if (device_line.find("raid0") != std::string_view::npos || device_line.find("linear") != std::string_view::npos) {
    array.required = array.active = static_cast<double>(CountOf(device_line, "["));
    return Ok();
  }
  if (device_line.find("inactive") != std::string_view::npos) return Ok();
  for (std::size_t at = status.find('['); at != std::string_view::npos; at = status.find('[', at + 1)) {
    const std::string_view inner = status.substr(at + 1, status.find(']', at) - at - 1);
    const std::size_t slash = inner.find('/');
    if (slash == std::string_view::npos) continue;
    const auto required = ParseCount(inner.substr(0, slash)), active = ParseCount(inner.substr(slash + 1));
    if (!required || !active) return bad();
    array.required = *required;
    array.active = *active;
    return Ok();
  }
  return bad();
}

/// "[==>...] recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec", or resync=DELAYED.
Status ParseArraySync(std::string_view line, RaidArray& array) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kActions{
      {{"recovery", "recovering"}, {"check", "checking"}, {"resync", "resyncing"}}};
  for (const auto& [word, state] : kActions) {
    if (line.find(word) == std::string_view::npos) continue;
    array.state = state;
    array.synced = 0;
    if (line.find("PENDING") != std::string_view::npos || line.find("DELAYED") != std::string_view::npos) return Ok();
    const std::size_t open = line.find('('), slash = line.find('/', std::min(open, line.size()));
    const auto done =
        slash == std::string_view::npos ? std::nullopt : ParseCount(line.substr(open + 1, slash - open - 1));
    if (!done) return Fail(Code::kBadData, "'{}' in mdstat is no progress", line.substr(0, 200));
    array.synced = *done;
    return Ok();
  }
  return Ok();
}

Result<std::vector<RaidArray>> ParseMdstat(std::string_view text) {
  std::vector<std::string_view> lines;
  while (const auto line = NextLine(text)) lines.push_back(*line);
  const auto at = [&](std::size_t i) { return i < lines.size() ? lines[i] : std::string_view(); };
  std::vector<RaidArray> arrays;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    if (Trimmed(line).empty() || line.front() == ' ' || line.starts_with("Personalities") ||
        line.starts_with("unused")) {
      continue;
    }
    std::string_view rest = line;
    RaidArray array{.name = NextField(rest), .state = {}};
    NextField(rest);  // ":"
    array.state = NextField(rest);
    if (array.state.empty()) return Fail(Code::kBadData, "short line '{}' in mdstat", line.substr(0, 200));
    array.failed = static_cast<double>(CountOf(line, "(F)"));
    array.spare = static_cast<double>(CountOf(line, "(S)"));
    VEDETTE_CHECK(ParseArrayStatus(line, at(i + 1), array));
    const bool bitmap = at(i + 2).find("bitmap") != std::string_view::npos;
    VEDETTE_CHECK(ParseArraySync(at(bitmap ? i + 3 : i + 2), array));
    arrays.push_back(array);
  }
  return arrays;
}

class MdadmPart final : public HostPart {
 public:
  explicit MdadmPart(HostContext& context) : file_(context.Proc("mdstat")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string_view text, file_.Read());
    VEDETTE_TRY(const std::vector<RaidArray> arrays, ParseMdstat(text));
    FamilyTable table;
    for (const RaidArray& array : arrays) AddArray(array, table);
    table.Write(out);
    return Ok();
  }

 private:
  static void AddArray(const RaidArray& array, FamilyTable& table) {
    const std::string_view name = array.name;
    table.Add({"node_md_blocks", "Total number of blocks on device."}, {{"device", name}}, array.blocks);
    table.Add({"node_md_blocks_synced", "Number of blocks synced on device."}, {{"device", name}}, array.synced);
    constexpr MetricText kDisks{"node_md_disks", "Number of active/failed/spare disks of device."};
    table.Add(kDisks, {{"device", name}, {"state", "active"}}, array.active);
    table.Add(kDisks, {{"device", name}, {"state", "failed"}}, array.failed);
    table.Add(kDisks, {{"device", name}, {"state", "spare"}}, array.spare);
    table.Add({"node_md_disks_required", "Total number of disks of device."}, {{"device", name}}, array.required);
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kStates{{{"active", "active"},
                                                                                           {"inactive", "inactive"},
                                                                                           {"recovering", "recovering"},
                                                                                           {"resyncing", "resync"},
                                                                                           {"checking", "check"}}};
    for (const auto& [state, label] : kStates) {
      table.Add({"node_md_state", "Indicates the state of md-device."}, {{"device", name}, {"state", label}},
                array.state == state ? 1 : 0);
    }
  }

  HostFile file_;
};

class BondingPart final : public HostPart {
 public:
  explicit BondingPart(HostContext& context) : root_(context.Sys("class/net")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string masters, ReadHostFile(root_ + "/bonding_masters"));
    FamilyTable table;
    std::string_view rest = Trimmed(masters);
    for (std::string_view master = NextField(rest); !master.empty(); master = NextField(rest)) {
      VEDETTE_CHECK(AddMaster(master, table));
    }
    table.Write(out);
    return Ok();
  }

 private:
  Status AddMaster(std::string_view master, FamilyTable& table) const {
    const std::string path = fmt::format("{}/{}", root_, master);
    VEDETTE_TRY(const std::string slaves, ReadHostFile(path + "/bonding/slaves"));
    double all = 0, up = 0;
    std::string_view rest = Trimmed(slaves);
    for (std::string_view slave = NextField(rest); !slave.empty(); slave = NextField(rest)) {
      auto state = ReadHostFile(fmt::format("{}/lower_{}/bonding_slave/mii_status", path, slave));
      // Kernels of long ago call the link slave_.
      if (!state) state = ReadHostFile(fmt::format("{}/slave_{}/bonding_slave/mii_status", path, slave));
      if (!state) return state.error();
      ++all;
      if (Trimmed(*state) == "up") ++up;
    }
    table.Add({"node_bonding_active", "Number of active slaves per bonding interface."}, {{"master", master}}, up);
    table.Add({"node_bonding_slaves", "Number of configured slaves per bonding interface."}, {{"master", master}}, all);
    return Ok();
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeMdadmPart(HostContext& context) { return HostPartResult(std::make_unique<MdadmPart>(context)); }
HostPartResult MakeBondingPart(HostContext& context) { return HostPartResult(std::make_unique<BondingPart>(context)); }

}  // namespace vedette::collector
