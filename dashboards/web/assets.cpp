#include "dashboards/web/assets.h"

#include <array>

// What dashboards/CMakeLists.txt embeds: where each file begins and ends.
#define VEDETTE_ASSET(symbol) extern "C" const char vedette_web_##symbol[], vedette_web_##symbol##_end[]
VEDETTE_ASSET(alerts_js);
VEDETTE_ASSET(api_js);
VEDETTE_ASSET(app_css);
VEDETTE_ASSET(app_js);
VEDETTE_ASSET(dom_js);
VEDETTE_ASSET(format_js);
VEDETTE_ASSET(icon_svg);
VEDETTE_ASSET(index_html);
VEDETTE_ASSET(overview_js);
VEDETTE_ASSET(plot_js);
VEDETTE_ASSET(query_js);
VEDETTE_ASSET(refresh_js);
VEDETTE_ASSET(suggest_js);
VEDETTE_ASSET(targets_js);
#undef VEDETTE_ASSET

namespace vedette::dashboards {
namespace {

constexpr std::string_view kScript = "text/javascript; charset=utf-8";

std::string_view Between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::span<const Asset> Assets() {
  static const auto assets = std::to_array<Asset>({
      {"alerts.js", kScript, Between(vedette_web_alerts_js, vedette_web_alerts_js_end)},
      {"api.js", kScript, Between(vedette_web_api_js, vedette_web_api_js_end)},
      {"app.css", "text/css; charset=utf-8", Between(vedette_web_app_css, vedette_web_app_css_end)},
      {"app.js", kScript, Between(vedette_web_app_js, vedette_web_app_js_end)},
      {"dom.js", kScript, Between(vedette_web_dom_js, vedette_web_dom_js_end)},
      {"format.js", kScript, Between(vedette_web_format_js, vedette_web_format_js_end)},
      {"icon.svg", "image/svg+xml", Between(vedette_web_icon_svg, vedette_web_icon_svg_end)},
      {"index.html", "text/html; charset=utf-8", Between(vedette_web_index_html, vedette_web_index_html_end)},
      {"overview.js", kScript, Between(vedette_web_overview_js, vedette_web_overview_js_end)},
      {"plot.js", kScript, Between(vedette_web_plot_js, vedette_web_plot_js_end)},
      {"query.js", kScript, Between(vedette_web_query_js, vedette_web_query_js_end)},
      {"refresh.js", kScript, Between(vedette_web_refresh_js, vedette_web_refresh_js_end)},
      {"suggest.js", kScript, Between(vedette_web_suggest_js, vedette_web_suggest_js_end)},
      {"targets.js", kScript, Between(vedette_web_targets_js, vedette_web_targets_js_end)},
  });
  return assets;
}

}  // namespace vedette::dashboards
