#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf_writer.h"

namespace quintet::parity {

/// A small GGUF file in the making: settings as they come, then tensors of random numbers. The numbers depend
/// on the file's seed and the tensor's name alone, and are the same on every machine.
class RandomModel {
 public:
  RandomModel(const std::filesystem::path& path, std::string architecture, std::uint64_t seed);

  void count(std::string_view key, std::uint32_t value) { writer_.u32(full(key), value); }
  void number(std::string_view key, float value) { writer_.f32(full(key), value); }
  void flag(std::string_view key, bool value) { writer_.boolean(full(key), value); }
  void text(std::string_view key, std::string_view value) { writer_.text(full(key), value); }
  void general_count(std::string_view key, std::uint32_t value) { writer_.u32(key, value); }

  /// A matrix, or a stack of them, whose products have about `gain` times the size of what they are applied
  /// to.
  void matrix(const std::string& name, const Shape& shape, float gain = 1.0f);
  /// Numbers about `middle`, up to `spread` away.
  void vector(const std::string& name, std::size_t n, float middle, float spread);
  void finish();

 private:
  struct Pending {
    std::string name;
    Shape shape;
    float middle, spread;
  };
  std::string full(std::string_view key) const { return architecture_ + "." + std::string(key); }

  GgufWriter writer_;
  std::string architecture_;
  std::uint64_t seed_;
  std::vector<Pending> tensors_;
};

/// One comparison: a random model and what goes through it.
struct ParityCase {
  std::string name;  // of the fixture
  std::string architecture;
  std::function<void(RandomModel&)> fill;
  bool is_encoder = false;
  bool has_erf_gelu = false;      // where llama.cpp, as it is, has the tanh form
  std::uint32_t max_seq_len = 0;  // asked for when loading
};

std::span<const ParityCase> parity_cases();
void write_model(const ParityCase& parity, const std::filesystem::path& path);

inline constexpr std::size_t kVocabSize = 64;
/// The ids that go through every model.
std::vector<std::uint32_t> parity_tokens();

}  // namespace quintet::parity
