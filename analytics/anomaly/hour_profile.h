// The anomaly model "hour_profile": what this series usually is at this hour of the week, or simply of late, whichever
// has been the better guess.
#pragma once

#include <memory>

#include "analytics/anomaly/detector.h"

namespace vedette::analytics {

/// Two guesses run side by side: a level that follows the series (exponentially weighted, forgetting half in two
/// hours), and the same level with a shape on top, 24 hours of the day refined by 168 hours of the week (UTC). A slot
/// of the shape counts by how often it was seen, and the shape is used only while its errors are clearly smaller. Both
/// guesses learn from residuals clipped at three scales, so an outlier moves them little and a shift wins in the end.
///
/// Units   score: distance from the expected value in half band widths; the rest in the series' own unit.
/// NaN     not judged, not learned from; time goes on.
/// Cost    about 0.2 us per sample; 1.7 kB in memory, 3.1 kB saved.
/// Source  clipping: Huber (1964); the band's four scales are one sample in 16,000 if errors were Gaussian, and were
///         chosen so that heavier tails still leave rare alarms.
std::unique_ptr<Detector> MakeHourProfile();

}  // namespace vedette::analytics
