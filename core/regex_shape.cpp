#include "core/regex_shape.h"

#include <algorithm>
#include <utility>

namespace vedette {
namespace {

/// Alternations of thousands of ids are usual: dashboards write them.
constexpr std::size_t kMostTexts = 65'536;
/// What a product of sets, "(a|b)(c|d)", may have.
constexpr std::size_t kMostProduct = 256;
constexpr std::size_t kMostClass = 32;
constexpr int kMostDepth = 32;

using Texts = std::vector<std::string>;

/// A part of a concatenation: one of a set of texts, anything, at least one of anything, or something not understood.
struct Piece {
  enum class Kind { kTexts, kAny, kSome, kOther } kind = Kind::kOther;
  Texts texts;
};
using Pieces = std::vector<Piece>;

Piece OneOf(Texts texts) { return {Piece::Kind::kTexts, std::move(texts)}; }

/// Joins texts to the texts before them where the product stays small.
void Append(Pieces& pieces, Piece piece) {
  if (piece.kind == Piece::Kind::kTexts && !pieces.empty() && pieces.back().kind == Piece::Kind::kTexts) {
    Texts& left = pieces.back().texts;
    if (left.size() == 1 && piece.texts.size() == 1) {
      left.front() += piece.texts.front();
      return;
    }
    const bool one_side = left.size() == 1 || piece.texts.size() == 1;
    if (left.size() * piece.texts.size() <= (one_side ? kMostTexts : kMostProduct)) {
      Texts product;
      for (const std::string& a : left) {
        for (const std::string& b : piece.texts) product.push_back(a + b);
      }
      left = std::move(product);
      return;
    }
    piece = Piece();
  }
  pieces.push_back(std::move(piece));
}

bool IsAscii(char c) { return (static_cast<unsigned char>(c) & 0x80) == 0; }

bool IsPunctuation(char c) {
  return std::string_view("\\.+*?()|[]{}^$-/_:,;=!@#%&~'\"<> `").find(c) != std::string_view::npos;
}

/// Recursive descent; nullopt at anything unusual.
class Reader {
 public:
  explicit Reader(std::string_view pattern) : pattern_(pattern) {}

  std::optional<Pieces> Read() {
    auto out = Alternation(0);
    return at_ == pattern_.size() ? out : std::nullopt;
  }

