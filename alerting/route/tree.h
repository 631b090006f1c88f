// The routing tree, compiled: which receivers hear of an alert, how it is grouped, at what pace.
//
// Depth first; a route whose children do not match takes the alert itself; the first matching child wins unless it says
// `continue`. Immutable; shared by readers while a reload swaps it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alerting/route/options.h"
#include "core/labels.h"

namespace vedette::alerting {

struct RouteNode {
  std::string path;  // "route.routes[1]": for people
  std::string receiver;
  std::vector<Matcher> matchers;
  bool continue_matching = false;
  bool group_by_all = false;
  std::vector<std::string> group_by;
  Millis group_wait{0}, group_interval{0}, repeat_interval{0};
  std::vector<RouteNode> children;

  /// The labels of `labels` that tell its group.
  Labels GroupLabels(const Labels& labels) const;
};

class RouteTree {
 public:
  /// `root` has been validated.
  explicit RouteTree(const RouteOptions& root);

  /// At least one: the root takes what no child takes. Valid as long as the tree.
  std::vector<const RouteNode*> Match(const Labels& labels) const;
  const RouteNode& root() const { return root_; }

 private:
  RouteNode root_;
};

}  // namespace vedette::alerting
