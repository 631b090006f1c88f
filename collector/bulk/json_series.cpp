#include "collector/bulk/json_series.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "collector/exposition/number.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

void AppendUtf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

/// The number that eight digits make, in three multiplications. False when one of them is no digit. (Little-endian, as
/// every machine Vedette runs on.)
bool EightDigits(const char* at, std::uint64_t& value) {
  std::uint64_t digits;
  std::memcpy(&digits, at, 8);
  digits -= 0x3030303030303030;
  if (((digits + 0x7676767676767676) & 0x8080808080808080) != 0 || (digits & 0x8080808080808080) != 0) return false;
  digits = digits * 10 + (digits >> 8);  // pairs, in every second byte
  constexpr std::uint64_t kPairs = 0x000000FF000000FF;
  value = ((digits & kPairs) * (100 + (std::uint64_t{1'000'000} << 32)) +
           ((digits >> 16) & kPairs) * (1 + (std::uint64_t{10'000} << 32))) >>
          32;
  return true;
}

/// Reads from the front of a line; every getter says whether it found what it looks for.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  std::size_t column() const { return static_cast<std::size_t>(at_ - begin_) + 1; }
  bool AtEnd() {
    SkipBlanks();
    return at_ == end_;
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool TakeNull() {
    SkipBlanks();
    if (end_ - at_ < 4 || std::string_view(at_, 4) != "null") return false;
    at_ += 4;
    return true;
  }

  bool String(std::string& out) {
    out.clear();
    if (!Take('"')) return false;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ != '\\') {
        out.push_back(*at_++);
      } else if (!Escape(out)) {
        return false;
      }
    }
    return at_ != end_ && *at_++ == '"';
  }

  bool Number(double& value) {
    SkipBlanks();
    if (at_ != end_ && *at_ == '"') {
      std::string text;
      if (!String(text)) return false;
      if (text == "Infinity" || text == "-Infinity") text.resize(text.size() - 5);  // "Inf"
      const auto parsed = ParseSampleValue(text);
      if (!parsed) return false;
      value = *parsed;
      return true;
    }
    const char* stop = ParsePlainDecimal(at_, end_, value);
    if (stop == nullptr || (stop != end_ && *stop != ',' && *stop != ']' && *stop != ' ')) {
      stop = at_;
      while (stop != end_ && *stop != ',' && *stop != ']' && *stop != ' ') ++stop;
      const auto parsed = ParseSampleValue({at_, static_cast<std::size_t>(stop - at_)});
      if (!parsed) return false;
      value = *parsed;
    }
    at_ = stop;
    return true;
  }

  bool Integer(std::int64_t& value) {
    SkipBlanks();
    // Times have thirteen digits: eight at once, then the rest.
    if (std::uint64_t head = 0; end_ - at_ >= 18 && EightDigits(at_, head)) {
      const char* stop = at_ + 8;
      for (; stop != at_ + 18 && static_cast<unsigned char>(*stop - '0') < 10; ++stop) {
        head = head * 10 + static_cast<unsigned char>(*stop - '0');
      }
      if (stop != at_ + 18) {
        value = static_cast<std::int64_t>(head);
        at_ = stop;
        return true;
      }
    }
    const auto [stop, error] = std::from_chars(at_, end_, value);
    if (error != std::errc()) return false;
    at_ = stop;
    return true;
  }

 private:
  void SkipBlanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }
  std::optional<std::uint32_t> Hex4() {
    std::uint32_t code = 0;
    if (end_ - at_ < 4) return std::nullopt;
    const auto [stop, error] = std::from_chars(at_, at_ + 4, code, 16);
    if (error != std::errc() || stop != at_ + 4) return std::nullopt;
    at_ += 4;
    return code;
  }
  bool Escape(std::string& out) {
    if (end_ - at_ < 2) return false;
    const char c = at_[1];
    at_ += 2;
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
      out.push_back(kTo[i]);
      return true;
    }
    if (c != 'u') return false;
    auto code = Hex4();
    if (!code) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {  // the first half of a pair
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
      at_ += 2;
      const auto low = Hex4();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    }
    AppendUtf8(out, *code);
    return true;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

/// Elements between brackets, each read by `element`.
template <class Element>
bool Array(Scanner& in, Element element) {
  if (!in.Take('[')) return false;
  if (in.Take(']')) return true;
  do {
    if (!element()) return false;
  } while (in.Take(','));
  return in.Take(']');
}

bool Metric(Scanner& in, std::vector<std::pair<std::string, std::string>>& labels) {
  if (!in.Take('{')) return false;
  if (in.Take('}')) return true;
  do {
    auto& [name, value] = labels.emplace_back();
    if (!in.String(name) || !in.Take(':') || !in.String(value)) return false;
  } while (in.Take(','));
  return in.Take('}');
}

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

Result<JsonSeries> ParseJsonSeries(std::string_view line) {
  Scanner in(line);
  JsonSeries out;
  std::vector<double>& values = out.samples.values;
  std::vector<std::int64_t>& times = out.samples.times;
  std::vector<std::size_t> nulls;
  std::string key;
  const auto field = [&]() -> Status {
    if (!in.String(key) || !in.Take(':')) return Fail(Code::kBadData, "a key expected at column {}", in.column());
    bool good = false;
    if (key == "metric") {
      good = Metric(in, out.labels);
    } else if (key == "values") {
      good = Array(in, [&] {
        double& value = values.emplace_back();
        if (!in.TakeNull()) return in.Number(value);
        nulls.push_back(values.size() - 1);
        return true;
      });
    } else if (key == "timestamps") {
      good = Array(in, [&] { return in.Integer(times.emplace_back()); });
    } else {
      return Fail(Code::kBadData, "unknown key {}", Quote(key));
    }
    return good ? Ok() : Status(Fail(Code::kBadData, "{} is damaged at column {}", Quote(key), in.column()));
  };
  if (!in.Take('{')) return Fail(Code::kBadData, "a JSON object expected");
  do {
    VEDETTE_CHECK(field());
  } while (in.Take(','));
  if (!in.Take('}') || !in.AtEnd())
    return Fail(Code::kBadData, "the end of the object expected at column {}", in.column());
  if (values.size() != times.size()) {
    return Fail(Code::kBadData, "{} values with {} timestamps", values.size(), times.size());
  }
  if (nulls.empty()) return out;
  std::size_t kept = 0, null = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (null < nulls.size() && nulls[null] == i) {
      ++null;
      continue;
    }
    times[kept] = times[i];
    values[kept++] = values[i];
  }
  times.resize(kept);
  values.resize(kept);
  return out;
}

void AppendJsonSeries(std::string& out, const Labels& labels, const storage::Columns& samples) {
  out += "{\"metric\":{";
  const char* separator = "";
  for (const LabelView label : labels) {
    out += separator;
    separator = ",";
    AppendJsonString(out, label.name);
    out.push_back(':');
    AppendJsonString(out, label.value);
  }
  out += "},\"values\":[";
  separator = "";
  for (const double value : samples.values) {
    out += separator;
    separator = ",";
    if (std::isfinite(value)) {
      AppendSampleValue(out, value);
    } else {
      out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    }
  }
  out += "],\"timestamps\":[";
  separator = "";
  for (const std::int64_t time : samples.times) {
    out += separator;
    separator = ",";
    out += std::to_string(time);
  }
  out += "]}\n";
}

}  // namespace vedette::collector
