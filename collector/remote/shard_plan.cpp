#include "collector/remote/shard_plan.h"

#include <algorithm>
#include <cmath>

namespace vedette::collector {
namespace {

/// Weight of the newest ten seconds; the share of what is pending that should be worked off in a second; how far the
/// number may be off before it changes; and how far behind an end must not be for its shards to become fewer. All
/// Prometheus'.
constexpr double kWeight = 0.2;
constexpr double kCatchUp = 0.05;
constexpr double kTolerance = 0.3;
constexpr double kFarBehindSeconds = 10;

}  // namespace

void ShardPlan::Rate::Tick() {
  const double now = count / std::chrono::duration<double>(kUpdateEvery).count();
  count = 0;
  per_second = started ? per_second + kWeight * (now - per_second) : now;
  started = started || now > 0;
}

int ShardPlan::Update(int shards, double behind_seconds) {
  for (Rate* rate : {&in_, &dropped_, &out_, &out_seconds_}) rate->Tick();
  const double out = out_.per_second;
  if (out <= 0) return shards;
  const double kept = out / (dropped_.per_second + out);
  const double in = in_.per_second * kept;
  const double pending = std::max(behind_seconds, 0.0) * in;
  desired_ = out_seconds_.per_second / out * (in + kCatchUp * pending);
  const double wanted = std::ceil(desired_);
  if (wanted >= shards * (1 - kTolerance) && wanted <= shards * (1 + kTolerance)) return shards;
  if (wanted < shards && behind_seconds > kFarBehindSeconds) return shards;
  return static_cast<int>(std::clamp(wanted, double(options_.min_shards), double(options_.max_shards)));
}

}  // namespace vedette::collector
