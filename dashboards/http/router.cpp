#include "dashboards/http/router.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "core/url.h"

namespace vedette::dashboards {
namespace {

struct MethodName {
  Method method;
  std::string_view name;
};
constexpr auto kMethods = std::to_array<MethodName>(
    {{kGet, "GET"}, {kHead, "HEAD"}, {kPost, "POST"}, {kPut, "PUT"}, {kDelete, "DELETE"}, {kOptions, "OPTIONS"}});

/// HEAD comes with GET, OPTIONS with everything.
Methods Allowed(Methods listed) { return static_cast<Methods>(listed | ((listed & kGet) != 0 ? kHead : 0) | kOptions); }

std::string MethodList(Methods methods) {
  std::string out;
  for (const auto& [method, name] : kMethods) {
    if ((methods & method) != 0) out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

bool IsApi(std::string_view path) { return path.starts_with("/api/"); }

Response NoContent(std::string allow) {
  Response out;
  out.status = 204;
  if (!allow.empty()) out.headers.Add("Allow", std::move(allow));
  return out;
}

[[noreturn]] void Abort(std::string_view what, std::string_view pattern) {
  std::cerr << "route " << pattern << ": " << what << '\n';
  std::abort();
}

}  // namespace

Router& Router::Add(Methods methods, std::string pattern, Handler handler, std::shared_ptr<const BodyLimits> body) {
  if (!pattern.starts_with('/')) Abort("must start with a slash", pattern);
  std::vector<Row>* rows = nullptr;
  const auto open = pattern.find('{');
  const bool rest = pattern.ends_with("/*");
  if (open == std::string::npos && !rest) {
    rows = &exact_[pattern];
  } else {
    const auto close = pattern.find('}');
    const std::string prefix = pattern.substr(0, rest ? pattern.size() - 1 : open);
    const std::string suffix = rest ? "" : pattern.substr(close + 1);
    const auto same = [&](const Wildcard& w) { return w.prefix == prefix && w.suffix == suffix && w.rest == rest; };
    auto found = std::ranges::find_if(wildcards_, same);
    if (found == wildcards_.end()) found = wildcards_.insert(wildcards_.end(), {prefix, suffix, rest, {}});
    rows = &found->rows;
  }
  for (const Row& row : *rows) {
    if ((row.methods & methods) != 0) Abort("method added twice", pattern);
  }
  rows->push_back({methods, std::move(pattern), std::move(handler), std::move(body)});
  return *this;
}

Router::Match Router::Choose(const std::vector<Row>& rows, Method method, std::string path_parameter) const {
  Methods known = 0;
  for (const Row& row : rows) {
    known = static_cast<Methods>(known | Allowed(row.methods));
    const Methods served = static_cast<Methods>(row.methods | ((row.methods & kGet) != 0 ? kHead : 0));
    if ((served & method) != 0) return {&row.handler, row.pattern, std::move(path_parameter), {}, row.body.get()};
  }
  Match out;
  out.pattern = rows.front().pattern;
  if (method == kOptions) {
    out.refusal = NoContent(MethodList(known));
  } else {
    out.refusal = TextResponse(405, "Method Not Allowed\n");
    out.refusal.headers.Add("Allow", MethodList(known));
  }
  return out;
}

Router::Match Router::Find(Method method, std::string_view raw_path) const {
  if (const auto found = exact_.find(PercentDecode(raw_path)); found != exact_.end()) {
    return Choose(found->second, method, {});
  }
  for (const Wildcard& wildcard : wildcards_) {
    if (raw_path.size() <= wildcard.prefix.size() + wildcard.suffix.size() || !raw_path.starts_with(wildcard.prefix) ||
        !raw_path.ends_with(wildcard.suffix)) {
      continue;
    }
    const auto segment =
        raw_path.substr(wildcard.prefix.size(), raw_path.size() - wildcard.prefix.size() - wildcard.suffix.size());
    if (!wildcard.rest && segment.find('/') != std::string_view::npos) continue;
    return Choose(wildcard.rows, method, PercentDecode(segment));
  }
  Match out;
  out.pattern = "other";
  out.refusal = method == kOptions && IsApi(raw_path) ? NoContent("") : TextResponse(404, "404 page not found\n");
  return out;
}

std::vector<std::string_view> Router::Patterns() const {
  std::vector<std::string_view> out;
  for (const auto& [path, rows] : exact_) out.push_back(path);
  for (const Wildcard& wildcard : wildcards_) out.push_back(wildcard.rows.front().pattern);
  std::ranges::sort(out);
  return out;
}

}  // namespace vedette::dashboards
