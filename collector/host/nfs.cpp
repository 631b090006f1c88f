// nfs and nfsd: remote procedure calls of the NFS client and of the NFS server, from /proc/net/rpc.
#include <array>
#include <map>
#include <span>
#include <vector>

#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

constexpr auto kCount = FamilyType::kCounter;

// Procedures in the order of the columns; an empty name is not shown.
constexpr auto kV2Procedures = std::to_array<std::string_view>(
    {"Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove",
     "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat"});
constexpr auto kV3Procedures = std::to_array<std::string_view>(
    {"Null",    "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
     "Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
     "ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit"});
constexpr auto kV4ClientProcedures = std::to_array<std::string_view>({"Null",
                                                                      "Read",
                                                                      "Write",
                                                                      "Commit",
                                                                      "Open",
                                                                      "OpenConfirm",
                                                                      "OpenNoattr",
                                                                      "OpenDowngrade",
                                                                      "Close",
                                                                      "Setattr",
                                                                      "FsInfo",
                                                                      "Renew",
                                                                      "SetClientID",
                                                                      "SetClientIDConfirm",
                                                                      "Lock",
                                                                      "Lockt",
                                                                      "Locku",
                                                                      "Access",
                                                                      "Getattr",
                                                                      "Lookup",
                                                                      "LookupRoot",
                                                                      "Remove",
                                                                      "Rename",
                                                                      "Link",
                                                                      "Symlink",
                                                                      "Create",
                                                                      "Pathconf",
                                                                      "StatFs",
                                                                      "ReadLink",
                                                                      "ReadDir",
                                                                      "ServerCaps",
                                                                      "DelegReturn",
                                                                      "GetACL",
                                                                      "SetACL",
                                                                      "FsLocations",
                                                                      "ReleaseLockowner",
                                                                      "Secinfo",
                                                                      "FsidPresent",
                                                                      "ExchangeID",
                                                                      "CreateSession",
                                                                      "DestroySession",
                                                                      "Sequence",
                                                                      "GetLeaseTime",
                                                                      "ReclaimComplete",
                                                                      "LayoutGet",
                                                                      "GetDeviceInfo",
                                                                      "LayoutCommit",
                                                                      "LayoutReturn",
                                                                      "SecinfoNoName",
                                                                      "TestStateID",
                                                                      "FreeStateID",
                                                                      "GetDeviceList",
                                                                      "BindConnToSession",
                                                                      "DestroyClientID",
                                                                      "Seek",
                                                                      "Allocate",
                                                                      "DeAllocate",
                                                                      "LayoutStats",
                                                                      "Clone"});
constexpr auto kV4ServerOperations = std::to_array<std::string_view>({"",
                                                                      "",
                                                                      "",
                                                                      "Access",
                                                                      "Close",
                                                                      "Commit",
                                                                      "Create",
                                                                      "DelegPurge",
                                                                      "DelegReturn",
                                                                      "GetAttr",
                                                                      "GetFH",
                                                                      "Link",
                                                                      "Lock",
                                                                      "Lockt",
                                                                      "Locku",
                                                                      "Lookup",
                                                                      "LookupRoot",
                                                                      "Nverify",
                                                                      "Open",
                                                                      "OpenAttr",
                                                                      "OpenConfirm",
                                                                      "OpenDgrd",
                                                                      "PutFH",
                                                                      "",
                                                                      "",
                                                                      "Read",
                                                                      "ReadDir",
                                                                      "ReadLink",
                                                                      "Remove",
                                                                      "Rename",
                                                                      "Renew",
                                                                      "RestoreFH",
                                                                      "SaveFH",
                                                                      "SecInfo",
                                                                      "SetAttr",
                                                                      "Verify",
                                                                      "Write",
                                                                      "RelLockOwner"});

/// "proc3 22 1 2 ...": the lines of a file by their first word.
using RpcLines = std::map<std::string_view, std::vector<double>, std::less<>>;

Result<RpcLines> ParseRpcLines(std::string_view text, const std::string& path) {
  RpcLines lines;
  while (auto line = NextLine(text)) {
    const std::string_view name = NextField(*line);
    if (name.empty()) continue;
    std::vector<double>& values = lines[name];
    values.clear();
    for (std::string_view field = NextField(*line); !field.empty(); field = NextField(*line)) {
      if (name == "th" && values.size() == 2) break;  // a histogram of fractions follows, always zero since 2.6.31
      VEDETTE_TRY(const double value, NeedCount(field, path));
      values.push_back(value);
    }
  }
  return lines;
}

/// What a kernel does not count is 0.
double RpcValue(const RpcLines& lines, std::string_view line, std::size_t column) {
  const auto at = lines.find(line);
  return at == lines.end() || column >= at->second.size() ? 0 : at->second[column];
}

void WriteProcedures(const RpcLines& lines, std::string_view line, std::string_view proto,
                     std::span<const std::string_view> names, TextFormat& out) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    // The first column says how many follow.
    if (!names[i].empty()) out.Sample({{"method", names[i]}, {"proto", proto}}, RpcValue(lines, line, i + 1));
  }
}

