// Bytes choose a tree over all functions and operators, and times; it is evaluated on stored data twice: by one thread
// over the store in memory, by three over RocksDB, half of it sealed. Both give the same, within the limits of samples,
// bytes and time that the engine was given. promql_fuzz takes text; here nearly every input is a query.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <prometheus/registry.h>
#include <sanitizer/allocator_interface.h>

#include "analytics/promql/engine.h"
#include "analytics/promql/functions.h"
#include "analytics/promql/parser.h"
#include "core/clock.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "storage/rocks/rocks_storage.h"

namespace {

using namespace vedette;
using promql::ValueType;

constexpr std::int64_t kStartMs = 1'750'000'000'000, kEveryMs = 15'000;
constexpr int kSamples = 320;
constexpr std::size_t kMaxSamples = 20'000;
constexpr Millis kTimeout = std::chrono::seconds(1);
// A sample of a budget is a double or a time and a double, and arrays that grow are there twice for a moment; names,
// the plan and the store's blocks are not counted in samples.
constexpr std::int64_t kMaxBytes = kMaxSamples * 64 + (24 << 20);
// Of all threads; the engine looks at the clock every now and then, and the sanitizer is slow.
constexpr std::clock_t kMaxCpu = 12 * CLOCKS_PER_SEC;

// What the process has allocated, and the most it had since somebody asked.
std::atomic<std::int64_t> live_bytes{0}, peak_bytes{0};

void Allocated(const volatile void* /*memory*/, std::size_t size) {
  const std::int64_t now = live_bytes.fetch_add(static_cast<std::int64_t>(size)) + static_cast<std::int64_t>(size);
  for (std::int64_t peak = peak_bytes; now > peak && !peak_bytes.compare_exchange_weak(peak, now);) {
  }
}
void Freed(const volatile void* memory) {
  if (memory == nullptr) return;
  live_bytes -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
}

/// Counters that begin anew, with 0 to 7 buckets; the layout changes every 40 samples where `mixed`.
Histogram HistogramAt(int i, int kind, bool mixed) {
  auto layout = std::make_shared<HistogramLayout>();
  const int variant = mixed ? i / 40 % 3 : kind % 3;
  const double age = i % 23;
  Histogram histogram;
  if (variant == 2) {
    layout->schema = HistogramLayout::kCustomSchema;
    layout->bounds = kind % 2 == 0 ? std::vector<double>{0.1, 1, 5} : std::vector<double>{1, 2};
    layout->positive = {0, 2};
    histogram.counts = {age, 2};
  } else {
    layout->schema = variant + kind % 2;
    layout->zero_threshold = kind % 2 == 0 ? 0.001 : 0.25;
    layout->positive = {-1, 1, 4};
    layout->negative = {2};
    histogram.counts = {age, 2 * age, 1, age};
    histogram.zero_count = variant;
  }
  histogram.reset = kind == 3 ? CounterReset::kGauge : CounterReset::kUnknown;
  for (const double count : histogram.counts) histogram.count += count;
  histogram.count += histogram.zero_count;
  histogram.sum = i % 50 == 49 ? NormalNan() : age * 1.5;
  histogram.layout = std::move(layout);
  return histogram;
}

double ValueAt(int i, int series) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  switch (series % 4) {
    case 0:
      return i % (30 + series) * 3.0;
    case 1:
      return std::sin(i * 0.1) * 100 + series;
    case 2:
      return i % 11 == 0 ? NormalNan() : i % 13 == 0 ? kInf : i % 17 == 0 ? -kInf : i % 19 == 0 ? StaleNan() : i * 0.5;
    default:
      return i / 10;
  }
}

