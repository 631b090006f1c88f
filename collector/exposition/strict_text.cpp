// Text format 0.0.4 as Prometheus' client library reads it: looser in blanks than OpenMetrics, strict in what metadata
// may come when, and in labels that its types reserve.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "collector/exposition/number.h"
#include "collector/exposition/strict_lines.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

constexpr std::array<std::string_view, 5> kTextTypes = {"counter", "gauge", "summary", "untyped", "histogram"};

void SkipBlanks(LineReader& in) {
  while (in.Take(' ') || in.Take('\t')) {
  }
}

/// Up to the next blank, tab or the end.
std::string_view Token(LineReader& in) {
  const std::size_t n = std::min(in.left.find_first_of(" \t"), in.left.size());
  const std::string_view token = in.left.substr(0, n);
  in.left.remove_prefix(n);
  return token;
}

/// Hexadecimal and underscores are numbers of Go, not of the format.
std::optional<double> TextNumber(std::string_view text) {
  return text.find_first_of("pPxX_") == std::string_view::npos ? ParseSampleValue(text) : std::nullopt;
}

class TextReader {
 public:
  Result<std::vector<StrictFamily>> Read(std::string_view body) {
    for (std::size_t number = 1; !body.empty(); ++number) {
      const std::size_t end = body.find('\n');
      const bool ends = end != std::string_view::npos;
      LineReader in{body.substr(0, ends ? end : body.size()), number};
      body.remove_prefix(ends ? end + 1 : body.size());
      SkipBlanks(in);
      if (in.left.empty()) continue;
      VEDETTE_CHECK(in.Take('#') ? Comment(in) : Sample(in));
      if (!ends) return AtLine(number, "unexpected end: the last line has no line feed");
    }
    std::erase_if(families_, [](const StrictFamily& family) { return family.samples.empty(); });
    return std::move(families_);
  }

 private:
  /// A family by the name of one of its samples: a summary has _sum and _count, a histogram _bucket too.
  StrictFamily& FamilyOf(const std::string& name, std::size_t line) {
    const auto of = [&](std::string_view suffix, std::initializer_list<std::string_view> types) -> StrictFamily* {
      if (!name.ends_with(suffix)) return nullptr;
      const auto found = places_.find(name.substr(0, name.size() - suffix.size()));
      if (found == places_.end()) return nullptr;
      StrictFamily& family = families_[found->second];
      return std::ranges::find(types, family.type) != types.end() ? &family : nullptr;
    };
    if (const auto found = places_.find(name); found != places_.end()) return families_[found->second];
    if (StrictFamily* family = of("_count", {"summary", "histogram"})) return *family;
    if (StrictFamily* family = of("_sum", {"summary", "histogram"})) return *family;
    if (StrictFamily* family = of("_bucket", {"histogram"})) return *family;
    places_.emplace(name, families_.size());
    StrictFamily& family = families_.emplace_back();
    family.name = name;
    family.line = line;
    return family;
  }

  /// The name of a metric, which may be anything in quotes.
  Result<std::string> MetricName(LineReader& in) {
    if (in.Take('"')) return ReadQuoted(in, false);
    std::string name(in.Name(true));
    if (name.empty()) return in.At("invalid metric name");
    return name;
  }

  Status Comment(LineReader& in) {
    SkipBlanks(in);
    const std::string_view keyword = Token(in);
    if (keyword != "HELP" && keyword != "TYPE") return Ok();
    SkipBlanks(in);
    if (in.left.empty()) return Ok();
    VEDETTE_TRY(const std::string name, MetricName(in));
    if (!in.left.empty() && in.left.front() != ' ' && in.left.front() != '\t') {
      return in.At("invalid metric name in comment");
    }
    StrictFamily& family = FamilyOf(name, in.number);
    SkipBlanks(in);
    if (in.left.empty()) return Ok();
    if (keyword == "HELP") {
      if (family.help) return in.At(fmt::format("second HELP line for metric name {}", Quote(name)));
      family.help = Unescaped(in.left);
      return Ok();
    }
    if (!family.type.empty()) {
      return in.At(fmt::format("second TYPE line for metric name {}, or TYPE reported after samples", Quote(name)));
    }
    std::string type(in.left);
    std::ranges::transform(type, type.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::ranges::find(kTextTypes, type) == kTextTypes.end())
      return in.At(fmt::format("unknown metric type {}", Quote(type)));
    family.type = std::move(type);
    return Ok();
  }

