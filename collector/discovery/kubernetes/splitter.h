// Cuts what an API server sends into objects, piece by piece as it arrives: the events of a watch, the items of a list.
//
// A list of 5,000 pods has fifty megabytes and is never in memory as a whole. The objects are cut out by their
// brackets; whether they are JSON inside is for their readers to find.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette::collector::kube {

class ObjectSplitter {
 public:
  enum class Shape {
    kEvents,  // objects one after another
    kList,    // one object; those in its list "items"
  };
  /// A single object that is longer is stepped over: only this much of its beginning is shown.
  static constexpr std::size_t kMaxObjectBytes = 4 << 20;  // etcd takes 1.5 MB
  static constexpr std::size_t kShownOfLonger = 64 << 10;
  /// One that is even longer has no end.
  static constexpr std::size_t kMaxSkippedBytes = 256 << 20;
  /// Of a list without its items.
  static constexpr std::size_t kMaxEnvelopeBytes = 256 << 10;

  explicit ObjectSplitter(Shape shape, std::size_t max_object_bytes = kMaxObjectBytes)
      : shape_(shape), max_object_bytes_(max_object_bytes) {}

  /// `whole` is false for the beginning of one that is too long. The text is valid during the call.
  using Take = std::function<void(std::string_view object, bool whole)>;
  /// Errors: kBadData for what cannot be such a stream, kLimit for an object or envelope without end. After an error
  /// nothing more can be read.
  Status Feed(std::string_view piece, const Take& take);

  /// Of a list: it is complete. Of events: none is cut off.
  bool Complete() const { return shape_ == Shape::kList ? closed_ : !object_; }
  /// Of a list: its text without the items.
  const std::string& envelope() const { return envelope_; }

 private:
  Status Outside(char c);
  Status CheckEnvelope() const;
  Status Opened(std::size_t at);
  Status ClosedOne();
  void Emit(std::string_view rest, const Take& take);
  Status Keep(std::string_view part);
  std::size_t SkipString(std::string_view piece, std::size_t at);

  const Shape shape_;
  const std::size_t max_object_bytes_;
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false;
  bool closed_ = false;    // the list has ended
  bool in_items_ = false;  // between the brackets of "items"
  bool object_ = false;    // within one that is cut out
  int object_depth_ = 0;   // around it
  std::size_t begin_ = 0;  // of the object, in this piece
  std::string carried_;    // of the object, from earlier pieces
  std::size_t skipped_ = 0;
  std::string key_;  // of a list: the last string one level down
  std::string envelope_;
};

}  // namespace vedette::collector::kube