/// `middle`: called when half of the data is there.
template <class Middle>
void Fill(storage::Storage& store, const Middle& middle) {
  const auto appender = store.NewAppender({.allow_future = true});
  constexpr std::array<std::string_view, 4> kNames = {"a_total", "b", "w_bucket", "h"};
  constexpr std::array<std::string_view, 4> kBounds = {"0.1", "1", "5", "+Inf"};
  for (int i = 0; i < kSamples; ++i) {
    const TimeMs time(kStartMs + i * kEveryMs);
    for (int s = 0; s < 40; ++s) {
      if ((i + s) % 37 < 3) continue;  // gaps
      LabelsBuilder labels;
      labels.Set("__name__", kNames[static_cast<std::size_t>(s % 4)]).Set("i", std::to_string(s / 4));
      labels.Set("job", s % 3 == 0 ? "x" : "y");
      if (s % 4 == 2) labels.Set("le", kBounds[static_cast<std::size_t>(s / 4 % 4)]).Set("i", std::to_string(s / 16));
      const auto id = *appender->Series(std::move(labels).Build());
      if (s % 4 != 3) appender->Add(id, time, s % 4 == 2 ? i * (1.0 + s / 4 % 4) : ValueAt(i, s / 4));
      if (s % 4 == 3 && s < 24 && i % 2 == 0) appender->AddHistogram(id, time, HistogramAt(i, s / 4, s > 16));
      if (s == 23 && i % 6 == 1) appender->Add(id, time, i);
      if (s == 0) appender->AddStart(id, time, TimeMs(kStartMs + i / 50 * 50 * kEveryMs));
    }
    if (i == kSamples / 2) {
      if (!appender->Commit()) std::abort();
      middle();
    }
  }
  if (!appender->Commit()) std::abort();
}

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "promql_eval_fuzz.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

storage::StorageOptions StoreOptions(const std::string& path) {
  storage::StorageOptions options;
  options.path = path;
  options.retention = Millis(0);
  options.block_cache_bytes = 4 << 20;
  options.min_free_disk_bytes = 0;
  return options;
}

promql::EngineOptions Options(std::size_t threads) {
  promql::EngineOptions all;
  all.timeout = kTimeout;
  all.max_samples = kMaxSamples;
  all.threads = threads;
  all.use_start_timestamps = true;
  all.parser = {true, true, true, true};
  return all;
}

struct World {
  const Clock& clock = SystemClock();
  prometheus::Registry registry, other_registry;
  TempDir directory;
  std::unique_ptr<storage::MemoryStore> memory = storage::NewMemoryStorage(StoreOptions({}), clock);
  std::unique_ptr<storage::RocksStorage> rocks = [this] {
    auto opened =
        storage::RocksStorage::Open(StoreOptions(directory.path()), clock, registry, {.maintenance_interval = {}});
    if (!opened) std::abort();
    return *std::move(opened);
  }();
  promql::Engine alone{*memory, Options(1), clock, registry};
  promql::Engine together{*rocks, Options(3), clock, other_registry};

  World() {
    Fill(*memory, [] {});
    Fill(*rocks, [this] {
      if (!rocks->Flush()) std::abort();
    });
    __sanitizer_install_malloc_and_free_hooks(Allocated, Freed);
  }
};

/// Text by the choices that the bytes make; without bytes each choice is the first one, which ends the tree.
class Tree {
 public:
  Tree(const std::uint8_t* data, std::size_t size) : data_(data, size) {}

  std::size_t Below(std::size_t n) {
    if (data_.empty()) return 0;
    const std::size_t choice = data_.front() % n;
    data_ = data_.subspan(1);
    return choice;
  }

  std::string Of(ValueType type, int depth) {
    if (--nodes_ < 0 || depth <= 0) return Leaf(type);
    switch (type) {
      case ValueType::kScalar:
        return Scalar(depth);
      case ValueType::kMatrix:
        return Matrix(depth);
      case ValueType::kString:
        return Leaf(type);
      default:
        return VectorOf(depth);
    }
  }

 private:
  template <std::size_t kCount>
  std::string_view Pick(const std::array<std::string_view, kCount>& choices) {
    return choices[Below(kCount)];
  }

  std::string Leaf(ValueType type) {
    static constexpr std::array<std::string_view, 12> kNumbers = {"1",    "0",   "-1", "0.5",    "NaN",   "Inf",
                                                                  "-Inf", "1e9", "2",  "time()", "0.999", "100"};
    static constexpr std::array<std::string_view, 12> kSelectors = {
        "b",      "a_total",      "h",           "w_bucket",        R"({job="x"})",   R"({__name__=~".+"})",
        "absent", R"(b{i!="1"})", R"(h{i="2"})", R"({i=~"[1-3]"})", R"(h{i=~"3|5"})", R"(a_total{job=~"x|z"})"};
    static constexpr std::array<std::string_view, 8> kStrings = {R"("i")",    R"("job")", R"("le")", R"("__name__")",
                                                                 R"("$1-x")", "\"(.*)\"", R"("")",   R"("new")"};
    if (type == ValueType::kScalar) return std::string(Pick(kNumbers));
    if (type == ValueType::kString) return std::string(Pick(kStrings));
    std::string out(Pick(kSelectors));
    if (type == ValueType::kMatrix) out += "[" + Duration() + "]";
    return out + Modifiers();
  }

