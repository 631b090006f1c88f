// The frame of RocksDB's logs: checksums, torn ends and damage.
#include "storage/rocks/log_records.h"

#include <algorithm>
#include <string>

#include "storage/crc32c.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

std::string Numbered(std::uint64_t number, std::size_t bytes, char byte) {
  std::string out(bytes, byte);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(number >> (8 * i));
  return out;
}

/// A whole fragment with one write batch of `count` operations.
std::string Fragment(std::uint64_t number, std::uint32_t count, std::size_t payload_bytes) {
  const std::string payload = Numbered(number, 8, '\0') + Numbered(count, 4, '\0') + std::string(payload_bytes, 'x');
  const std::string typed = '\1' + payload;
  const std::uint32_t crc = Crc32c(typed);
  const std::uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
  return Numbered(masked, 4, '\0') + Numbered(payload.size(), 2, '\0') + typed;
}

/// Read in parts of `blocks` blocks.
LogSummary Summarize(std::string_view file, std::size_t blocks = 2) {
  LogSummary out;
  for (; !file.empty(); file.remove_prefix(std::min(file.size(), blocks * kLogBlockBytes))) {
    SummarizeMore(file.substr(0, blocks * kLogBlockBytes), out);
  }
  return out;
}

TEST_CASE("CRC32C has the values of RFC 3720, with the instruction and without", "[storage][log]") {
  std::string ascending(32, '\0');
  for (std::size_t i = 0; i < 32; ++i) ascending[i] = static_cast<char>(i);
  for (const auto& crc : {Crc32c, Crc32cByTable}) {
    CHECK(crc("") == 0);
    CHECK(crc("123456789") == 0xe3069283);
    CHECK(crc(std::string(32, '\0')) == 0x8a9136aa);
    CHECK(crc(std::string(32, '\xff')) == 0x62a8ab43);
    CHECK(crc(ascending) == 0x46dd794e);
  }
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string bytes = Numbered(0x1234567890abcdefULL * (size + 1), 8, '\0') + std::string(size, 'q');
    CHECK(Crc32c(bytes) == Crc32cByTable(bytes));
  }
}

TEST_CASE("fragments of a recycled log are given the usual type", "[storage][log]") {
  const std::string log = Fragment(7, 3, 100) + Fragment(10, 2, 50) + Fragment(12, 1, 40'000 - 7 - 12) + "tail";
  const std::size_t second = Fragment(7, 3, 100).size();
  for (const int type : {5, 6, 7, 8, 11, 131}) {
    std::string damaged = log;
    damaged[second + 6] = static_cast<char>(type);
    CHECK(WholeFragments(damaged) == second);
    MendRecycledFragments(damaged);
    CHECK(damaged == log);
  }
  for (const int type : {0, 2, 3, 4, 9, 10, 130, 255}) {
    std::string other = log;
    other[second + 6] = static_cast<char>(type);
    const std::string before = other;
    MendRecycledFragments(other);
    CHECK(other == before);
  }
  std::string second_block = std::string(kLogBlockBytes, '\0') + "123456\x08";
  MendRecycledFragments(second_block);
  CHECK(second_block.back() == '\1');
}

TEST_CASE("a log says which batches it has and where it ends", "[storage][log]") {
  const std::string log = Fragment(7, 3, 100) + Fragment(10, 2, 50);
  const LogSummary whole = Summarize(log);
  CHECK(whole.whole == log.size());
  CHECK_FALSE(whole.followed);
  CHECK(whole.first == 7);
  CHECK(whole.next == 12);
  CHECK(Summarize("").first == 0);

  SECTION("a torn end is nothing but an end") {
    for (std::size_t cut = 1; cut < 60; ++cut) {
      const LogSummary torn = Summarize(std::string_view(log).substr(0, log.size() - cut));
      CHECK(torn.whole == Fragment(7, 3, 100).size());
      CHECK(torn.next == 10);
      CHECK_FALSE(torn.followed);
    }
  }
  SECTION("a flipped bit in front of something whole is damage") {
    for (std::size_t at = 0; at < Fragment(7, 3, 100).size(); ++at) {
      std::string damaged = log;
      damaged[at] = static_cast<char>(damaged[at] ^ 4);
      const LogSummary found = Summarize(damaged);
      CHECK(found.whole == 0);
      CHECK(found.followed);
    }
  }
}

TEST_CASE("the trailer of a block is passed over", "[storage][log]") {
  constexpr std::size_t kBlock = kLogBlockBytes, kHeaders = 7 + 12;
  // Leaves 5 bytes of the first block, too few for a header.
  std::string log = Fragment(1, 1, kBlock - kHeaders - 5) + std::string(5, '\0') + Fragment(2, 1, 10);
  CHECK(WholeFragments(log) == log.size());
  CHECK(Summarize(log).next == 3);
  log[kBlock - 2] = '!';
  CHECK(WholeFragments(log) == log.size());
}

TEST_CASE("a log says the same whatever the parts that it is read in", "[storage][log]") {
  std::string log;
  for (std::uint64_t n = 1; log.size() < 6 * kLogBlockBytes; ++n) {
    const std::size_t left = kLogBlockBytes - log.size() % kLogBlockBytes - 19;
    // None spans blocks here, and each block is full.
    log += Fragment(n, 1, left < n % 100 + 19 ? left : n % 100);
  }
  const std::size_t size = log.size();
  for (const std::size_t damage : {std::size_t{0}, kLogBlockBytes - 200, 2 * kLogBlockBytes + 9, size - 1, size}) {
    std::string damaged = log;
    if (damage < size) damaged[damage] = static_cast<char>(damaged[damage] ^ 16);
    const LogSummary at_once = Summarize(damaged, 100);
    CHECK((at_once.whole == size) == (damage == size));
    CHECK(at_once.followed == (damage + 120 < size));
    for (const std::size_t blocks : {1, 2, 3}) {
      const LogSummary in_parts = Summarize(damaged, blocks);
      CHECK(in_parts.size == size);
      CHECK(in_parts.whole == at_once.whole);
      CHECK(in_parts.followed == at_once.followed);
      CHECK(in_parts.first == at_once.first);
      CHECK(in_parts.next == at_once.next);
    }
  }
}

}  // namespace
}  // namespace vedette::storage
