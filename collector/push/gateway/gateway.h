// What a Pushgateway does: keeps the metrics that jobs pushed last, by group, and shows them to a scrape.
//
// Groups are in the state tables before a push is answered, a push is in them as a whole or not at all, and what a push
// would break (a type that others have otherwise, a series that is there already) is found before. Thread-safe: pushes
// run one after another, pages are made beside them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/exposition/series_labels.h"
#include "collector/push/gateway/family.h"
#include "collector/push/intake.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/state.h"

namespace prometheus {
class Registry;
}

namespace vedette::collector {

struct GatewayPush {
  std::string_view path;  // as ParseGroupPath() takes it
  std::string_view body, content_type, encoding;
  bool replace = false;  // the whole group, not only the families that are pushed
};

/// A family as it was pushed, with all labels.
struct GatewayStored {
  GatewayFamily family;
  TimeMs time;
};

struct GatewayGroupView {
  RawLabels labels;
  TimeMs pushed, failed;  // zero: never
  std::vector<std::shared_ptr<const GatewayStored>> families;
};

class PushGateway {
 public:
  /// Reads the groups of before; rows that cannot be read are logged and left out. Errors: those of the medium.
  static Result<std::unique_ptr<PushGateway>> Open(storage::StateStore& state, Intake& intake,
                                                   prometheus::Registry& registry);
  ~PushGateway();

  /// Errors: kBadData and kLimit with the old metrics still in place; kUnavailable, kIo: try again.
  Status Push(const GatewayPush& push);
  /// A group that is not there is no error.
  Status Delete(std::string_view path);
  Status Wipe();

  /// All groups in the protobuf format; of one family in several groups the help that was pushed last.
  std::string Page() const;
  std::vector<GatewayGroupView> Groups() const;

 private:
  struct Group;
  struct Named;
  struct Metrics;
  using GroupMap = std::map<std::string, Group>;

  PushGateway(storage::StateStore& state, Intake& intake, prometheus::Registry& registry);

  Status Load();
  Status Store(const RawLabels& labels, GatewayBody body, bool replace);
  Status CheckAgainstOthers(const std::string& key, const GatewayFamily& family, bool replace) const;
  Status CheckName(const GatewayFamily& family, const std::string& key, bool replace) const;
  const Group* Find(const std::string& key) const;
  bool Has(const std::string& name, const std::string& but, bool replace, std::uint32_t* type) const;
  Status CheckSize(const std::string& key, std::size_t bytes, std::size_t old_bytes);
  Status NoteFailure(const std::string& key, const RawLabels& labels);
  void Put(const std::string& key, std::shared_ptr<const GatewayStored> stored);
  void Drop(const std::string& key, const std::string& name);
  void ShowSizes();

  storage::StateStore& state_;
  Intake& intake_;
  std::unique_ptr<Metrics> metrics_;

  std::mutex pushing_;                            // one change at a time, with its write to the disk
  mutable std::mutex mutex_;                      // what pages read; changed under `pushing_` as well
  GroupMap groups_;                               // GUARDED_BY(mutex_)
  std::unordered_map<std::string, Named> names_;  // GUARDED_BY(pushing_)
  std::size_t bytes_ = 0;                         // GUARDED_BY(pushing_)
};

}  // namespace vedette::collector