  std::string Duration() {
    static constexpr std::array<std::string_view, 12> kDurations = {"1m", "15s", "5m",  "1h",   "1ms",      "1d",
                                                                    "7s", "31s", "20m", "100y", "step()+1", "(2*1m)"};
    return std::string(Pick(kDurations));
  }

  std::string Modifiers() {
    static constexpr std::array<std::string_view, 16> kModifiers = {"",
                                                                    "",
                                                                    "",
                                                                    "",
                                                                    "",
                                                                    "",
                                                                    "",
                                                                    "",
                                                                    " offset 1m",
                                                                    " offset -7s",
                                                                    " @ start()",
                                                                    " @ end()",
                                                                    " @ 1750001000.5",
                                                                    " @ 1750002000 offset 5m",
                                                                    " smoothed",
                                                                    " anchored"};
    return std::string(Pick(kModifiers));
  }

  std::string Grouping() {
    static constexpr std::array<std::string_view, 8> kGroupings = {
        "",         " by (job)", " by (i, le)", " without (i)", " by ()", " without (le, __name__)", " by (__name__)",
        " by (new)"};
    return std::string(Pick(kGroupings));
  }

  std::string Matrix(int depth) {
    if (Below(3) != 1) return Leaf(ValueType::kMatrix);
    static constexpr std::array<std::string_view, 6> kSteps = {"", "1m", "7s", "1ms", "1h", "30s"};
    std::string inner = Of(ValueType::kVector, depth - 1);
    std::string range = Duration();
    return "(" + inner + ")[" + range + ":" + std::string(Pick(kSteps)) + "]" + Modifiers();
  }

  std::string Scalar(int depth) {
    static constexpr std::array<std::string_view, 10> kOps = {"+", "-",     "*",      "/",       "%",
                                                              "^", "atan2", "> bool", "== bool", "!= bool"};
    switch (Below(4)) {
      case 1:
        return Call(ValueType::kScalar, depth);
      case 2: {
        std::string left = Of(ValueType::kScalar, depth - 1);
        const std::string op(Pick(kOps));
        return "(" + left + " " + op + " " + Of(ValueType::kScalar, depth - 1) + ")";
      }
      case 3:
        return "-" + Of(ValueType::kScalar, depth - 1);
      default:
        return Leaf(ValueType::kScalar);
    }
  }

  /// Of any function with this result.
  std::string Call(ValueType result, int depth) {
    const auto functions = promql::AllFunctions();
    std::size_t at = Below(functions.size());
    while (functions[at].returns != result) at = (at + 1) % functions.size();
    const promql::FunctionSpec& spec = functions[at];
    const std::size_t most = std::min(spec.MaxArgs(), spec.MinArgs() + 3);
    const std::size_t count = spec.MinArgs() + Below(most - spec.MinArgs() + 1);
    std::string out = std::string(spec.name) + "(";
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? ", " : "") + Of(spec.ArgType(i), depth - 1);
    return out + ")";
  }

  std::string Aggregation(int depth) {
    static constexpr std::array<std::string_view, 14> kNames = {
        "sum",    "avg",  "min",     "max",      "count",        "group",  "stddev",
        "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"};
    const std::string name(Pick(kNames));
    std::string out = name + Grouping() + " (";
    if (name == "count_values") out += R"("new", )";
    if (name == "topk" || name == "bottomk" || name == "quantile" || name.starts_with("limit")) {
      out += Of(ValueType::kScalar, depth - 2) + ", ";
    }
    return out + Of(ValueType::kVector, depth - 1) + ")";
  }

  std::string Binary(int depth) {
    static constexpr std::array<std::string_view, 20> kOps = {
        "+",  "-",  "*", "/",      "%",       "^",       "atan2", "==",     "!=", ">",
        "<=", ">=", "<", "> bool", "== bool", "<= bool", "and",   "unless", "or", "</"};
    static constexpr std::array<std::string_view, 10> kMatches = {"",
                                                                  " on (i)",
                                                                  " ignoring (le)",
                                                                  " on (job, i)",
                                                                  " on ()",
                                                                  " on (job) group_left ()",
                                                                  " on (i) group_right (job)",
                                                                  " fill(0)",
                                                                  " on (i, job) fill_left(NaN)",
                                                                  " ignoring (job) group_left (new)"};
    std::string left = Of(ValueType::kVector, depth - 1);
    const std::string op(Pick(kOps));
    if (Below(3) == 1) return "(" + left + " " + op + " " + Of(ValueType::kScalar, depth - 1) + ")";
    const std::string match(Pick(kMatches));
    return "(" + left + " " + op + match + " " + Of(ValueType::kVector, depth - 1) + ")";
  }

  std::string VectorOf(int depth) {
    switch (Below(8)) {
      case 1:
      case 2:
      case 3:
        return Call(ValueType::kVector, depth);
      case 4:
        return Aggregation(depth);
      case 5:
      case 6:
        return Binary(depth);
      case 7:
        return "-" + Of(ValueType::kVector, depth - 1);
      default:
        return Leaf(ValueType::kVector);
    }
  }

  std::span<const std::uint8_t> data_;
  int nodes_ = 40;
};

