#include "collector/discovery/kubernetes/splitter.h"

#include <algorithm>

namespace vedette::collector::kube {
namespace {

constexpr std::size_t kMaxKeyBytes = 64;
/// Deeper nesting is refused by JsonCursor anyway; this keeps the count of brackets a number.
constexpr int kMaxBrackets = 1 << 20;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Status ObjectSplitter::Feed(std::string_view piece, const Take& take) {
  begin_ = 0;
  for (std::size_t at = 0; at < piece.size();) {
    if (in_string_) {
      at = SkipString(piece, at);
      VEDETTE_CHECK(CheckEnvelope());
      continue;
    }
    const char c = piece[at++];
    if (!object_) VEDETTE_CHECK(Outside(c));
    if (c == '"') {
      in_string_ = true;
      key_.clear();
    } else if (c == '{' || c == '[') {
      VEDETTE_CHECK(Opened(at - 1));
    } else if (c == '}' || c == ']') {
      VEDETTE_CHECK(ClosedOne());
      if (object_ && depth_ == object_depth_) Emit(piece.substr(begin_, at - begin_), take);
    }
  }
  return object_ ? Keep(piece.substr(begin_)) : Ok();
}

/// Position after the end of the string, or of the piece.
std::size_t ObjectSplitter::SkipString(std::string_view piece, std::size_t at) {
  const std::size_t begin = at;
  while (at < piece.size() && in_string_) {
    const char c = piece[at++];
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
  }
  if (!object_) {
    const std::string_view text = piece.substr(begin, at - begin);
    envelope_ += text;
    if (key_.size() < kMaxKeyBytes) key_ += text;  // with the quote at its end
  }
  return at;
}

/// A byte that belongs to none of the objects.
Status ObjectSplitter::Outside(char c) {
  if (depth_ == 0 && (closed_ || c != '{') && !IsBlank(c)) {
    return Fail(Code::kBadData, "not {} JSON objects", shape_ == Shape::kList ? "a list of" : "a stream of");
  }
  const bool between_items = in_items_ && depth_ == 2 && c != ']';
  if (shape_ == Shape::kEvents || between_items) return Ok();
  envelope_ += c;
  return CheckEnvelope();
}

Status ObjectSplitter::CheckEnvelope() const {
  if (envelope_.size() <= kMaxEnvelopeBytes) return Ok();
  return Fail(Code::kLimit, "a list with more than {} bytes beside its items", kMaxEnvelopeBytes);
}

Status ObjectSplitter::Opened(std::size_t at) {
  const bool in_list = shape_ == Shape::kList;
  if (!object_ && (in_list ? in_items_ && depth_ == 2 : depth_ == 0)) {
    object_ = true;
    object_depth_ = depth_;
    begin_ = at;
    carried_.clear();
    skipped_ = 0;
  } else if (!object_ && in_list && depth_ == 1 && key_ == "items\"") {
    in_items_ = true;
  }
  if (++depth_ > kMaxBrackets) return Fail(Code::kLimit, "nested too deeply");
  return Ok();
}

Status ObjectSplitter::ClosedOne() {
  if (--depth_ < 0) return Fail(Code::kBadData, "a bracket too many");
  if (object_) return Ok();
  if (depth_ < 2) in_items_ = false;
  if (depth_ == 0) closed_ = true;
  return Ok();
}

void ObjectSplitter::Emit(std::string_view rest, const Take& take) {
  object_ = false;
  if (carried_.empty() && skipped_ == 0 && rest.size() <= max_object_bytes_) return take(rest, true);
  const bool whole = skipped_ == 0 && carried_.size() + rest.size() <= max_object_bytes_;
  if (whole || skipped_ == 0) carried_ += rest.substr(0, max_object_bytes_);
  const std::string_view text(carried_);
  take(whole ? text : text.substr(0, kShownOfLonger), whole);
  // One large object is no reason to keep its space.
  if (carried_.capacity() > kShownOfLonger) carried_ = std::string();
}

/// The object goes on in the next piece.
Status ObjectSplitter::Keep(std::string_view part) {
  begin_ = 0;
  if (skipped_ == 0 && carried_.size() + part.size() <= max_object_bytes_) {
    carried_ += part;
    return Ok();
  }
  if (skipped_ == 0) {
    carried_ += part.substr(0, max_object_bytes_ - carried_.size());
    carried_.resize(std::min(carried_.size(), kShownOfLonger));
    carried_.shrink_to_fit();
  }
  skipped_ += part.size();
  if (skipped_ > kMaxSkippedBytes) return Fail(Code::kLimit, "an object without end");
  return Ok();
}

}  // namespace vedette::collector::kube
