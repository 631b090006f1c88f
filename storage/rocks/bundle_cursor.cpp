#include "storage/rocks/bundle_cursor.h"

#include <utility>

#include "storage/rocks/database.h"

namespace vedette::storage {

Result<bool> BundleCursor::Find(std::int32_t day, SeriesId series) {
  if (IsAt(day, series)) return found_;
  known_ = false;
  day_ = day;
  asked_ = series;
  at_->Seek(BundleKey(day, series));
  return Load();
}

Result<bool> BundleCursor::Next() {
  known_ = false;
  asked_ = SeriesId(Raw(last_) + 1);
  at_->Next();
  return Load();
}

Result<bool> BundleCursor::Load() {
  found_ = false;
  if (!at_->status().ok()) {
    return ToError(at_->status(),
                   fmt::format("read of the bundles from series {} of {} on", Raw(asked_), DayText(day_)));
  }
  if (at_->Valid() && key().starts_with(DayPrefix(day_))) {
    const auto last = ParseBundleKey(key());
    if (!last) return Fail(Code::kCorruption, "{}", DescribeBundleKey(key()));
    last_ = *last;
    const Status opened = bundle_.Open(value());
    if (!opened) return Annotate(DescribeBundleKey(key()), opened.error());
    if (bundle_.parts().back().series != last_) {
      return Fail(Code::kCorruption, "{} ends with series {}", DescribeBundleKey(key()),
                  Raw(bundle_.parts().back().series));
    }
    found_ = true;
  }
  known_ = true;
  return found_;
}

Result<std::optional<BundleRow>> Rewrite(BundleReader& bundle, std::int32_t day,
                                         const std::map<std::size_t, Columns>& replaced) {
  BundleEncoder encoder;
  Columns own;
  for (std::size_t i = 0; i < bundle.parts().size(); ++i) {
    const auto other = replaced.find(i);
    if (other == replaced.end()) {
      own.clear();
      VEDETTE_CHECK(bundle.Decode(i, own));
    }
    const Columns& samples = other == replaced.end() ? own : other->second;
    const BundlePart& part = bundle.parts()[i];
    if (samples.size() > 0) encoder.Add(part.series, part.seal, samples.times, samples.values);
  }
  if (encoder.empty()) return std::optional<BundleRow>();
  BundleRow out{BundleKey(day, encoder.last()), {}};
  out.value = encoder.Take();
  return std::optional(std::move(out));
}

}  // namespace vedette::storage
