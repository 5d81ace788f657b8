#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/files.h"

namespace quintet {

/// The bytes of a GGUF file put together by hand, right or wrong.
class GgufBytes {
 public:
  explicit GgufBytes(std::uint32_t version = 3) : version_(version) {}

  template <typename T>
  static std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  std::string count(std::uint64_t n) const {
    return version_ == 1 ? raw(static_cast<std::uint32_t>(n)) : raw(n);
  }
  std::string text(std::string_view s) const { return count(s.size()) + std::string(s); }

  GgufBytes& entry(std::string_view key, std::uint32_t type, const std::string& value) {
    metadata_ += text(key) + raw(type) + value;
    ++n_entries;
    return *this;
  }
  GgufBytes& u32(std::string_view key, std::uint32_t value) { return entry(key, 4, raw(value)); }
  GgufBytes& u16(std::string_view key, std::uint16_t value) { return entry(key, 2, raw(value)); }

  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                    std::uint64_t offset) {
    infos_ += text(name) + raw(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) infos_ += count(dim);
    infos_ += raw(type) + raw(offset);
    ++n_tensors;
    return *this;
  }

  /// With `n_data` bytes of tensors after the padding.
  std::string build(std::size_t n_data = 0, std::size_t alignment = 32) const {
    std::string bytes = "GGUF" + raw(version_) + count(n_tensors) + count(n_entries) + metadata_ + infos_;
    if (n_data > 0) bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    for (std::size_t i = 0; i < n_data; ++i) bytes += static_cast<char>(i);
    return bytes;
  }

  std::uint64_t n_tensors = 0;
  std::uint64_t n_entries = 0;

 private:
  std::uint32_t version_;
  std::string metadata_;
  std::string infos_;
};

}  // namespace quintet
