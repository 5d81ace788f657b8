#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// The geometry of a real model; what synthesize_model fills with random weights.
struct ModelShape {
  std::string_view name;          // "llama3.2-1b"
  std::string_view architecture;  // as in GGUF: llama, qwen2, qwen3, gemma3, bert
  std::size_t n_layers = 0;
  std::size_t hidden_dim = 0;
  std::size_t n_heads = 0;
  std::size_t n_kv_heads = 0;
  std::size_t head_dim = 0;
  std::size_t ffn_dim = 0;
  std::size_t vocab_size = 0;
  std::size_t max_seq_len = 0;
  float rope_theta = 10'000;
  float norm_eps = 1e-5f;
  bool has_tied_embeddings = true;
  float rope_factor = 1;   // Llama-3's scaling from 8,192 positions on, as a tensor of divisors; 1: none
  std::size_t window = 0;  // of the sliding layers; 0: none
};

std::span<const ModelShape> model_shapes() noexcept;
/// Null when there is none of that name.
const ModelShape* find_model_shape(std::string_view name) noexcept;

struct SynthesizeOptions {
  std::string type = "q4_0";  // a mixture by name (quantize_mixture.h)
  bool is_pure = false;       // every matrix of the type itself
  std::uint64_t seed = 1;
};

struct Synthesized {
  std::size_t n_parameters = 0;
  std::size_t n_bytes = 0;
};

/// Writes a GGUF file with random weights (normal, deviation 0.02, so that a forward pass stays finite) and a
/// small valid tokenizer of the right size: what speed and memory can be measured with where no real weights
/// are at hand. The same options give the same bytes. Blocks are drawn from a pool that is quantized once,
/// which makes writing as fast as the disk. Throws InvalidArgument for an unknown type, Exhausted for a full
/// disk, Cancelled.
Synthesized synthesize_model(const ModelShape& shape, const SynthesizeOptions& options,
                             const std::filesystem::path& path, const std::stop_token& stop = {});

/// A byte-level BPE vocabulary of `size` tokens: 256 bytes, combinations of letters, special tokens last.
struct SyntheticBpe {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;  // 1 normal, 3 control
  std::vector<std::string> merges;  // "a b"
  std::uint32_t end_of_text = 0;
  std::uint32_t end_of_turn = 0;
};
/// Throws InvalidArgument for a size that is too small (under 260) or too large for it.
SyntheticBpe synthetic_bpe(std::size_t size);

}  // namespace quintet
