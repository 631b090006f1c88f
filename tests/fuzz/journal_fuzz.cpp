// Any bytes as a journal record: an error or something consistent.
#include <cstdint>
#include <cstdlib>

#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/state_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  JournalRecord record;
  if (DecodeRecord(bytes, record)) {
    if (record.singles.series.size() != record.singles.values.size()) std::abort();
    for (const RowPart& part : record.rows) {
      if (part.ids.size() > kMaxRowColumns) std::abort();
    }
    for (const CarriedSamples& carried : record.carried) {
      if (carried.samples.times.size() != carried.samples.values.size()) std::abort();
    }
  }
  if (const auto changes = DecodeStateChanges(bytes)) {
    if (!DecodeStateChanges(EncodeStateChanges(*changes))) std::abort();
  }
  (void)ParseIndexKey(bytes);
  (void)DescribeChunkKey(bytes);
  return 0;
}
