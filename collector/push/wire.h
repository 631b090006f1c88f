// A cursor over protobuf's wire format: just what the push receivers need, over bytes that nobody trusts.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vedette::collector {

/// Reads fields one after another. Every read is bounded; after the first malformed byte ok() is false for good.
class WireReader {
 public:
  enum class Type : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  explicit WireReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  /// The next field's number and type; false at the end and for malformed input.
  bool Next() {
    if (at_ == end_ || !ok_) return false;
    tag_at_ = at_;
    const std::uint64_t tag = ReadVarint();
    field_ = static_cast<std::uint32_t>(tag >> 3);
    const auto type = static_cast<std::uint8_t>(tag & 7);
    type_ = static_cast<Type>(type);
    ok_ = ok_ && field_ != 0 && tag >> 32 == 0 && (type <= 2 || type == 5);
    return ok_;
  }
  std::uint32_t field() const { return field_; }
  Type type() const { return type_; }
  bool Is(std::uint32_t field, Type type) const { return field_ == field && type_ == type; }
  bool ok() const { return ok_; }

  /// Where the tag of the current field and the next unread byte stand.
  const char* tag_at() const { return tag_at_; }
  const char* at() const { return at_; }

  std::string_view Bytes() {
    const std::uint64_t size = ReadVarint();
    if (!ok_ || size > static_cast<std::uint64_t>(end_ - at_)) return ok_ = false, std::string_view();
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  std::int64_t Varint() { return static_cast<std::int64_t>(ReadVarint()); }
  double Double() {
    double value = 0;
    if (end_ - at_ < 8) return ok_ = false, value;
    std::memcpy(&value, at_, 8);  // little endian, as every machine this runs on
    at_ += 8;
    return value;
  }
  std::uint64_t Fixed64() {
    std::uint64_t value = 0;
    if (end_ - at_ < 8) return ok_ = false, value;
    std::memcpy(&value, at_, 8);
    at_ += 8;
    return value;
  }
  /// Of sint32 and sint64.
  std::int64_t ZigZag() {
    const std::uint64_t value = ReadVarint();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }

  /// The current field as one item of a repeated one, or all of them in one piece (packed): calls `take` for each. The
  /// cursor it is given reads the item with Varint(), ZigZag(), Double() or Fixed64(). `item`: the type of one item.
  /// False when the field is neither; nothing was read then.
  template <class Take>
  bool Repeated(Type item, const Take& take) {
    if (type_ == item) {
      take(*this);
      return true;
    }
    if (type_ != Type::kBytes) return false;
    for (WireReader items(Bytes()); items.at_ != items.end_ && ok_; ok_ = items.ok_) take(items);
    return true;
  }

  /// Skip() for fields that the message does not have: one in `known` (a bit for each number) is of another type than
  /// it should be, which makes the input malformed, as every other decoder sees it.
  void SkipUnknown(std::uint32_t known) {
    if (field_ < 32 && (known >> field_ & 1) != 0) {
      ok_ = false;
    } else {
      Skip();
    }
  }

  void Skip() {
    switch (type_) {
      case Type::kVarint:
        ReadVarint();
        break;
      case Type::kFixed64:
        Advance(8);
        break;
      case Type::kBytes:
        Bytes();
        break;
      case Type::kFixed32:
        Advance(4);
        break;
    }
  }

 private:
  void Advance(std::ptrdiff_t size) { ok_ = ok_ && end_ - at_ >= size ? (at_ += size, true) : false; }

  std::uint64_t ReadVarint() {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0) return static_cast<unsigned char>(*at_++);
    return ReadLongVarint();
  }

  std::uint64_t ReadLongVarint() {
    if (end_ - at_ >= 8) {
      // Up to eight bytes at once: times have six.
      std::uint64_t word = 0;
      std::memcpy(&word, at_, 8);
      const std::uint64_t last = ~word & 0x8080808080808080;
      if (last != 0) {
        at_ += std::countr_zero(last) / 8 + 1;
        word &= last ^ (last - 1);
        word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
        word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
        return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
      }
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; at_ != end_ && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  const char* at_;
  const char* end_;
  const char* tag_at_ = nullptr;
  std::uint32_t field_ = 0;
  Type type_ = Type::kVarint;
  bool ok_ = true;
};

}  // namespace vedette::collector
