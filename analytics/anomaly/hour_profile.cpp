#include "analytics/anomaly/hour_profile.h"

#include <cmath>
#include <cstdint>

#include <Eigen/Core>

#include "storage/coding.h"

namespace vedette::analytics {
namespace {

constexpr int kHoursOfDay = 24;
constexpr int kHoursOfWeek = 168;
constexpr double kHourMs = 3'600'000;

constexpr double kLevelHalfLifeHours = 2;
constexpr double kScaleHalfLifeHours = 24;
constexpr double kSlotHalfLifeHours = 3;    // of time spent in the slot: three visits
constexpr double kBaseHalfLifeHours = 168;  // the level that the shape is measured against
constexpr double kSlotTrustHours = 0.25;    // a slot seen this long counts half
constexpr double kClip = 3;                 // scales; Huber's proposal lies between 1.3 and 3
constexpr double kBand = 4;                 // scales to either side
constexpr double kGaussian = 1.2533141373;  // sqrt(pi / 2): scale of a Gaussian over its mean absolute deviation
constexpr double kShapeMustWin = 0.9;       // the shape's errors must be this much smaller
constexpr double kMinSamples = 30;          // before that every score is 0
constexpr double kRelativeFloor = 1e-6;     // smallest scale, of the level: a constant series has none
constexpr double kAbsoluteFloor = 1e-12;
constexpr double kTooLarge = 1e30;   // the shape is kept in floats: larger values are judged, not learned from
constexpr double kMaxStepHours = 1;  // a gap is one hour of forgetting, however long it was
constexpr std::uint8_t kVersion = 1;

/// Weight of a new sample that stands for `hours`, with everything older losing half its weight in `half_life` hours.
double Gain(double hours, double half_life) { return 1 - std::exp2(-hours / half_life); }

/// One guess: level and scale of the error, both robust.
struct Track {
  double level = 0;
  double scale = 0;

  double Scale() const { return std::max({scale, kRelativeFloor * std::abs(level), kAbsoluteFloor}); }

  /// `residual` = value - guess. `seen`: samples before this one; the first ones are averaged with equal weights.
  void Learn(double residual, double hours, double seen) {
    const double limit = seen < kMinSamples ? std::abs(residual) : kClip * Scale();
    const double clipped = std::clamp(residual, -limit, limit);
    const double equal = 1 / (seen + 1);
    level += std::max(Gain(hours, kLevelHalfLifeHours), equal) * clipped;
    // The very first residual is the value itself, measured from nothing.
    if (seen > 0) scale += std::max(Gain(hours, kScaleHalfLifeHours), equal) * (kGaussian * std::abs(clipped) - scale);
  }
};

class HourProfile final : public Detector {
 public:
  Judgement Observe(TimeMs time, double value) override {
    const double hours =
        seen_ == 0 ? 0 : std::clamp(static_cast<double>(time.ms - last_ms_) / kHourMs, 0.0, kMaxStepHours);
    const int slot = HourOfWeek(time);
    const double shape = Shape(slot);
    const bool shaped = ShapeWins();
    const Track& track = shaped ? shaped_ : plain_;
    Judgement judgement = Band(track, track.level + (shaped ? shape : 0));
    if (!std::isfinite(value)) return judgement;
    if (seen_ >= kMinSamples) {
      const double half_band = kBand * track.Scale();
      judgement.score = std::min(std::abs(value - judgement.expected) / half_band, kMaxScore);
    }
    if (std::abs(value) < kTooLarge) Learn(slot, shape, hours, value);
    last_ms_ = time.ms;
    return judgement;
  }

  std::string Save() const override {
    std::string out(1, static_cast<char>(kVersion));
    for (const double number : {seen_, age_hours_, plain_.level, plain_.scale, shaped_.level, shaped_.scale, base_}) {
      storage::PutDouble(out, number);
    }
    storage::PutSigned(out, last_ms_);
    for (const double number : day_) storage::PutDouble(out, number);
    for (const double number : day_hours_) storage::PutDouble(out, number);
    for (const double number : week_) storage::PutDouble(out, number);
    for (const double number : week_hours_) storage::PutDouble(out, number);
    return out;
  }

