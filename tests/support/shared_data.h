// Public test data that lies beside the checkout, never in it. Tests that need it are skipped where it is absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace vedette::test {

/// The path of `name` below $VEDETTE_SHARED or ../shared; nothing (and a message on standard error) when it is absent.
std::optional<std::filesystem::path> SharedData(std::string_view name);

}  // namespace vedette::test
