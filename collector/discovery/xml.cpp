#include "collector/discovery/xml.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/utf8.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxElements = 1'000'000;

/// From front to back, with the open elements on a stack.
class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : text_(text) {}
  Result<XmlElement> Read();

 private:
  Error Bad(std::string_view what) const { return Fail(Code::kBadData, "not XML, at byte {}: {}", at_, what); }
  bool Take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  /// To after the next `end`; what stands before it.
  Result<std::string_view> Until(std::string_view end);
  Result<std::string_view> Name();
  Status Tag();
  Status OpenTag();
  Status CloseTag();
  Status SkipAttributes();
  void Finish();
  Status Text();
  Status Entity(std::string& out);

  std::string_view text_;
  std::size_t at_ = 0, elements_ = 0;
  std::vector<XmlElement> open_;
  XmlElement root_;
  bool done_ = false;
};

bool IsXmlBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

Result<std::string_view> XmlReader::Until(std::string_view end) {
  const std::size_t found = text_.find(end, at_);
  if (found == std::string_view::npos) return Bad(fmt::format("{} is missing", end));
  const std::string_view before = text_.substr(at_, found - at_);
  at_ = found + end.size();
  return before;
}

Result<std::string_view> XmlReader::Name() {
  constexpr std::string_view kEnds = " \t\r\n/>=<\"'&";
  const std::size_t end = std::min(text_.find_first_of(kEnds, at_), text_.size());
  const std::string_view name = text_.substr(at_, end - at_);
  if (name.empty()) return Bad("a name is missing");
  at_ = end;
  return name;
}

Result<XmlElement> XmlReader::Read() {
  Take("\xef\xbb\xbf");
  while (at_ < text_.size()) {
    if (text_[at_] == '<') {
      VEDETTE_CHECK(Tag());
    } else if (!open_.empty()) {
      VEDETTE_CHECK(Text());
    } else if (IsXmlBlank(text_[at_])) {
      ++at_;
    } else {
      return Bad("text outside of the root element");
    }
  }
  if (!done_) return Bad("it ends too early");
  return std::move(root_);
}

Status XmlReader::Tag() {
  if (Take("<?")) {
    VEDETTE_CHECK(Until("?>"));
    return Ok();
  }
  if (Take("<!--")) {
    VEDETTE_CHECK(Until("-->"));
    return Ok();
  }
  if (Take("<![CDATA[")) {
    if (open_.empty()) return Bad("text outside of the root element");
    VEDETTE_TRY(const std::string_view literal, Until("]]>"));
    open_.back().text += literal;
    return Ok();
  }
  if (Take("<!")) return Bad("document types are not read");
  return Take("</") ? CloseTag() : OpenTag();
}

Status XmlReader::OpenTag() {
  ++at_;
  if (done_) return Bad("a second root element");
  if (open_.size() >= kMaxDepth) return Fail(Code::kLimit, "XML nested deeper than {}", kMaxDepth);
  if (++elements_ > kMaxElements) return Fail(Code::kLimit, "XML of more than {} elements", kMaxElements);
  VEDETTE_TRY(std::string_view name, Name());
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  open_.push_back({std::string(name), {}, {}});
  VEDETTE_CHECK(SkipAttributes());
  if (Take("/>")) {
    Finish();
    return Ok();
  }
  return Take(">") ? Ok() : Status(Bad("an element's tag does not end"));
}

Status XmlReader::SkipAttributes() {
  for (;;) {
    while (at_ < text_.size() && IsXmlBlank(text_[at_])) ++at_;
    if (at_ >= text_.size() || text_[at_] == '/' || text_[at_] == '>') return Ok();
    VEDETTE_CHECK(Name());
    while (at_ < text_.size() && (IsXmlBlank(text_[at_]) || text_[at_] == '=')) ++at_;
    if (!Take("\"") && !Take("'")) return Bad("an attribute has no value");
    VEDETTE_CHECK(Until(text_.substr(at_ - 1, 1)));
  }
}

Status XmlReader::CloseTag() {
  VEDETTE_TRY(std::string_view name, Name());
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  while (at_ < text_.size() && IsXmlBlank(text_[at_])) ++at_;
  if (!Take(">")) return Bad("an element's end does not end");
  if (open_.empty() || open_.back().name != name) return Bad("an end without its beginning");
  Finish();
  return Ok();
}

void XmlReader::Finish() {
  XmlElement element = std::move(open_.back());
  open_.pop_back();
  done_ = open_.empty();
  (done_ ? root_ : open_.back().children.emplace_back()) = std::move(element);
}

Status XmlReader::Text() {
  std::string& out = open_.back().text;
  while (at_ < text_.size() && text_[at_] != '<') {
    if (text_[at_] == '&') {
      VEDETTE_CHECK(Entity(out));
      continue;
    }
    const std::size_t end = std::min(text_.find_first_of("<&", at_), text_.size());
    out += text_.substr(at_, end - at_);
    at_ = end;
  }
  return Ok();
}

Status XmlReader::Entity(std::string& out) {
  static constexpr std::pair<std::string_view, char> kKnown[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (const auto& [text, c] : kKnown) {
    if (!Take(text)) continue;
    out += c;
    return Ok();
  }
  if (!Take("&#")) return Bad("an unknown entity");
  const int base = Take("x") ? 16 : 10;
  std::uint32_t rune = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), rune, base);
  at_ += static_cast<std::size_t>(end - begin);
  if (error != std::errc() || rune == 0 || !Take(";")) return Bad("a wrong character number");
  AppendUtf8(out, rune);
  return Ok();
}

}  // namespace

const XmlElement& XmlElement::operator[](std::string_view child) const {
  static const XmlElement kNone;
  const auto found = std::ranges::find(children, child, &XmlElement::name);
  return found == children.end() ? kNone : *found;
}

Result<XmlElement> ParseXml(std::string_view text) { return XmlReader(text).Read(); }

}  // namespace vedette::collector