  Status Labels(LineReader& in, StrictSample& sample) {
    for (;;) {
      SkipBlanks(in);
      if (in.Take('}')) return Ok();
      std::string name;
      if (in.Take('"')) {
        VEDETTE_TRY(name, ReadQuoted(in, false));
        SkipBlanks(in);
        // A quoted name without a value is that of the metric.
        if (sample.name.empty() && !in.left.starts_with('=')) {
          sample.name = std::move(name);
          if (in.Take(',')) continue;
          if (in.Take('}')) return Ok();
          return in.At("unexpected text behind the metric name");
        }
      } else {
        name = in.Name(false);
      }
      if (name.empty()) return in.At(fmt::format("invalid label name for metric {}", Quote(sample.name)));
      if (name == "__name__") return in.At("label name \"__name__\" is reserved");
      SkipBlanks(in);
      if (!in.Take('=')) return in.At(fmt::format("expected '=' after label name {}", Quote(name)));
      SkipBlanks(in);
      if (!in.Take('"')) return in.At(fmt::format("expected '\"' at start of label value of {}", Quote(name)));
      VEDETTE_TRY(std::string value, ReadQuoted(in, false));
      if (!sample.labels.emplace(name, std::move(value)).second) {
        return in.At(fmt::format("duplicate label {} of metric {}", Quote(name), Quote(sample.name)));
      }
      SkipBlanks(in);
      if (in.Take(',')) continue;
      if (in.Take('}')) return Ok();
      return in.At(fmt::format("unexpected end of the value of label {}", Quote(name)));
    }
  }

  Status Sample(LineReader& in) {
    StrictSample sample;
    sample.line = in.number;
    if (!in.left.starts_with('{')) {
      VEDETTE_TRY(sample.name, MetricName(in));
    }
    SkipBlanks(in);
    if (in.Take('{')) VEDETTE_CHECK(Labels(in, sample));
    if (sample.name.empty()) return in.At("the metric has no name");
    StrictFamily& family = FamilyOf(sample.name, in.number);
    if (family.type.empty()) family.type = "untyped";
    for (const auto& [type, label] : {std::pair{"summary", "quantile"}, std::pair{"histogram", "le"}}) {
      const auto found = sample.labels.find(label);
      if (family.type == type && found != sample.labels.end() && !TextNumber(found->second)) {
        return in.At(fmt::format("expected a number as value for {} label, got {}", label, Quote(found->second)));
      }
    }
    SkipBlanks(in);
    const std::string_view value = Token(in);
    const auto number = TextNumber(value);
    if (!number) return in.At(fmt::format("expected a number as value, got {}", Quote(value)));
    sample.value = *number;
    if (!in.left.empty()) VEDETTE_CHECK(Time(in, sample));
    family.samples.push_back(std::move(sample));
    return Ok();
  }

  Status Time(LineReader& in, StrictSample& sample) {
    SkipBlanks(in);
    std::string_view text = Token(in);
    const std::string_view whole = text;
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (error != std::errc() || end != text.data() + text.size()) {
      return in.At(fmt::format("expected a whole number as timestamp, got {}", Quote(whole)));
    }
    sample.time = static_cast<double>(ms);
    SkipBlanks(in);
    return in.left.empty() ? Ok()
                           : Status(in.At(fmt::format("spurious text behind the timestamp: {}", Quote(in.left))));
  }

  std::vector<StrictFamily> families_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

Result<std::vector<StrictFamily>> ReadStrictText(std::string_view body) { return TextReader().Read(body); }

}  // namespace vedette::collector
