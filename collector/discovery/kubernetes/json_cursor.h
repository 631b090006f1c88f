// Reads JSON from front to back, taking what is asked for and stepping over the rest: an object of the Kubernetes API
// is ten kilobytes, of which labels need one.
//
//   JsonCursor json(text);
//   json.Object([&](std::string_view key) {
//     if (key == "name") name = json.String();
//     else if (key == "ports") json.Array([&] { ports.push_back(json.Integer()); });
//   });
//   if (Status status = json.Finish(); !status) ...
//
// As Go's decoder reads into a struct: null is the zero value of anything, a value of another type is an error, the
// last of equal keys counts. The first error stays, and everything after it is empty. What is stepped over is only
// matched bracket by bracket. Nesting is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette::collector::kube {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// `member(key)` may read the value, once; one that it leaves is stepped over.
  template <class Member>
  void Object(Member member) {
    if (TakeNull() || !Open('{')) return;
    std::string unescaped;
    for (bool first = true; !failed_ && !Closes('}', first); first = false) {
      const std::string_view key = Key(unescaped);
      const std::size_t before = at_;
      if (failed_) return;
      // An inner Object() may overwrite nothing of ours: each level has its own `unescaped`.
      member(key);
      if (at_ == before) Skip();
    }
    --depth_;
  }
  /// `element()` likewise.
  template <class Element>
  void Array(Element element) {
    if (TakeNull() || !Open('[')) return;
    for (bool first = true; !failed_ && !Closes(']', first); first = false) {
      SkipBlanks();
      const std::size_t before = at_;
      element();
      if (at_ == before) Skip();
    }
    --depth_;
  }

  std::string String();
  /// What fits into 32 bits, as ports do.
  std::int64_t Integer();
  bool Bool();
  /// Takes a null, if there is one.
  bool TakeNull();
  /// Steps over the next value and shows its text.
  std::string_view Skip();

  bool failed() const { return failed_; }
  void Fail(std::string_view what);
  /// Errors: kBadData with the place; also when anything but blanks follows the value.
  Status Finish();

 private:
  static constexpr int kMaxDepth = 200;

  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r'))) ++at_;
  }
  char Peek() {
    SkipBlanks();
    return failed_ || at_ == text_.size() ? '\0' : text_[at_];
  }
  bool Open(char bracket);
  bool Closes(char bracket, bool first);
  std::string_view Key(std::string& unescaped);
  /// The text between quotes: as it stands, or decoded into `unescaped`.
  std::string_view Quoted(std::string& unescaped);
  void Escape(std::string& out);
  std::uint32_t Hex4();
  void SkipQuoted();
  void SkipNested();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  std::string what_;
  std::size_t where_ = 0;
};

}  // namespace vedette::collector::kube
