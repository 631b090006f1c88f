// The functions that Go's text/template brings itself.
#include <algorithm>

#include <fmt/format.h>

#include "alerting/template/functions.h"
#include "alerting/template/go_format.h"

namespace vedette::alerting::tmpl {
namespace {

Error Incompatible() { return Fail(Code::kBadData, "incompatible types for comparison"); }

/// Basic values compare only with their own kind, as in Go: 1 and 1.0 do not.
Result<bool> Equal(const Value& a, const Value& b) {
  if (a.IsNil() || b.IsNil()) return a.IsNil() && b.IsNil();
  if (a.IfText() && b.IfText()) return *a.IfText() == *b.IfText();
  if (a.If<double>() && b.If<double>()) return *a.If<double>() == *b.If<double>();
  if (a.If<std::int64_t>() && b.If<std::int64_t>()) return *a.If<std::int64_t>() == *b.If<std::int64_t>();
  if (a.If<bool>() && b.If<bool>()) return *a.If<bool>() == *b.If<bool>();
  if (a.If<TimeMs>() && b.If<TimeMs>()) return *a.If<TimeMs>() == *b.If<TimeMs>();
  if (a.If<Value::Nanos>() && b.If<Value::Nanos>()) return *a.If<Value::Nanos>() == *b.If<Value::Nanos>();
  return Incompatible();
}

Result<bool> Less(const Value& a, const Value& b) {
  if (a.IfText() && b.IfText()) return *a.IfText() < *b.IfText();
  if (a.If<double>() && b.If<double>()) return *a.If<double>() < *b.If<double>();
  if (a.If<std::int64_t>() && b.If<std::int64_t>()) return *a.If<std::int64_t>() < *b.If<std::int64_t>();
  if (a.If<Value::Nanos>() && b.If<Value::Nanos>()) return *a.If<Value::Nanos>() < *b.If<Value::Nanos>();
  return Incompatible();
}

/// Bounds of an index: Errors name it.
Result<std::size_t> IndexOf(const Value& index, std::size_t size) {
  const auto* whole = index.If<std::int64_t>();
  if (whole == nullptr) return Fail(Code::kBadData, "cannot index slice/array with type {}", index.TypeName());
  if (*whole < 0 || static_cast<std::uint64_t>(*whole) >= size) {
    return Fail(Code::kBadData, "index out of range: {}", *whole);
  }
  return static_cast<std::size_t>(*whole);
}

Result<Value> IndexOnce(const Value& value, const Value& key) {
  if (value.IsNil()) return Fail(Code::kBadData, "index of untyped nil");
  if (const List* list = value.IfList()) {
    VEDETTE_TRY(const std::size_t i, IndexOf(key, list->size()));
    return (*list)[i];
  }
  if (const auto* text = value.IfText()) {
    VEDETTE_TRY(const std::size_t i, IndexOf(key, text->size()));
    return Value(static_cast<std::int64_t>(static_cast<unsigned char>((*text)[i])));
  }
  const std::string* name = key.IfText();
  if (value.If<Labels>() || value.IfMap()) {
    if (name == nullptr) return Fail(Code::kBadData, "value has type {}; should be string", key.TypeName());
    if (const auto* labels = value.If<Labels>()) return Value(labels->Get(*name));
    const auto found = value.IfMap()->find(*name);
    return found == value.IfMap()->end() ? Value(std::string()) : found->second;
  }
  return Fail(Code::kBadData, "can't index item of type {}", value.TypeName());
}

}  // namespace

namespace fn {

Result<Value> Eq(Environment&, Args args) {
  if (args.size() < 2) return Fail(Code::kBadData, "missing argument for comparison");
  for (std::size_t i = 1; i < args.size(); ++i) {
    VEDETTE_TRY(const bool equal, Equal(args[0], args[i]));
    if (equal) return Value(true);
  }
  return Value(false);
}

Result<Value> Ne(Environment&, Args args) {
  VEDETTE_TRY(const bool equal, Equal(args[0], args[1]));
  return Value(!equal);
}

Result<Value> Lt(Environment&, Args args) {
  VEDETTE_TRY(const bool less, Less(args[0], args[1]));
  return Value(less);
}

Result<Value> Le(Environment&, Args args) {
  VEDETTE_TRY(const bool less, Less(args[0], args[1]));
  if (less) return Value(true);
  VEDETTE_TRY(const bool equal, Equal(args[0], args[1]));
  return Value(equal);
}

Result<Value> Gt(Environment&, Args args) {
  VEDETTE_TRY(const bool less, Less(args[0], args[1]));
  if (less) return Value(false);
  VEDETTE_TRY(const bool equal, Equal(args[0], args[1]));
  return Value(!equal);
}

Result<Value> Ge(Environment&, Args args) {
  VEDETTE_TRY(const bool less, Less(args[0], args[1]));
  return Value(!less);
}

Result<Value> Not(Environment&, Args args) { return Value(!args[0].Truth()); }

Result<Value> Len(Environment&, Args args) {
  const std::optional<std::size_t> length = args[0].Length();
  if (!length) return Fail(Code::kBadData, "len of type {}", args[0].TypeName());
  return Value(static_cast<std::int64_t>(*length));
}

Result<Value> Index(Environment&, Args args) {
  Value value = args[0];
  for (const Value& key : args.subspan(1)) {
    VEDETTE_TRY(value, IndexOnce(value, key));
  }
  return value;
}

Result<Value> Slice(Environment&, Args args) {
  const std::optional<std::size_t> length = args[0].IfText() || args[0].IfList() ? args[0].Length() : std::nullopt;
  if (!length) return Fail(Code::kBadData, "can't slice item of type {}", args[0].TypeName());
  std::size_t bounds[2] = {0, *length};
  for (std::size_t i = 1; i < std::min<std::size_t>(args.size(), 3); ++i) {
    VEDETTE_TRY(bounds[i - 1], IndexOf(args[i], *length + 1));
  }
  if (bounds[0] > bounds[1]) return Fail(Code::kBadData, "invalid slice index: {} > {}", bounds[0], bounds[1]);
  if (const auto* text = args[0].IfText()) return Value(text->substr(bounds[0], bounds[1] - bounds[0]));
  const List& list = *args[0].IfList();
  return Value(List(list.begin() + static_cast<std::ptrdiff_t>(bounds[0]),
                    list.begin() + static_cast<std::ptrdiff_t>(bounds[1])));
}

Result<Value> Print(Environment&, Args args) {
  std::string out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i > 0 && !args[i].IfText() && !args[i - 1].IfText()) out += ' ';
    AppendPrinted(out, args[i]);
  }
  return Value(std::move(out));
}

Result<Value> Println(Environment&, Args args) {
  std::string out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i > 0) out += ' ';
    AppendPrinted(out, args[i]);
  }
  out += '\n';
  return Value(std::move(out));
}

Result<Value> Printf(Environment&, Args args) {
  VEDETTE_TRY(const std::string_view format, ToText(args[0]));
  return Value(Sprintf(format, args.subspan(1)));
}

Result<Value> Html(Environment& environment, Args args) {
  VEDETTE_TRY(const Value text, Print(environment, args));
  std::string out;
  for (const char c : *text.IfText()) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return Value(std::move(out));
}

Result<Value> UrlQuery(Environment& environment, Args args) {
  VEDETTE_TRY(const Value text, Print(environment, args));
  return Value(QueryEscape(*text.IfText()));
}

}  // namespace fn
}  // namespace vedette::alerting::tmpl
