// What comes with pushed samples: exemplars, and what senders say about metrics.
#pragma once

#include <optional>
#include <string_view>

#include "collector/push/intake.h"
#include "collector/push/pushed_series.h"

namespace vedette::collector {

/// Sorted and without empty values; nothing when it is not one that a store may hold.
std::optional<storage::Exemplar> GoodExemplar(PushedExemplar& pushed);

/// The family that a series of this type belongs to: without _bucket, _count, _sum.
std::string_view FamilyOfSeries(std::string_view metric, std::string_view type);

/// Says `metadata` of its family for a target; nothing is written when that is known or is no text.
void NoteMetadata(Intake& intake, PushBatch& batch, const Labels& target, const PushedMetadata& metadata);

/// Whether NoteSeriesMetadata() has been told this about the series, and what it said was stored.
bool MetadataIsKnown(Intake& intake, const SeriesCache::Key& series, const PushedMetadata& metadata);
/// The target is {instance, job} of the series' labels, which are read and normalized.
void NoteSeriesMetadata(Intake& intake, PushBatch& batch, const PushedSeries& series);

}  // namespace vedette::collector
