// Any bytes as a journal record, as postings and as labels: an error or something consistent.
#include <cstdint>
#include <cstdlib>

#include "storage/index/postings.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  JournalRecord record;
  if (DecodeRecord(bytes, record)) {
    if (record.rows.series.size() != record.rows.values.size()) std::abort();
    for (const CarriedSamples& carried : record.carried) {
      if (carried.samples.times.size() != carried.samples.values.size()) std::abort();
    }
  }
  Postings ids;
  if (DecodePostings(bytes, ids)) {
    for (std::size_t i = 1; i < ids.size(); ++i) {
      if (ids[i - 1] >= ids[i]) std::abort();
    }
  }
  if (const auto labels = DecodeLabels(bytes)) {
    if (EncodeLabels(*labels).size() > size) std::abort();
  }
  (void)ParseIndexKey(bytes);
  (void)DescribeChunkKey(bytes);
  return 0;
}
