#include "app/reload_parts.h"

#include <cstddef>

#include "core/log.h"

namespace vedette::app {

Status ApplyOrGoBack(std::span<const ReloadPart> parts, const config::Config& old, const config::Config& next) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Status applied = parts[i].apply(next);
    if (applied) continue;
    GoBack(parts.first(i + 1), old);
    return applied;
  }
  return Ok();
}

void GoBack(std::span<const ReloadPart> parts, const config::Config& old) {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const Status applied = part->apply(old);
    if (!applied) {
      LogError("app", "a part does not have the old configuration again",
               {{"part", part->name}, {"reason", applied.error()}});
    }
  }
}

}  // namespace vedette::app
