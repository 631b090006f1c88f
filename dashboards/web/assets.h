// The files of dashboards/web/assets/ as they stand in the binary. Internal to dashboards/web/*.cpp.
#pragma once

#include <span>
#include <string_view>

namespace vedette::dashboards {

struct Asset {
  std::string_view name;  // "app.js"
  std::string_view media_type;
  std::string_view content;
};

/// All of them, in no particular order.
std::span<const Asset> Assets();

}  // namespace vedette::dashboards
