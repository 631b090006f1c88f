#include "storage/rocks/state_record.h"

#include "storage/coding.h"

namespace vedette::storage {
namespace {

enum class Kind : std::uint8_t { kDelete = 0, kPut = 1 };  // stored: never reused

void PutText(std::string& out, std::string_view text) {
  PutVarint(out, text.size());
  out.append(text);
}

std::optional<std::string_view> Text(ByteReader& reader) {
  const auto size = reader.Varint();
  return size ? reader.Bytes(*size) : std::nullopt;
}

}  // namespace

std::string EncodeStateChanges(const std::vector<StateBatch::Change>& changes) {
  std::string out;
  for (const StateBatch::Change& change : changes) {
    out.push_back(static_cast<char>(change.value ? Kind::kPut : Kind::kDelete));
    PutText(out, change.table);
    PutText(out, change.key);
    if (change.value) PutText(out, *change.value);
  }
  return out;
}

Result<std::vector<StateBatch::Change>> DecodeStateChanges(std::string_view bytes) {
  std::vector<StateBatch::Change> out;
  ByteReader reader(bytes);
  while (!reader.empty()) {
    const std::uint8_t kind = *reader.Byte();
    const auto table = Text(reader);
    const auto key = table ? Text(reader) : std::nullopt;
    const auto value = key && kind == static_cast<std::uint8_t>(Kind::kPut) ? Text(reader) : std::nullopt;
    if (!key || kind > static_cast<std::uint8_t>(Kind::kPut) ||
        (kind == static_cast<std::uint8_t>(Kind::kPut) && !value)) {
      return Fail(Code::kCorruption, "kept batch of the state: change {} of {} bytes is not readable", out.size(),
                  bytes.size());
    }
    out.push_back({std::string(*table), std::string(*key), value ? std::optional<std::string>(*value) : std::nullopt});
  }
  return out;
}

}  // namespace vedette::storage
