// The rules of the OpenMetrics specification 1.0, section by section: line syntax, the order of lines, then what each
// type of family asks of its samples.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <span>

#include "collector/exposition/strict_lines.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

/// The names of the samples of a family are its own with one of these behind it.
struct FamilyType {
  std::string_view name;
  std::array<std::string_view, 4> suffixes;
  std::size_t count;
};
constexpr FamilyType kFamilyTypes[] = {
    {"unknown", {""}, 1},
    {"gauge", {""}, 1},
    {"counter", {"_total", "_created"}, 2},
    {"summary", {"", "_sum", "_count", "_created"}, 4},
    {"histogram", {"_bucket", "_count", "_sum", "_created"}, 4},
    {"gaugehistogram", {"_bucket", "_gcount", "_gsum"}, 3},
    {"info", {"_info"}, 1},
    {"stateset", {""}, 1},
};

std::span<const std::string_view> SuffixesOf(const StrictFamily& family) {
  const auto type = std::ranges::find(kFamilyTypes, family.type.empty() ? "unknown" : family.type, &FamilyType::name);
  return std::span(type->suffixes).first(type->count);
}

bool IsHistogram(const StrictFamily& family) { return family.type == "histogram" || family.type == "gaugehistogram"; }

/// realnumber of the grammar: an optional sign, digits with or without a point, an exponent.
bool IsReal(std::string_view text) {
  std::size_t at = 0, digits = 0;
  const auto take_digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  digits += take_digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits += take_digits();
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (take_digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<double> RealOf(std::string_view text) {
  if (!IsReal(text)) return std::nullopt;
  const double value = std::strtod(std::string(text).c_str(), nullptr);
  // Too large for a double: a scrape refuses it, too.
  return std::isinf(value) ? std::nullopt : std::optional(value);
}

/// number of the grammar: also infinities and NaN, in any case.
std::optional<double> OpenMetricsNumber(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  const bool sign = lower.starts_with('+') || lower.starts_with('-');
  const std::string_view size = std::string_view(lower).substr(sign ? 1 : 0);
  if (size == "inf" || size == "infinity") {
    const double infinity = std::numeric_limits<double>::infinity();
    return lower.starts_with('-') ? -infinity : infinity;
  }
  return RealOf(text);
}

/// `le` and `quantile` have one way to write the usual numbers: "+Inf", and what has neither "+" nor a needless form.
bool IsCanonical(std::string_view text) {
  const auto number = OpenMetricsNumber(text);
  if (!number || std::isnan(*number)) return false;
  return !std::isinf(*number) || text == "+Inf" || text == "-Inf";
}

Result<std::map<std::string, std::string>> ReadLabels(LineReader& in) {
  std::map<std::string, std::string> labels;
  if (in.Take('}')) return labels;
  for (;;) {
    const std::string name(in.Name(false));
    if (name.empty()) return in.At("a label name was expected");
    if (!in.Take('=')) return in.At(fmt::format("label {} has no value", name));
    if (!in.Take('"')) return in.At(fmt::format("the value of label {} is not in double quotes", name));
    VEDETTE_TRY(std::string value, ReadQuoted(in, true));
    if (!labels.emplace(name, std::move(value)).second) return in.At(fmt::format("label {} is given twice", name));
    if (in.Take('}')) return labels;
    if (!in.Take(',')) return in.At("',' or '}' was expected behind a label");
  }
}

/// Behind the labels: " value[ time]".
Status ReadNumbers(LineReader& in, std::string_view what, double& value, std::optional<double>& time) {
  if (!in.Take(' ')) return in.At(fmt::format("{} has no value", what));
  const std::string_view text = in.Word();
  const auto number = OpenMetricsNumber(text);
  if (!number) return in.At(fmt::format("the value of {} is not a number: {}", what, Quote(text)));
  value = *number;
  if (in.left.empty() || in.left.starts_with(" #")) return Ok();
  in.Take(' ');
  const std::string_view time_text = in.Word();
  time = RealOf(time_text);
  if (!time) return in.At(fmt::format("the time of {} is not a number: {}", what, Quote(time_text)));
  return Ok();
}

std::size_t CountCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xC0) != 0x80; }));
}

