#include "collector/scrape/target.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace vedette::collector {
namespace {

/// As Go's url.QueryEscape.
void AppendQueryEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

/// The first value of each parameter is a label that relabelling may have changed; the others stay as configured.
std::string MakeUrl(const ScrapeConfig& job, const Labels& labels) {
  std::map<std::string, std::vector<std::string>> params;
  for (const auto& [name, values] : job.params) params[name] = values;
  constexpr std::string_view kParam = "__param_";
  for (const auto [name, value] : labels) {
    if (!name.starts_with(kParam)) continue;
    auto& values = params[std::string(name.substr(kParam.size()))];
    if (values.empty()) values.emplace_back();
    values[0] = std::string(value);
  }
  const std::string_view path = labels.Get("__metrics_path__");
  std::string url = fmt::format("{}://{}{}{}", labels.Get("__scheme__"), labels.Get("__address__"),
                                path.starts_with('/') || path.empty() ? "" : "/", path);
  char separator = '?';
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      url += separator;
      AppendQueryEscaped(url, name);
      url += '=';
      AppendQueryEscaped(url, value);
      separator = '&';
    }
  }
  return url;
}

struct HistogramLabel {
  std::string_view name, what;
  std::optional<bool> ScrapeConfig::*configured;
  bool HistogramChoice::*chosen;
};
constexpr HistogramLabel kHistogramLabels[] = {
    {"__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb",
     &ScrapeConfig::convert_classic_histograms_to_nhcb, &HistogramChoice::convert_classic},
    {"__always_scrape_classic_histograms__", "always scrape classic histograms",
     &ScrapeConfig::always_scrape_classic_histograms, &HistogramChoice::always_classic},
    {"__scrape_native_histograms__", "scrape native histograms", &ScrapeConfig::scrape_native_histograms,
     &HistogramChoice::native},
};

/// Target labels win over the group's, those over the job's defaults.
LabelsBuilder Discovered(const ScrapeConfig& job, const TargetGroup& group, const Labels& target) {
  LabelsBuilder labels(group.labels);
  for (const auto [name, value] : target) labels.Set(name, value);
  const auto set_default = [&](std::string_view name, std::string_view value) {
    if (labels.Get(name).empty()) labels.Set(name, value);
  };
  set_default("job", job.job_name);
  set_default("__scrape_interval__", FormatDuration(job.scrape_interval));
  set_default("__scrape_timeout__", FormatDuration(job.scrape_timeout));
  set_default("__metrics_path__", job.metrics_path);
  set_default("__scheme__", job.scheme);
  for (const HistogramLabel& row : kHistogramLabels) {
    set_default(row.name, (job.*row.configured).value_or(false) ? "true" : "false");
  }
  for (const auto& [name, values] : job.params) {
    if (!values.empty()) set_default("__param_" + name, values[0]);
  }
  return labels;
}

Status ReadTimes(const Labels& labels, Target& target) {
  auto interval = ParseDuration(labels.Get("__scrape_interval__"));
  if (!interval) return Annotate("error parsing scrape interval", interval.error());
  if (*interval <= Millis(0)) return Fail(Code::kBadData, "scrape interval cannot be 0");
  auto timeout = ParseDuration(labels.Get("__scrape_timeout__"));
  if (!timeout) return Annotate("error parsing scrape timeout", timeout.error());
  if (*timeout <= Millis(0)) return Fail(Code::kBadData, "scrape timeout cannot be 0");
  if (*timeout > *interval) {
    return Fail(Code::kBadData, "scrape timeout cannot be greater than scrape interval (\"{}\" > \"{}\")",
                labels.Get("__scrape_timeout__"), labels.Get("__scrape_interval__"));
  }
  target.interval = *interval;
  target.timeout = *timeout;
  return Ok();
}

/// As Go's strconv.ParseBool.
std::optional<bool> ParseGoBool(std::string_view text) {
  constexpr std::string_view kTrue[] = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::string_view kFalse[] = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kTrue, text) != std::end(kTrue)) return true;
  return std::ranges::find(kFalse, text) != std::end(kFalse) ? std::optional(false) : std::nullopt;
}

/// What relabelling left of the labels that Discovered() set.
Status ReadHistogramChoice(const ScrapeConfig& job, const Labels& labels, HistogramChoice& out) {
  for (const HistogramLabel& row : kHistogramLabels) {
    out.*row.chosen = (job.*row.configured).value_or(false);
    const std::string_view text = labels.Get(row.name);
    if (text.empty()) continue;
    const auto wanted = ParseGoBool(text);
    if (!wanted) {
      return Fail(Code::kBadData, "error parsing {}: strconv.ParseBool: parsing {}: invalid syntax", row.what,
                  Quote(text));
    }
    out.*row.chosen = *wanted;
  }
  return Ok();
}

/// Nothing: relabelling dropped the target.
Result<std::optional<Target>> MakeTarget(const ScrapeConfig& job, LabelsBuilder labels) {
  Target target;
  target.discovered = labels.Build();
  const NameValidation names = job.metric_name_validation_scheme.value_or(NameValidation::kUtf8);
  if (!Relabel(labels, job.relabel_configs, names)) return std::optional<Target>();
  const Labels relabelled = labels.Build();
  const std::string_view address = relabelled.Get("__address__");
  if (address.empty()) return Fail(Code::kBadData, "no address");
  if (address.find('/') != std::string_view::npos) {
    return Fail(Code::kBadData, "{} is not a valid hostname", Quote(address));
  }
  VEDETTE_CHECK(ReadTimes(relabelled, target));
  VEDETTE_CHECK(ReadHistogramChoice(job, relabelled, target.histograms));

  LabelsBuilder visible;
  for (const auto [name, value] : relabelled) {
    if (!IsValidUtf8(value)) return Fail(Code::kBadData, "invalid label value for {}: {}", Quote(name), Quote(value));
    if (!name.starts_with("__")) visible.Set(name, value);
  }
  if (visible.Get("instance").empty()) visible.Set("instance", address);
  target.labels = visible.Build();
  target.url = job.in_process_source.empty() ? MakeUrl(job, relabelled) : "inprocess://" + job.in_process_source;
  return std::optional<Target>(std::move(target));
}

}  // namespace

std::uint64_t Target::Key() const { return XXH3_64bits_withSeed(url.data(), url.size(), labels.Hash()); }

TargetSet MakeTargets(const ScrapeConfig& job, std::span<const TargetGroup> groups) {
  TargetSet set;
  std::set<std::uint64_t> seen;
  for (const TargetGroup& group : groups) {
    for (const Labels& found : group.targets) {
      LabelsBuilder labels = Discovered(job, group, found);
      auto target = MakeTarget(job, labels);
      if (!target) {
        const std::string where = fmt::format("job {}, group {}, {}", job.job_name, group.source, found.ToString());
        set.errors.push_back(Annotate(where, std::move(target).error()));
      } else if (!*target) {
        set.dropped.push_back(labels.Build());
      } else if (seen.insert((*target)->Key()).second) {
        set.active.push_back(**std::move(target));
      }
    }
  }
  return set;
}

Millis ScrapeOffset(std::uint64_t target_key, Millis interval) {
  return interval * static_cast<std::int64_t>(ScrapeMoment(target_key)) / static_cast<std::int64_t>(kScrapeMoments);
}

TimeMs NextScrape(TimeMs now, Millis interval, Millis offset) {
  const std::int64_t period = interval.count();
  std::int64_t past = (now.ms - offset.count()) % period;  // time since the last one
  if (past < 0) past += period;
  return past == 0 ? now : TimeMs(now.ms - past + period);
}

}  // namespace vedette::collector
