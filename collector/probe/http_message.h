// One exchange of an HTTP probe: a request out, a reply in, and when what happened. Internal to collector/probe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/probe/memory.h"
#include "collector/probe/probe_run.h"

namespace vedette::collector {

struct ProbeHttpRequest {
  std::string method = "GET", target = "/";                  // of the request line
  std::vector<std::pair<std::string, std::string>> headers;  // Host among them
  std::string body;
};

struct ProbeHttpReply {
  int status = 0;
  int version = 11;            // 10 or 11
  double content_length = -1;  // -1: not said
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;           // as it came, without the chunks; empty when it is only counted
  std::size_t body_size = 0;  // what came of it
  SteadyTime first_byte{}, end{};
  /// Value of the first header of that name; empty when absent.
  std::string Header(std::string_view name) const;
  std::vector<std::string> HeaderValues(std::string_view name) const;
};

/// What becomes of the body of a reply.
struct ProbeBodyRules {
  std::size_t max_bytes = 0;
  bool keep = true;  // else it is only counted
  std::shared_ptr<ProbeShare> memory{};
};

/// The bytes of a request.
std::string EncodeProbeRequest(const ProbeHttpRequest& request);

/// Sends and reads. Errors: kUnavailable, kBadData for what is no HTTP,
/// kLimit for a body larger than it may be or a head that never ends, kUnavailable when all probes together keep too
/// much. `reply` holds what came before an error; its
/// status is 0 without a head.
net::awaitable<Status> ExchangeHttp(ProbeStream& stream, const ProbeHttpRequest& request, ProbeBodyRules rules,
                                    ProbeHttpReply& reply);

}  // namespace vedette::collector