Status ReadExemplar(LineReader& in) {
  constexpr std::size_t kMaxCharacters = 128;
  if (!in.left.starts_with(" # {")) return in.At("' # {' was expected, or the end of the line");
  in.left.remove_prefix(4);
  VEDETTE_TRY(const auto labels, ReadLabels(in));
  std::size_t characters = 0;
  for (const auto& [name, value] : labels) characters += CountCharacters(name) + CountCharacters(value);
  if (characters > kMaxCharacters) return in.At("the labels of an exemplar have more than 128 characters");
  double value = 0;
  std::optional<double> time;
  VEDETTE_CHECK(ReadNumbers(in, "an exemplar", value, time));
  return in.left.empty() ? Ok() : Status(in.At("there is something behind the exemplar"));
}

Result<StrictSample> ReadSample(LineReader in) {
  StrictSample sample;
  sample.line = in.number;
  sample.name = in.Name(true);
  if (sample.name.empty()) return in.At("a metric name was expected");
  if (in.Take('{')) {
    VEDETTE_TRY(sample.labels, ReadLabels(in));
  }
  VEDETTE_CHECK(ReadNumbers(in, sample.name, sample.value, sample.time));
  if (in.left.empty()) return sample;
  sample.has_exemplar = true;
  VEDETTE_CHECK(ReadExemplar(in));
  return sample;
}

/// The labels of a sample that it shares with the others of its metric.
std::map<std::string, std::string> GroupOf(const StrictSample& sample, const StrictFamily& family) {
  std::map<std::string, std::string> group = sample.labels;
  if (family.type == "info") group.clear();
  if (family.type == "summary" && sample.name == family.name) group.erase("quantile");
  if (family.type == "stateset") group.erase(family.name);
  if (IsHistogram(family) && sample.name == family.name + "_bucket") group.erase("le");
  return group;
}

/// What the type of the family asks of one sample.
Status CheckSample(const StrictSample& sample, const StrictFamily& family) {
  const std::string& type = family.type;
  const std::string_view suffix = std::string_view(sample.name).substr(family.name.size());
  const auto fail = [&](std::string_view reason) { return Status(AtLine(sample.line, reason)); };
  const auto label = [&](const std::string& name) -> const std::string* {
    const auto found = sample.labels.find(name);
    return found == sample.labels.end() ? nullptr : &found->second;
  };
  if (type == "stateset") {
    if (label(family.name) == nullptr) return fail("a stateset has a label of its own name");
    if (sample.value != 0 && sample.value != 1) return fail("a state is 0 or 1");
  }
  if (type == "info" && sample.value != 1) return fail("an info is 1");
  if (IsHistogram(family) && suffix == "_bucket") {
    const std::string* le = label("le");
    if (le == nullptr || !IsCanonical(*le)) return fail("a bucket has a label le with a number");
  }
  const bool count = suffix == "_bucket" || suffix == "_count" || suffix == "_gcount";
  if ((IsHistogram(family) || type == "summary") && count &&
      (!std::isfinite(sample.value) || sample.value != std::floor(sample.value))) {
    return fail("a count is a whole number");
  }
  if (type == "summary" && suffix.empty()) {
    const std::string* quantile = label("quantile");
    const auto share = quantile == nullptr ? std::nullopt : OpenMetricsNumber(*quantile);
    if (!share || !(*share >= 0 && *share <= 1)) return fail("a quantile has a label quantile from 0 to 1");
  }
  const bool typed = !type.empty() && type != "unknown" && type != "gauge";
  if (typed && !suffix.empty() && suffix != "_created" && suffix != "_info") {
    if (std::isnan(sample.value)) return fail(fmt::format("{} is never NaN", suffix));
    const bool sum = suffix == "_gsum" || suffix == "_sum";
    if (sample.value < 0 && !sum) return fail(fmt::format("{} is not negative", suffix));
  }
  if (sample.has_exemplar &&
      !((IsHistogram(family) && suffix == "_bucket") || (type == "counter" && suffix == "_total"))) {
    return fail("only buckets and totals of counters have exemplars");
  }
  return Ok();
}