bool Same(double a, double b) {
  return std::isnan(a) && std::isnan(b) ? true : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool Same(const promql::ResultSeries& a, const promql::ResultSeries& b) {
  return a.labels == b.labels &&
         std::ranges::equal(
             a.points, b.points,
             [](const auto& x, const auto& y) { return x.time_ms == y.time_ms && Same(x.value, y.value); }) &&
         std::ranges::equal(a.histograms, b.histograms, [](const auto& x, const auto& y) {
           return x.time_ms == y.time_ms && SameHistogram(*x.histogram, *y.histogram);
         });
}

[[noreturn]] void Complain(std::string_view what, std::string_view query) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(query.size()),
               query.data());
  std::abort();
}

/// `ask()` within the limits.
template <class Ask>
auto Limited(std::string_view query, const Ask& ask) {
  const std::int64_t before = live_bytes;
  peak_bytes = before;
  const std::clock_t begun = std::clock();
  auto outcome = ask();
  if (std::clock() - begun > kMaxCpu) Complain("took too long", query);
  if (peak_bytes - before > kMaxBytes) {
    Complain("took " + std::to_string(peak_bytes - before) + " bytes", query);
  }
  if (!outcome && outcome.error().code == Code::kInternal) Complain(outcome.error().message, query);
  if (outcome && outcome->stats.peak_samples > kMaxSamples) Complain("held too many samples", query);
  return outcome;
}

/// What depends on the moment.
bool Refused(const Result<promql::QueryOutcome>& outcome) {
  return !outcome && (outcome.error().code == Code::kLimit || outcome.error().code == Code::kTimeout);
}

void Compare(std::string_view query, const Result<promql::QueryOutcome>& a, const Result<promql::QueryOutcome>& b) {
  if (Refused(a) || Refused(b)) return;
  if (a.has_value() != b.has_value()) Complain("an answer and an error", query);
  if (!a) return;
  const auto same = [](const auto& x, const auto& y) { return Same(x, y); };
  if (a->value.text != b->value.text || !std::ranges::equal(a->value.series, b->value.series, same)) {
    Complain("two answers", query);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  Tree tree(data, size);
  static constexpr std::array<std::int64_t, 8> kSteps = {15'000, 60'000, 1, 7'000, 300'000, 3'600'000, 333, 1'000};
  const std::int64_t end = kStartMs + static_cast<std::int64_t>(tree.Below(256)) * 20'000 + 5;
  const std::int64_t step = kSteps[tree.Below(kSteps.size())];
  const std::int64_t steps = 1 << tree.Below(11);
  const std::string query = tree.Of(ValueType::kVector, 2 + static_cast<int>(tree.Below(5)));
  const auto expr = promql::ParseExpr(query, world.alone.options().parser);
  if (!expr) return 0;
  const auto both = [&](const auto& ask) {
    const auto alone = Limited(query, [&] { return ask(world.alone); });
    Compare(query, alone, Limited(query, [&] { return ask(world.together); }));
  };
  both([&](const promql::Engine& engine) { return engine.Instant(**expr, TimeMs(end)); });
  if ((*expr)->type != ValueType::kVector && (*expr)->type != ValueType::kScalar) return 0;
  both([&](const promql::Engine& engine) {
    return engine.Range(**expr, TimeMs(end - steps * step), TimeMs(end), Millis(step));
  });
  return 0;
}
