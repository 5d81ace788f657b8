#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/ids.h"
#include "formats/gguf_writer.h"

namespace quintet {

inline constexpr std::uint64_t kSmallModelParameters = 64 * 8 + 8;

/// The bytes of a GGUF file that opens, though no family would load it.
inline std::string small_gguf() {
  static const std::string bytes = [] {
    const auto path = std::filesystem::temp_directory_path() / new_id("small");
    GgufWriter writer(path);
    writer.text("general.architecture", "llama");
    writer.u32("general.file_type", 0);
    writer.add_tensor("token_embd.weight", DType::f32, Shape{64, 8});
    writer.add_tensor("output_norm.weight", DType::f32, Shape{8});
    const std::vector<float> values(64 * 8, 0.5f);
    writer.write_tensor("token_embd.weight", std::as_bytes(std::span(values)));
    writer.write_tensor("output_norm.weight", std::as_bytes(std::span(values).first(8)));
    writer.finish();
    std::string content = read_file(path);
    std::filesystem::remove(path);
    return content;
  }();
  return bytes;
}

/// The bytes of a safetensors file with one F16 tensor of 2 x 3.
inline std::string small_safetensors() {
  const std::string header = R"({"model.norm.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}})";
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + std::string(12, '\0');
}

}  // namespace quintet