/// Samples of one metric follow each other, all with a time or none, and times do not go back.
Status CheckOrder(const StrictFamily& family) {
  std::set<std::map<std::string, std::string>> seen;
  const StrictSample* before = nullptr;
  std::map<std::string, std::string> group;
  for (const StrictSample& sample : family.samples) {
    auto own = GroupOf(sample, family);
    const bool same = before != nullptr && own == group;
    if (!same && before != nullptr && seen.contains(own)) {
      return AtLine(sample.line, fmt::format("the samples of a metric of {} do not follow each other", family.name));
    }
    if (same && sample.time.has_value() != before->time.has_value()) {
      return AtLine(sample.line, "some samples of a metric have a time and some have none");
    }
    if (same && sample.time && *before->time > *sample.time && family.type != "info") {
      return AtLine(sample.line, "times go back");
    }
    seen.insert(own);
    group = std::move(own);
    before = &sample;
  }
  return Ok();
}

/// One histogram at one time.
struct HistogramCheck {
  const StrictFamily& family;
  std::optional<double> bucket, count;
  double value = 0;
  bool sum = false, gsum = false, negative_sum = false, negative_bucket = false;
  std::size_t line = 0;

  Status Add(const StrictSample& sample) {
    const std::string_view suffix = std::string_view(sample.name).substr(family.name.size());
    line = sample.line;
    if (suffix == "_bucket") {
      const double le = *OpenMetricsNumber(sample.labels.at("le"));
      negative_bucket = negative_bucket || le < 0;
      if (bucket && le <= *bucket) return AtLine(line, "buckets are not in the order of le");
      if (sample.value < value) return AtLine(line, "a bucket has less than the one before");
      bucket = le;
      value = sample.value;
    } else if (suffix == "_count" || suffix == "_gcount") {
      count = sample.value;
    } else if (suffix == "_sum") {
      sum = true;
      negative_sum = sample.value < 0;
    } else if (suffix == "_gsum") {
      gsum = true;
      negative_sum = sample.value < 0;
    }
    return Ok();
  }

  Status Finish() const {
    const auto fail = [&](std::string_view reason) {
      return Status(AtLine(line, fmt::format("{}: {}", family.name, reason)));
    };
    if (bucket != std::numeric_limits<double>::infinity()) return fail("there is no bucket with le=\"+Inf\"");
    if (count && *count != value) return fail("the count is not that of the bucket with le=\"+Inf\"");
    if ((sum || gsum) && !count) return fail("there is a sum and no count");
    if (!(sum || gsum) && count) return fail("there is a count and no sum");
    // The specification wants no sum at all beside negative buckets; Prometheus' own clients write one.
    if (!negative_bucket && negative_sum) return fail("a negative sum without negative buckets");
    return Ok();
  }
};

Status CheckHistograms(const StrictFamily& family) {
  std::optional<HistogramCheck> check;
  std::map<std::string, std::string> group;
  std::optional<double> time;
  for (const StrictSample& sample : family.samples) {
    auto own = GroupOf(sample, family);
    if (!check || own != group || sample.time != time) {
      if (check) VEDETTE_CHECK(check->Finish());
      check.emplace(HistogramCheck{family, {}, {}});
      group = std::move(own);
      time = sample.time;
    }
    VEDETTE_CHECK(check->Add(sample));
  }
  return check ? check->Finish() : Ok();
}

/// The specification has no negative quantiles and sums. Prometheus' own clients write them of whatever is observed, so
/// what is refused is one of nothing that was counted.
Status CheckSummaries(const StrictFamily& family) {
  std::map<std::map<std::string, std::string>, std::size_t> negative;  // to the line
  for (const StrictSample& sample : family.samples) {
    if (sample.value < 0 && !sample.name.ends_with("_created")) negative.emplace(GroupOf(sample, family), sample.line);
  }
  for (const StrictSample& sample : family.samples) {
    if (sample.name == family.name + "_count") negative.erase(GroupOf(sample, family));
  }
  return negative.empty() ? Ok() : Status(AtLine(negative.begin()->second, "a quantile or sum is not negative"));
}

class OpenMetricsReader {
 public:
  Result<std::vector<StrictFamily>> Read(std::string_view body) {
    if (!IsValidUtf8(body)) return Fail(Code::kBadData, "the text is not UTF-8");
    std::size_t number = 0;
    bool ended = false;
    while (!body.empty()) {
      const std::size_t n = std::min(body.find('\n'), body.size());
      const std::string_view line = body.substr(0, n);
      body.remove_prefix(std::min(n + 1, body.size()));
      ++number;
      if (ended) return AtLine(number, "there is something behind # EOF");
      if (line == "# EOF") {
        ended = true;
        continue;
      }
      if (line.empty()) return AtLine(number, "a blank line");
      VEDETTE_CHECK(line.starts_with('#') ? Metadata(line, number) : Sample(line, number));
    }
    if (!ended) return AtLine(number, "# EOF is missing");
    VEDETTE_CHECK(FinishFamily());
    return std::move(families_);
  }

