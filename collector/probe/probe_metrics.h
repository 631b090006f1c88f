// What one probe found out: gauges by name, set and set again while it runs, and the log of its steps.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "core/time.h"

namespace vedette::collector {

/// A gauge of blackbox_exporter's.
struct ProbeGauge {
  std::string_view name, help;
};

class ProbeMetrics {
 public:
  /// The last value of a label set counts.
  void Set(const ProbeGauge& gauge, double value) { Set(gauge, {}, value); }
  void Set(const ProbeGauge& gauge, std::vector<LabelView> labels, double value);
  void Add(const ProbeGauge& gauge, std::initializer_list<LabelView> labels, double value);

  /// Text format 0.0.4, families sorted by name.
  std::string Text() const;

 private:
  using LabelSet = std::vector<std::pair<std::string, std::string>>;
  struct Family {
    std::string help;
    std::map<LabelSet, double> samples;
  };
  double& At(const ProbeGauge& gauge, std::vector<LabelView> labels);
  std::map<std::string, Family, std::less<>> families_;
};

/// Lines in logfmt, bounded.
class ProbeLog {
 public:
  ProbeLog(std::string module, std::string target) : module_(std::move(module)), target_(std::move(target)) {}
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  void Info(std::string_view message, Fields fields = {}) { Line("info", message, fields); }
  void Error(std::string_view message, Fields fields = {}) { Line("error", message, fields); }
  const std::string& text() const { return text_; }
  /// Of the last line of level error; empty without one.
  const std::string& last_error() const { return last_error_; }

 private:
  void Line(std::string_view level, std::string_view message, Fields fields);
  std::string module_, target_, text_, last_error_;
};

}  // namespace vedette::collector
