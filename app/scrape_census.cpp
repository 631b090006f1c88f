#include "app/scrape_census.h"

#include "collector/scrape/manager.h"

namespace vedette::app {

std::optional<std::size_t> ScrapeCensus::TargetsOfJob(std::string_view job) const {
  const collector::ScrapeManager* scraper = scraper_.load();
  if (scraper == nullptr) return std::nullopt;
  const std::size_t targets = scraper->Targets(job).active.size();
  return targets > 0 ? std::optional(targets) : std::nullopt;
}

}  // namespace vedette::app
