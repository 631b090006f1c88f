#include "alerting/route/tree.h"

namespace vedette::alerting {
namespace {

RouteNode Compile(const RouteOptions& options, const RouteNode& parent, std::string path) {
  RouteNode node;
  node.path = std::move(path);
  node.receiver = options.receiver.empty() ? parent.receiver : options.receiver;
  node.matchers = options.matchers;
  node.continue_matching = options.continue_matching;
  if (options.group_by) {
    node.group_by_all = options.group_by->size() == 1 && options.group_by->front() == kGroupByAll;
    if (!node.group_by_all) node.group_by = *options.group_by;
  } else {
    node.group_by_all = parent.group_by_all;
    node.group_by = parent.group_by;
  }
  node.group_wait = options.group_wait.value_or(parent.group_wait);
  node.group_interval = options.group_interval.value_or(parent.group_interval);
  node.repeat_interval = options.repeat_interval.value_or(parent.repeat_interval);
  for (std::size_t i = 0; i < options.routes.size(); ++i) {
    node.children.push_back(Compile(options.routes[i], node, fmt::format("{}.routes[{}]", node.path, i)));
  }
  return node;
}

RouteNode Defaults() {
  RouteNode node;
  node.group_by.assign(kDefaultGroupBy.begin(), kDefaultGroupBy.end());
  node.group_wait = kDefaultGroupWait;
  node.group_interval = kDefaultGroupInterval;
  node.repeat_interval = kDefaultRepeatInterval;
  return node;
}

bool Collect(const RouteNode& node, const Labels& labels, std::vector<const RouteNode*>& out) {
  if (!MatchesAll(node.matchers, labels)) return false;
  bool taken = false;
  for (const RouteNode& child : node.children) {
    if (!Collect(child, labels, out)) continue;
    taken = true;
    if (!child.continue_matching) break;
  }
  if (!taken) out.push_back(&node);
  return true;
}

}  // namespace

Labels RouteNode::GroupLabels(const Labels& labels) const {
  if (group_by_all) return labels;
  return LabelsBuilder(labels).Keep(group_by).Build();
}

RouteTree::RouteTree(const RouteOptions& root) : root_(Compile(root, Defaults(), "route")) {}

std::vector<const RouteNode*> RouteTree::Match(const Labels& labels) const {
  std::vector<const RouteNode*> out;
  Collect(root_, labels, out);
  return out;
}

}  // namespace vedette::alerting
