// Any bytes as a log of RocksDB: a summary that does not contradict itself.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/rocks/log_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  LogSummary log;
  for (std::size_t at = 0; at < size; at += kLogBlockBytes) SummarizeMore(bytes.substr(at, kLogBlockBytes), log);
  if (log.size != size || log.whole > size || log.whole != WholeFragments(bytes)) std::abort();
  if (log.followed && log.whole == size) std::abort();
  std::string mended(bytes);
  MendRecycledFragments(mended);
  if (WholeFragments(mended) < log.whole || mended.substr(0, log.whole) != bytes.substr(0, log.whole)) std::abort();
  return 0;
}
