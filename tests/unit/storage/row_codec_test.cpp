// Rows: whatever values come in whatever columns, each column reads back bit for bit; damaged rows are refused or read
// as something, never past their end.
#include <bit>
#include <random>

#include "core/numbers.h"
#include "storage/head/row_block.h"
#include "tests/support/catch.h"

namespace vedette::storage {
namespace {

/// Columns of every kind, some missing, more of them as time goes on.
struct Rows {
  explicit Rows(unsigned seed) : random(seed), columns(1 + random() % 200) {}

  double Next(std::size_t column, double before) {
    switch (column % 11) {
      case 0:
        return 1;
      case 1:
        return before + static_cast<double>(random() % 300);
      case 2:
        return std::round((before + static_cast<double>(random() % 3000) / 100) * 100) / 100;
      case 3:
        return static_cast<double>(random()) * 1e-3;
      case 4:
        return 4096.0 * static_cast<double>(1'000'000 + random() % 2000);
      case 5:
        return random() % 4 == 0 ? StaleNan() : before + 1;
      case 6:
        return random() % 2 == 0 ? -0.0 : 0.0;
      case 7:
        return std::bit_cast<double>(random());
      case 8:
        return before - static_cast<double>(random() % 5'000'000'000);
      case 9:
        return random() % 3 == 0 ? static_cast<double>(random() % 100) / 8
                                 : static_cast<double>(1ULL << (random() % 64));
      default:
        return random() % 8 == 0 ? before + 1 : before;
    }
  }

  void Add(bool key) {
    if (random() % 10 == 0) columns += random() % 5;
    values.resize(columns, 0);
    chains.Resize(columns);
    ColumnBits present;
    if (random() % 3 == 0) hidden = random() % 4;
    if (hidden != 0) {
      present.resize((columns + 63) / 64, 0);
      for (std::size_t c = 0; c < columns; ++c) {
        if (c % 4 != hidden) present[c / 64] |= std::uint64_t{1} << (c % 64);
      }
    }
    for (std::size_t c = 0; c < columns; ++c) values[c] = Next(c, std::isfinite(values[c]) ? values[c] : 0);
    std::string row;
    chains.Encode(values, present, key, row);
    REQUIRE(ValidateRow(row, columns));
    CHECK(IsKeyRow(row) == key);
    block.Append(TimeMs(static_cast<std::int64_t>(want.size()) * 1000), 1 + want.size(), row);
    bytes.push_back(row);
    want.emplace_back(columns, std::nullopt);
    for (std::size_t c = 0; c < columns; ++c) {
      if (hidden == 0 || c % 4 != hidden) want.back()[c] = values[c];
    }
  }

  std::mt19937_64 random;
  std::size_t columns;
  std::uint64_t hidden = 0;  // columns of this remainder are missing; 0: none is
  std::vector<double> values;
  RowChains chains;
  RowBlock block{1};
  std::vector<std::string> bytes;
  std::vector<std::vector<std::optional<double>>> want;
};

TEST_CASE("columns read back from rows bit for bit, up to any commit and within any range", "[storage][rows]") {
  const unsigned seed = GENERATE(range(1U, 20U));
  INFO("seed " << seed);
  Rows rows(seed);
  for (std::size_t i = 0; i < 3 * kSegmentRows; ++i) {
    rows.Add(!rows.block.InSegment() || rows.random() % 50 == 0);
  }
  for (int round = 0; round < 5; ++round) {
    const auto commit = static_cast<std::uint64_t>(rows.random() % 100);
    const TimeRange range = round == 0 ? TimeRange()
                                       : TimeRange{TimeMs(static_cast<std::int64_t>(rows.random() % 100) * 1000),
                                                   TimeMs(static_cast<std::int64_t>(rows.random() % 100) * 1000)};
    std::vector<RowPin> pins;
    rows.block.Pin(range, pins);
    for (std::size_t c = 0; c < rows.columns + 3; ++c) {
      Columns got;
      bool has = false, expected = false;
      for (const RowPin& pin : pins) {
        pin.Read(c, commit, range, got);
        has = has || pin.Has(c, range);
      }
      std::size_t n = 0, wrong = 0;
      for (std::size_t i = 0; i < rows.want.size(); ++i) {
        const TimeMs time(static_cast<std::int64_t>(i) * 1000);
        if (c >= rows.want[i].size() || !rows.want[i][c] || !range.Contains(time)) continue;
        expected = true;
        if (i + 1 > commit) continue;
        if (n >= got.size() || got.times[n] != time.ms || !SameBits(got.values[n], *rows.want[i][c])) ++wrong;
        ++n;
      }
      CHECK(wrong == 0);
      CHECK(got.size() == n);
      CHECK(has == expected);
    }
  }
}

TEST_CASE("a block of columns reads as its columns do", "[storage][rows]") {
  const unsigned seed = GENERATE(range(1U, 20U));
  INFO("seed " << seed);
  Rows rows(seed);
  for (std::size_t i = 0; i < 2 * kSegmentRows + 5; ++i) rows.Add(!rows.block.InSegment());
  std::vector<RowPin> pins;
  rows.block.Pin(TimeRange(), pins);
  std::size_t wrong = 0;
  for (std::size_t first = 0; first < rows.columns + 3; first += kRowBlockColumns) {
    std::vector<Columns> block(std::min(kRowBlockColumns, rows.columns + 3 - first));
    for (const RowPin& pin : pins) pin.ReadBlock(first / kRowBlockColumns, block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      Columns one;
      for (const RowPin& pin : pins) pin.Read(first + i, UINT64_MAX, TimeRange(), one);
      REQUIRE(block[i].size() == one.size());
      for (std::size_t n = 0; n < one.size(); ++n) {
        if (block[i].times[n] != one.times[n] || !SameBits(block[i].values[n], one.values[n])) ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("damaged rows are refused or read without leaving their bytes", "[storage][rows]") {
  Rows rows(7);
  for (std::size_t i = 0; i < kSegmentRows; ++i) rows.Add(i == 0);
  std::size_t accepted = 0;
  for (int n = 0; n < 20'000; ++n) {
    std::string row = rows.bytes[rows.random() % rows.bytes.size()];
    if (n % 3 == 0) {
      row.resize(rows.random() % row.size());
    } else {
      row[rows.random() % (n % 2 == 0 ? row.size() : std::min<std::size_t>(row.size(), 40))] ^=
          static_cast<char>(1 + rows.random() % 255);
    }
    if (!ValidateRow(row, rows.columns)) continue;
    ++accepted;
    // Exactly as large as the row: the address sanitizer sees a byte too many.
    const std::vector<char> exact(row.begin(), row.end());
    const std::uint32_t end = static_cast<std::uint32_t>(exact.size());
    double value = 0;
    BlockValues block;
    for (std::size_t c = 0; c < rows.columns; ++c) {
      if (c % kRowBlockColumns == 0) ReadBlock(exact.data(), {&end, 1}, c / kRowBlockColumns, block);
      const std::uint64_t found = ReadColumn(exact.data(), {&end, 1}, c, &value);
      CHECK(found == ColumnPresence(exact.data(), {&end, 1}, c));
      CHECK(found == block.found[c % kRowBlockColumns]);
      if (found != 0) CHECK(SameBits(block.values[c % kRowBlockColumns][0], value));
    }
  }
  CHECK(accepted > 100);
}

}  // namespace
}  // namespace vedette::storage
