#include "dashboards/web/pages.h"

#include <memory>
#include <string>

#include "core/gzip.h"
#include "core/labels.h"
#include "core/url.h"
#include "dashboards/web/assets.h"

namespace vedette::dashboards {
namespace {

constexpr int kBestLevel = 9;
constexpr std::string_view kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// One file ready to be sent, as it is and as gzip.
struct Page {
  std::string media_type;
  std::string etag;
  std::shared_ptr<const std::string> plain, packed;
};

Page MakePage(const Asset& asset) {
  Page page;
  page.media_type = asset.media_type;
  // The hash of a label set with one value is a stable 64-bit hash of that value.
  page.etag = fmt::format("\"{:016x}\"", Labels({{"content", asset.content}}).Hash());
  page.plain = std::make_shared<const std::string>(asset.content);
  page.packed = std::make_shared<const std::string>(Compress(asset.content, ZFormat::kGzip, kBestLevel));
  return page;
}

Response Serve(const Page& page, const Request& request) {
  Response out;
  out.compress = false;
  // Asked for again each time, which a 304 answers: a new version of the binary shows at once.
  out.headers = {{"Content-Type", page.media_type},
                 {"ETag", page.etag},
                 {"Cache-Control", "no-cache"},
                 {"Vary", "Accept-Encoding"},
                 {"Content-Security-Policy", std::string(kPolicy)},
                 {"Referrer-Policy", "same-origin"},
                 {"X-Frame-Options", "DENY"}};
  if (request.headers.Get("If-None-Match").find(page.etag) != std::string_view::npos) {
    out.status = 304;
    return out;
  }
  const bool packed = request.headers.Get("Accept-Encoding").find("gzip") != std::string_view::npos;
  out.shared_body = packed ? page.packed : page.plain;
  if (packed) out.headers.Add("Content-Encoding", "gzip");
  return out;
}

}  // namespace

void AddPages(Router& router) {
  for (const Asset& asset : Assets()) {
    const Handler handler = [page = MakePage(asset)](const Request& request) { return Serve(page, request); };
    router.Add(kGet, fmt::format("/assets/{}", asset.name), handler);
    if (asset.name != "index.html") continue;
    for (const char* path : {"/", "/query", "/targets", "/alerts"}) router.Add(kGet, path, handler);
  }
  router.Add(kGet, "/graph", [](const Request& request) {
    std::string target = "/query";
    for (const auto& [name, value] : request.query) {
      target += fmt::format("{}{}={}", target.size() == 6 ? '?' : '&', PercentEncode(name), PercentEncode(value));
    }
    return RedirectResponse(std::move(target));
  });
  router.Add(kGet, "/favicon.ico", [](const Request&) { return RedirectResponse("/assets/icon.svg"); });
}

}  // namespace vedette::dashboards