 private:
  Status Metadata(std::string_view line, std::size_t number) {
    LineReader in{line, number};
    in.Take('#');
    if (!in.Take(' ')) return in.At("a comment is # HELP, # TYPE, # UNIT or # EOF");
    const std::string_view keyword = in.Word();
    if (keyword != "HELP" && keyword != "TYPE" && keyword != "UNIT") {
      return in.At(fmt::format("unknown keyword {}", Quote(keyword)));
    }
    in.Take(' ');
    const std::string name(in.Name(true));
    if (name.empty()) return in.At("a metric name was expected");
    if (!in.Take(' ')) return in.At(fmt::format("a blank was expected behind {}", name));
    if (!family_ || family_->name != name) {
      VEDETTE_CHECK(FinishFamily());
      Begin(name, number);
    } else if (!family_->samples.empty()) {
      return in.At(fmt::format("{} of {} is behind its samples", keyword, name));
    }
    if (keyword == "HELP") {
      if (family_->help) return in.At(fmt::format("a second HELP of {}", name));
      family_->help = Unescaped(in.left);
    } else if (keyword == "UNIT") {
      if (family_->unit) return in.At(fmt::format("a second UNIT of {}", name));
      family_->unit = std::string(in.left);
    } else {
      if (!family_->type.empty()) return in.At(fmt::format("a second TYPE of {}", name));
      if (std::ranges::find(kFamilyTypes, in.left, &FamilyType::name) == std::end(kFamilyTypes)) {
        return in.At(fmt::format("unknown type {}", Quote(in.left)));
      }
      family_->type = std::string(in.left);
    }
    return Ok();
  }

  Status Sample(std::string_view line, std::size_t number) {
    VEDETTE_TRY(StrictSample sample, ReadSample({line, number}));
    const auto belongs = [&](std::string_view suffix) { return sample.name == family_->name + std::string(suffix); };
    if (!family_ || std::ranges::none_of(SuffixesOf(*family_), belongs)) {
      VEDETTE_CHECK(FinishFamily());
      Begin(sample.name, number);
    }
    VEDETTE_CHECK(CheckSample(sample, *family_));
    family_->samples.push_back(std::move(sample));
    return Ok();
  }

  void Begin(std::string name, std::size_t number) {
    family_.emplace();
    family_->name = std::move(name);
    family_->line = number;
  }

  Status FinishFamily() {
    if (!family_) return Ok();
    const StrictFamily& family = *family_;
    const auto fail = [&](std::string_view reason) { return Status(AtLine(family.line, reason)); };
    const auto claim = [&](const std::string& name) { return names_.insert(name).second; };
    bool clashes = !claim(family.name);
    for (const std::string_view suffix : SuffixesOf(family)) {
      if (!suffix.empty()) clashes = !claim(family.name + std::string(suffix)) || clashes;
    }
    if (clashes) return fail(fmt::format("the name {}, or one made of it, is there already", family.name));
    if (family.unit && !family.unit->empty()) {
      if (!family.name.ends_with("_" + *family.unit))
        return fail(fmt::format("{} does not end with its unit", family.name));
      if (family.type == "info" || family.type == "stateset")
        return fail(fmt::format("an {} has no unit", family.type));
    }
    VEDETTE_CHECK(CheckOrder(family));
    if (IsHistogram(family)) VEDETTE_CHECK(CheckHistograms(family));
    if (family.type == "summary") VEDETTE_CHECK(CheckSummaries(family));
    families_.push_back(*std::move(family_));
    family_.reset();
    return Ok();
  }

  std::vector<StrictFamily> families_;
  std::optional<StrictFamily> family_;
  std::set<std::string> names_;
};

}  // namespace

Result<std::vector<StrictFamily>> ReadStrictOpenMetrics(std::string_view body) {
  return OpenMetricsReader().Read(body);
}

}  // namespace vedette::collector
