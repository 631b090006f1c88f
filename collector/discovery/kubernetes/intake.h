// Takes what the API server sends, page by page of a list or event by event of a watch, into the store of the engine.
//
// On worker threads, one call at a time. Objects that cannot be read are counted, and what was known of them stays.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "collector/discovery/kubernetes/engine.h"
#include "collector/discovery/kubernetes/splitter.h"

namespace vedette::collector::kube {

class Intake {
 public:
  /// Of one list; more objects are taken for a server that does not stop.
  static constexpr std::size_t kMaxObjects = 1'000'000;

  Intake(Engine& engine, const Watched& watched)
      : engine_(engine), watched_(watched), events_(ObjectSplitter::Shape::kEvents) {}

  // A list: pages, and when the last is there, its end.
  void BeginPage() { page_.emplace(ObjectSplitter::Shape::kList); }
  Status TakePage(std::string_view piece);
  /// Errors: kBadData when the page is not complete, or a list of something else.
  Result<ListHead> EndPage();
  /// What was not listed is gone.
  void EndList();

  // A watch.
  /// Errors: kBadData for what is no event. What was missed then only a new list can tell.
  Status TakeEvents(std::string_view piece);
  const std::string& version() const { return version_; }  // of the last event; empty: none had one
  bool progress() const { return progress_; }              // anything has come
  bool gone() const { return gone_; }                      // the server has forgotten the place from which we watch
  Status error() const { return error_; }                  // what the server said went wrong, otherwise

 private:
  void TakeItem(std::string_view text, bool whole);
  Status TakeEvent(std::string_view text);
  void TakeChange(std::string_view text);
  Result<Object> Read(std::string_view text);

  Engine& engine_;
  const Watched& watched_;

  std::optional<ObjectSplitter> page_;
  std::unordered_set<std::string> keys_;
  bool unknown_ = false;  // an item that could not be read had no name either

  ObjectSplitter events_;
  std::string version_;
  bool progress_ = false, gone_ = false;
  Status error_ = Ok();
};

}  // namespace vedette::collector::kube
