#include "dashboards/api/json_writer.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::dashboards {

namespace {

void AppendEscaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
  }
}

bool IsPlain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    std::size_t plain = i;
    while (plain < text.size() && IsPlain(static_cast<unsigned char>(text[plain]))) ++plain;
    out.append(text, i, plain - i);
    i = plain;
    if (i == text.size()) break;
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      AppendEscaped(out, static_cast<unsigned char>(text[i++]));
      continue;
    }
    const DecodedRune rune = DecodeUtf8(text.substr(i));
    AppendUtf8(out, rune.rune);
    i += rune.size;
  }
  out += '"';
}

}  // namespace

JsonWriter& JsonWriter::Begin(char open, char close) {
  BeforeValue();
  out_ += open;
  closing_ += close;
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::End() {
  out_ += closing_.back();
  closing_.pop_back();
  need_comma_ = true;
  return *this;
}

void JsonWriter::BeforeValue() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  BeforeValue();
  AppendQuoted(out_, name);
  out_ += ':';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  BeforeValue();
  AppendQuoted(out_, text);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) {
  BeforeValue();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::Uint(std::uint64_t value) {
  BeforeValue();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  BeforeValue();
  AppendSampleValue(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  BeforeValue();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::LabelSet(const Labels& labels) {
  BeginObject();
  for (const LabelView label : labels) Key(label.name).String(label.value);
  return End();
}

JsonWriter& JsonWriter::UnixSeconds(TimeMs time) {
  BeforeValue();
  AppendUnixSeconds(out_, time);
  return *this;
}

JsonWriter& JsonWriter::SampleValue(double value) {
  BeforeValue();
  out_ += '"';
  AppendSampleValue(out_, value);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::Rfc3339(std::optional<TimeMs> time) {
  return String(time ? FormatRfc3339(*time) : "0001-01-01T00:00:00Z");
}

JsonWriter& JsonWriter::Seconds(std::chrono::nanoseconds span) {
  return Double(std::chrono::duration<double>(span).count());
}

}  // namespace vedette::dashboards
