#pragma once

#include <cstdint>
#include <cstring>
#include <string>

/// A SentencePiece model file made by hand, field by field.
class ModelFile {
 public:
  static std::string varint(std::uint64_t value) {
    std::string out;
    do {
      const auto low = static_cast<unsigned char>(value & 0x7F);
      value >>= 7;
      out += static_cast<char>(value > 0 ? low | 0x80 : low);
    } while (value > 0);
    return out;
  }
  static std::string bytes_field(std::uint64_t number, const std::string& bytes) {
    return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
  }
  static std::string number_field(std::uint64_t number, std::uint64_t value) {
    return varint(number << 3) + varint(value);
  }
  static std::string float_field(std::uint64_t number, float value) {
    std::string out = varint(number << 3 | 5);
    char raw[4];
    std::memcpy(raw, &value, 4);
    return out.append(raw, 4);
  }
  ModelFile& piece(const std::string& text, float score, int type = 1) {
    bytes_ += bytes_field(
        1, bytes_field(1, text) + float_field(2, score) + number_field(3, static_cast<unsigned>(type)));
    return *this;
  }
  ModelFile& all_bytes() {
    constexpr char kHex[] = "0123456789ABCDEF";
    for (int b = 0; b < 256; ++b) piece(std::string("<0x") + kHex[b >> 4] + kHex[b & 15] + ">", 0, 6);
    byte_fallback_ = true;
    return *this;
  }
  /// `type`: 1 unigram, 2 BPE.
  std::string finish(int type, bool remove_extra_whitespaces = false) const {
    return bytes_ +
           bytes_field(
               2, number_field(3, static_cast<unsigned>(type)) + number_field(35, byte_fallback_ ? 1 : 0)) +
           bytes_field(3, number_field(3, 1) + number_field(4, remove_extra_whitespaces ? 1 : 0) +
                              number_field(5, 1));
  }

 private:
  std::string bytes_;
  bool byte_fallback_ = false;
};
