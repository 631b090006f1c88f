#include "storage/storage.h"

#include <bit>
#include <cmath>

#include "core/numbers.h"

namespace vedette::storage {
namespace {

/// Numbers above the staleness marker above other NaNs; then by value; then by bits, which tells 0 from -0 and one NaN
/// from another.
bool Beats(double a, double b) {
  const auto rank = [](double v) { return !std::isnan(v) ? 2 : IsStaleNan(v) ? 1 : 0; };
  const int rank_a = rank(a), rank_b = rank(b);
  if (rank_a != rank_b) return rank_a > rank_b;
  if (rank_a == 2 && a != b) return a > b;
  // Bits as signed numbers: the positive of two zeros is the larger.
  return std::bit_cast<std::int64_t>(a) > std::bit_cast<std::int64_t>(b);
}

class PlainReader final : public SeriesReader {
 public:
  explicit PlainReader(const Querier& querier) : querier_(querier) {}
  Status Read(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) override {
    return querier_.ReadMixed(series, range, floats, histograms);
  }

 private:
  const Querier& querier_;
};

}  // namespace

std::unique_ptr<SeriesReader> Querier::NewReader() const { return std::make_unique<PlainReader>(*this); }

Status ValidateTierRange(TimeMs from, TimeMs to, Millis step) {
  constexpr std::int64_t kMinute = 60'000, kDay = 24 * 60 * kMinute;
  if (step.count() < kMinute || step.count() % kMinute != 0 || kDay % step.count() != 0) {
    return Fail(Code::kBadData, "no tier has steps of {} ms: whole minutes that divide a day", step.count());
  }
  if (from.ms % step.count() != 0 || to.ms % step.count() != 0) {
    return Fail(Code::kBadData, "range from {} to {} is not made of steps of {} ms", from.ms, to.ms, step.count());
  }
  return Ok();
}

Result<bool> Querier::ReadTier(SeriesId series, TimeMs from, TimeMs to, Millis step,
                               std::vector<TierBucket>& out) const {
  VEDETTE_CHECK(ValidateTierRange(from, to, step));
  if (to <= from) return true;
  Columns floats;
  HistogramColumns histograms;
  VEDETTE_CHECK(ReadMixed(series, {from + Millis(1), to}, floats, histograms));
  if (histograms.size() > 0) return false;
  DownSample(floats.times, floats.values, step, out);
  return true;
}

Result<StoreStats> Storage::Cardinality(const CardinalityQuery&) const {
  return Fail(Code::kUnavailable, "this store only knows the cardinality of all its series");
}

double ResolveDuplicate(double a, double b) { return Beats(a, b) ? a : b; }

const Histogram& ResolveDuplicate(const Histogram& a, const Histogram& b) {
  return CompareHistograms(a, b) >= 0 ? a : b;
}

Status ValidateSeries(const Labels& labels) {
  if (labels.empty()) return Fail(Code::kBadData, "a series needs at least one label");
  for (const LabelView label : labels) {
    if (label.name.empty()) return Fail(Code::kBadData, "series {} has a label without a name", labels.ToString());
    if (!IsValidUtf8(label.name) || !IsValidUtf8(label.value)) {
      return Fail(Code::kBadData, "label {} of series {} is not valid UTF-8", Quote(label.name), labels.ToString());
    }
  }
  return Ok();
}

}  // namespace vedette::storage