class NfsPart final : public HostPart {
 public:
  explicit NfsPart(HostContext& context) : file_(context.Proc("net/rpc/nfs")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string_view text, file_.Read());
    VEDETTE_TRY(const RpcLines lines, ParseRpcLines(text, file_.path()));
    out.Single({"node_nfs_connections_total", "Total number of NFSd TCP connections.", kCount},
               RpcValue(lines, "net", 3));
    out.Family("node_nfs_packets_total", "Total NFSd network packets (sent+received) by protocol type.", kCount);
    out.Sample({{"protocol", "tcp"}}, RpcValue(lines, "net", 2));
    out.Sample({{"protocol", "udp"}}, RpcValue(lines, "net", 1));
    out.Family("node_nfs_requests_total", "Number of NFS procedures invoked.", kCount);
    WriteProcedures(lines, "proc2", "2", kV2Procedures, out);
    WriteProcedures(lines, "proc3", "3", kV3Procedures, out);
    WriteProcedures(lines, "proc4", "4", kV4ClientProcedures, out);
    out.Single(
        {"node_nfs_rpc_authentication_refreshes_total", "Number of RPC authentication refreshes performed.", kCount},
        RpcValue(lines, "rpc", 2));
    out.Single({"node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.", kCount},
               RpcValue(lines, "rpc", 1));
    out.Single({"node_nfs_rpcs_total", "Total number of RPCs performed.", kCount}, RpcValue(lines, "rpc", 0));
    return Ok();
  }

 private:
  HostFile file_;
};

struct NfsdNumber {
  std::string_view line;
  std::size_t column;
  MetricText metric;
};
constexpr auto kNfsdNumbers = std::to_array<NfsdNumber>({
    {"net", 3, {"node_nfsd_connections_total", "Total number of NFSd TCP connections.", kCount}},
    {"io", 0, {"node_nfsd_disk_bytes_read_total", "Total NFSd bytes read.", kCount}},
    {"io", 1, {"node_nfsd_disk_bytes_written_total", "Total NFSd bytes written.", kCount}},
    {"fh", 0, {"node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles", kCount}},
    {"ra",
     11,
     {"node_nfsd_read_ahead_cache_not_found_total", "Total number of NFSd read ahead cache not found.", kCount}},
    {"ra", 0, {"node_nfsd_read_ahead_cache_size_blocks", "How large the read ahead cache is in blocks."}},
    {"rc",
     0,
     {"node_nfsd_reply_cache_hits_total", "Total number of NFSd Reply Cache hits (client lost server response).",
      kCount}},
    {"rc",
     1,
     {"node_nfsd_reply_cache_misses_total",
      "Total number of NFSd Reply Cache an operation that requires caching (idempotent).", kCount}},
    {"rc",
     2,
     {"node_nfsd_reply_cache_nocache_total",
      "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/\xe2\x80\xa6).", kCount}},
    {"rpc", 0, {"node_nfsd_server_rpcs_total", "Total number of NFSd RPCs.", kCount}},
    {"th", 0, {"node_nfsd_server_threads", "Total number of NFSd kernel threads that are running."}},
});

class NfsdPart final : public HostPart {
 public:
  explicit NfsdPart(HostContext& context) : file_(context.Proc("net/rpc/nfsd")) {}

  Status Collect(TextFormat& out) override {
    VEDETTE_TRY(const std::string_view text, file_.Read());
    VEDETTE_TRY(const RpcLines lines, ParseRpcLines(text, file_.path()));
    for (const NfsdNumber& number : kNfsdNumbers)
      out.Single(number.metric, RpcValue(lines, number.line, number.column));
    out.Family("node_nfsd_packets_total", "Total NFSd network packets (sent+received) by protocol type.", kCount);
    out.Sample({{"proto", "tcp"}}, RpcValue(lines, "net", 2));
    out.Sample({{"proto", "udp"}}, RpcValue(lines, "net", 1));
    out.Family("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.", kCount);
    // The procedure that does nothing, first in both versions, is shown for the client only.
    WriteServerProcedures(lines, "proc2", "2", kV2Procedures, out);
    WriteServerProcedures(lines, "proc3", "3", kV3Procedures, out);
    WriteProcedures(lines, "proc4ops", "4", kV4ServerOperations, out);
    out.Family("node_nfsd_rpc_errors_total", "Total number of NFSd RPC errors by error type.", kCount);
    out.Sample({{"error", "fmt"}}, RpcValue(lines, "rpc", 2));
    out.Sample({{"error", "auth"}}, RpcValue(lines, "rpc", 3));
    out.Sample({{"error", "cInt"}}, RpcValue(lines, "rpc", 4));
    return Ok();
  }

 private:
  template <std::size_t N>
  static void WriteServerProcedures(const RpcLines& lines, std::string_view line, std::string_view proto,
                                    std::array<std::string_view, N> names, TextFormat& out) {
    names[0] = {};
    WriteProcedures(lines, line, proto, names, out);
  }

  HostFile file_;
};

}  // namespace

HostPartResult MakeNfsPart(HostContext& context) { return HostPartResult(std::make_unique<NfsPart>(context)); }
HostPartResult MakeNfsdPart(HostContext& context) { return HostPartResult(std::make_unique<NfsdPart>(context)); }

}  // namespace vedette::collector
