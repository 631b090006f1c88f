// Blast radius: how many targets a job has. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string_view>

#include "alerting/router.h"

namespace vedette::collector {
class ScrapeManager;
}

namespace vedette::app {

class ScrapeCensus final : public alerting::TargetCensus {
 public:
  std::optional<std::size_t> TargetsOfJob(std::string_view job) const override;
  /// The scrape manager comes after the router, hence the late binding; null: it is about to go.
  void Use(const collector::ScrapeManager* scraper) { scraper_ = scraper; }

 private:
  std::atomic<const collector::ScrapeManager*> scraper_{nullptr};
};

}  // namespace vedette::app