 private:
  bool AtEnd() const { return at_ == pattern_.size(); }
  bool Take(char c) {
    if (AtEnd() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Pieces> Alternation(int depth) {
    if (depth > kMostDepth) return std::nullopt;
    Texts leading;
    bool all_texts = true;
    std::size_t alternatives = 0;
    for (;;) {
      auto pieces = Concatenation(depth);
      if (!pieces) return std::nullopt;
      if (pieces->empty()) pieces->push_back(OneOf({""}));
      ++alternatives;
      const bool more = Take('|');
      if (alternatives == 1 && !more) return pieces;
      all_texts = all_texts && pieces->size() == 1 && pieces->front().kind == Piece::Kind::kTexts;
      if (pieces->front().kind == Piece::Kind::kTexts) {
        Texts& texts = pieces->front().texts;
        leading.insert(leading.end(), texts.begin(), texts.end());
      } else {
        leading.emplace_back();
      }
      if (leading.size() > kMostTexts) return std::nullopt;
      if (!more) break;
    }
    Pieces out;
    out.push_back(OneOf(std::move(leading)));
    if (!all_texts) out.emplace_back();
    return out;
  }

  std::optional<Pieces> Concatenation(int depth) {
    Pieces out;
    if (depth == 0 && Take('^') && !AtEnd() && IsQuantifier()) return std::nullopt;
    while (!AtEnd() && pattern_[at_] != '|' && pattern_[at_] != ')') {
      if (pattern_[at_] == '$') {
        ++at_;
        if (depth != 0 || !(AtEnd() || pattern_[at_] == '|')) return std::nullopt;
        break;
      }
      auto pieces = Atom(depth);
      if (!pieces || !Quantify(*pieces)) return std::nullopt;
      for (Piece& piece : *pieces) Append(out, std::move(piece));
    }
    return out;
  }

  bool IsQuantifier() const {
    return !AtEnd() && std::string_view("*+?{").find(pattern_[at_]) != std::string_view::npos;
  }

  /// Applies what follows the atom.
  bool Quantify(Pieces& atom) {
    if (!IsQuantifier()) return true;
    const char quantifier = pattern_[at_++];
    if (quantifier == '{') {
      const std::size_t end = pattern_.find('}', at_);
      if (end == std::string_view::npos) return false;
      if (pattern_.substr(at_, end - at_).find_first_not_of("0123456789,") != std::string_view::npos) return false;
      at_ = end + 1;
    }
    (void)Take('?');  // lazy: the same texts
    if (IsQuantifier()) return false;
    if (is_dot_) {
      using Kind = Piece::Kind;
      atom.front().kind = quantifier == '*' ? Kind::kAny : quantifier == '+' ? Kind::kSome : Kind::kOther;
    } else if (quantifier == '?' && atom.size() == 1 && atom.front().kind == Piece::Kind::kTexts) {
      atom.front().texts.emplace_back();
    } else if (quantifier == '+' && atom.front().kind == Piece::Kind::kTexts) {
      atom.resize(1);
      atom.emplace_back();
    } else {
      atom.assign(1, Piece());
    }
    is_dot_ = false;
    return true;
  }

  std::optional<Pieces> Atom(int depth) {
    is_dot_ = false;
    const char c = pattern_[at_++];
    switch (c) {
      case '(': {
        if (Take('?') && !Take(':')) return std::nullopt;
        auto inner = Alternation(depth + 1);
        if (!inner || !Take(')')) return std::nullopt;
        is_dot_ = false;
        return inner;
      }
      case '[':
        return Class();
      case '.':
        is_dot_ = true;
        return Pieces(1);
      case '\\':
        if (AtEnd()) return std::nullopt;
        if (IsPunctuation(pattern_[at_])) return Pieces{OneOf({std::string(1, pattern_[at_++])})};
        if (std::string_view("dDwWsS").find(pattern_[at_++]) == std::string_view::npos) return std::nullopt;
        return Pieces(1);
      case '*':
      case '+':
      case '?':
      case '{':
      case '^':
        return std::nullopt;
      default:
        break;
    }
    // One character, which may be several bytes: a quantifier applies to all of them.
    const std::size_t start = at_ - 1;
    while (!AtEnd() && (static_cast<unsigned char>(pattern_[at_]) & 0xC0) == 0x80) ++at_;
    return Pieces{OneOf({std::string(pattern_.substr(start, at_ - start))})};
  }

  /// Small plain classes become their characters.
  std::optional<Pieces> Class() {
    const std::size_t end = pattern_.find(']', at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view body = pattern_.substr(at_, end - at_);
    if (body.find_first_of("\\[") != std::string_view::npos) return std::nullopt;
    at_ = end + 1;
    if (body.front() == '^') return body.size() == 1 ? std::nullopt : std::optional(Pieces(1));
    Texts texts;
    for (std::size_t i = 0; i < body.size(); ++i) {
      const bool is_range = i + 2 < body.size() && body[i + 1] == '-';
      const char low = body[i], high = is_range ? body[i + 2] : low;
      if (!IsAscii(low) || !IsAscii(high) || high < low) return std::nullopt;
      if (static_cast<std::size_t>(high - low) + texts.size() >= kMostClass) return Pieces(1);
      for (int each = low; each <= high; ++each) texts.emplace_back(1, static_cast<char>(each));
      if (is_range) i += 2;
    }
    return Pieces{OneOf(std::move(texts))};
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool is_dot_ = false;  // the atom just read is a dot
};

void SortUnique(Texts& texts) {
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

bool IsTexts(const Piece& piece) { return piece.kind == Piece::Kind::kTexts; }

/// Sets that say nothing, because the empty text is in them, are left out.
Texts Useful(const Piece& piece) {
  if (!IsTexts(piece) || std::ranges::any_of(piece.texts, &std::string::empty)) return {};
  Texts out = piece.texts;
  SortUnique(out);
  return out;
}

bool LowerTexts(Texts& texts) {
  for (std::string& text : texts) {
    for (char& c : text) {
      if (!IsAscii(c)) return false;
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return true;
}

}  // namespace

bool RegexShape::MayMatch(std::string_view text) const {
  std::size_t prefix = 0, suffix = 0;
  if (!prefixes.empty()) {
    const auto starts = [&](const std::string& p) { return text.starts_with(p); };
    const auto found = std::ranges::find_if(prefixes, starts);
    if (found == prefixes.end()) return false;
    prefix = found->size();  // sorted: the shortest of those that fit comes first
  }
  if (!suffixes.empty()) {
    std::size_t shortest = std::string_view::npos;
    for (const std::string& s : suffixes) {
      if (text.ends_with(s)) shortest = std::min(shortest, s.size());
    }
    if (shortest == std::string_view::npos) return false;
    suffix = shortest;
  }
  if (text.size() < prefix + suffix + infix.size() + more) return false;
  return infix.empty() || text.substr(prefix, text.size() - prefix - suffix).find(infix) != std::string_view::npos;
}

std::optional<RegexShape> ReadShape(std::string_view pattern) {
  RegexShape out;
  if (pattern.starts_with("(?i)")) {
    out.folded = true;
    pattern.remove_prefix(4);
  }
  const auto read = Reader(pattern).Read();
  if (!read) return std::nullopt;
  Pieces pieces = *read;
  if (pieces.empty()) pieces.push_back(OneOf({""}));
  if (pieces.size() == 1 && IsTexts(pieces.front())) {
    out.literals = std::move(pieces.front().texts);
    if (out.folded && !LowerTexts(out.literals)) return std::nullopt;
    SortUnique(out.literals);
    return out;
  }
  if (out.folded) return std::nullopt;
  out.exact = true;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    if (piece.kind == Piece::Kind::kOther) out.exact = false;
    if (piece.kind == Piece::Kind::kSome) ++out.more;
    if (!IsTexts(piece)) continue;
    Texts useful = Useful(piece);
    if (i == 0) {
      out.exact = out.exact && !useful.empty();
      out.prefixes = std::move(useful);
    } else if (i + 1 == pieces.size()) {
      out.exact = out.exact && !useful.empty();
      out.suffixes = std::move(useful);
    } else {
      // One text between two unknowns; with several the longest is the best filter, but the order is not checked.
      out.exact = out.exact && useful.size() == 1 && out.infix.empty();
      if (useful.size() == 1 && useful.front().size() > out.infix.size()) out.infix = std::move(useful.front());
    }
  }
  // ".+x.*" wants something on a certain side of the x, and ".+.+" two characters, not bytes.
  if (out.more > 1 || (!out.infix.empty() && out.more != 0)) out.exact = false;
  return out;
}

}  // namespace vedette