  Status Load(std::string_view bytes) override {
    storage::ByteReader in(bytes);
    const auto version = in.Byte();
    if (!version || *version != kVersion) return Fail(Code::kCorruption, "hour_profile: unknown version of the state");
    HourProfile loaded;
    bool good = true;
    const auto read = [&](auto& number) {
      const auto stored = in.Double();
      good = good && stored && std::isfinite(*stored);
      if (good) number = static_cast<std::decay_t<decltype(number)>>(*stored);
    };
    for (double* number : {&loaded.seen_, &loaded.age_hours_, &loaded.plain_.level, &loaded.plain_.scale,
                           &loaded.shaped_.level, &loaded.shaped_.scale, &loaded.base_}) {
      read(*number);
    }
    const auto last = in.Signed();
    for (float& number : loaded.day_) read(number);
    for (float& number : loaded.day_hours_) read(number);
    for (float& number : loaded.week_) read(number);
    for (float& number : loaded.week_hours_) read(number);
    if (!good || !last || !in.empty()) return Fail(Code::kCorruption, "hour_profile: damaged state");
    loaded.last_ms_ = *last;
    *this = loaded;
    return Ok();
  }

 private:
  static int HourOfWeek(TimeMs time) {
    constexpr std::int64_t kHour = 3'600'000, kWeek = kHour * kHoursOfWeek;
    const std::int64_t within = ((time.ms % kWeek) + kWeek) % kWeek;
    return static_cast<int>(within / kHour);
  }

  static Judgement Band(const Track& track, double expected) {
    const double half_band = kBand * track.Scale();
    return {0, expected, expected - half_band, expected + half_band};
  }

  /// The hour of the week, shrunk towards the hour of the day, shrunk towards nothing.
  double Shape(int slot) const {
    const auto trust = [](double hours) { return hours / (hours + kSlotTrustHours); };
    const int hour = slot % kHoursOfDay;
    const double by_day = trust(day_hours_[hour]) * day_[hour];
    // A single visit says nothing about the next week that the hour of the day would not say.
    const double by_week = trust(std::max(week_hours_[slot] - 1.0F, 0.0F));
    return by_week * week_[slot] + (1 - by_week) * by_day;
  }

  bool ShapeWins() const { return seen_ >= kMinSamples && shaped_.Scale() < kShapeMustWin * plain_.Scale(); }

  void Learn(int slot, double shape, double hours, double value) {
    plain_.Learn(value - plain_.level, hours, seen_);
    shaped_.Learn(value - shaped_.level - shape, hours, seen_);
    const double limit = seen_ < kMinSamples ? std::abs(value - base_) : kClip * kBand * plain_.Scale();
    base_ += std::max(Gain(hours, kBaseHalfLifeHours), 1 / (seen_ + 1)) * std::clamp(value - base_, -limit, limit);
    const double offset = std::clamp(value - base_, -limit - std::abs(shape), limit + std::abs(shape));
    // Before a whole day, or week, has been seen, the base is the mean of a part of it.
    if (age_hours_ >= kHoursOfDay) LearnSlot(day_[slot % kHoursOfDay], day_hours_[slot % kHoursOfDay], offset, hours);
    if (age_hours_ >= kHoursOfWeek) LearnSlot(week_[slot], week_hours_[slot], offset, hours);
    seen_ += 1;
    age_hours_ += hours;
  }

  /// The plain mean until the slot has been seen for some hours, exponentially weighted from then on.
  static void LearnSlot(float& mean, float& seen_hours, double offset, double hours) {
    if (hours <= 0) return;
    const double gain = std::max(Gain(hours, kSlotHalfLifeHours), hours / (seen_hours + hours));
    mean += static_cast<float>(gain * (offset - mean));
    seen_hours += static_cast<float>(hours);
  }

  double seen_ = 0;       // samples learned from
  double age_hours_ = 0;  // time they stand for
  Track plain_, shaped_;
  double base_ = 0;
  std::int64_t last_ms_ = 0;
  Eigen::Array<float, kHoursOfDay, 1> day_ = Eigen::Array<float, kHoursOfDay, 1>::Zero();
  Eigen::Array<float, kHoursOfDay, 1> day_hours_ = Eigen::Array<float, kHoursOfDay, 1>::Zero();
  Eigen::Array<float, kHoursOfWeek, 1> week_ = Eigen::Array<float, kHoursOfWeek, 1>::Zero();
  Eigen::Array<float, kHoursOfWeek, 1> week_hours_ = Eigen::Array<float, kHoursOfWeek, 1>::Zero();
};

}  // namespace

std::unique_ptr<Detector> MakeHourProfile() { return std::make_unique<HourProfile>(); }

}  // namespace vedette::analytics
