#include "formats/synthesize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numbers>

#include "core/error.h"
#include "core/text.h"
#include "formats/gguf_writer.h"
#include "formats/quantize_mixture.h"
#include "tensor/quantize.h"

namespace quintet {

namespace {

constexpr float kDeviation = 0.02f;

// Geometry as published in each model's configuration.
constexpr ModelShape kShapes[] = {
    {.name = "smollm2-135m",
     .architecture = "llama",
     .n_layers = 30,
     .hidden_dim = 576,
     .n_heads = 9,
     .n_kv_heads = 3,
     .head_dim = 64,
     .ffn_dim = 1536,
     .vocab_size = 49'152,
     .max_seq_len = 8192,
     .rope_theta = 100'000},
    {.name = "smollm2-360m",
     .architecture = "llama",
     .n_layers = 32,
     .hidden_dim = 960,
     .n_heads = 15,
     .n_kv_heads = 5,
     .head_dim = 64,
     .ffn_dim = 2560,
     .vocab_size = 49'152,
     .max_seq_len = 8192,
     .rope_theta = 100'000},
    {.name = "smollm2-1.7b",
     .architecture = "llama",
     .n_layers = 24,
     .hidden_dim = 2048,
     .n_heads = 32,
     .n_kv_heads = 32,
     .head_dim = 64,
     .ffn_dim = 8192,
     .vocab_size = 49'152,
     .max_seq_len = 8192,
     .rope_theta = 130'000},
    {.name = "tinyllama-1.1b",
     .architecture = "llama",
     .n_layers = 22,
     .hidden_dim = 2048,
     .n_heads = 32,
     .n_kv_heads = 4,
     .head_dim = 64,
     .ffn_dim = 5632,
     .vocab_size = 32'000,
     .max_seq_len = 2048,
     .has_tied_embeddings = false},
    {.name = "llama3.2-1b",
     .architecture = "llama",
     .n_layers = 16,
     .hidden_dim = 2048,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 64,
     .ffn_dim = 8192,
     .vocab_size = 128'256,
     .max_seq_len = 131'072,
     .rope_theta = 500'000,
     .rope_factor = 32},
    {.name = "llama3.2-3b",
     .architecture = "llama",
     .n_layers = 28,
     .hidden_dim = 3072,
     .n_heads = 24,
     .n_kv_heads = 8,
     .head_dim = 128,
     .ffn_dim = 8192,
     .vocab_size = 128'256,
     .max_seq_len = 131'072,
     .rope_theta = 500'000,
     .rope_factor = 32},
    {.name = "llama3.1-8b",
     .architecture = "llama",
     .n_layers = 32,
     .hidden_dim = 4096,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 128,
     .ffn_dim = 14'336,
     .vocab_size = 128'256,
     .max_seq_len = 131'072,
     .rope_theta = 500'000,
     .has_tied_embeddings = false,
     .rope_factor = 8},
    {.name = "qwen2.5-0.5b",
     .architecture = "qwen2",
     .n_layers = 24,
     .hidden_dim = 896,
     .n_heads = 14,
     .n_kv_heads = 2,
     .head_dim = 64,
     .ffn_dim = 4864,
     .vocab_size = 151'936,
     .max_seq_len = 32'768,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f},
    {.name = "qwen2.5-1.5b",
     .architecture = "qwen2",
     .n_layers = 28,
     .hidden_dim = 1536,
     .n_heads = 12,
     .n_kv_heads = 2,
     .head_dim = 128,
     .ffn_dim = 8960,
     .vocab_size = 151'936,
     .max_seq_len = 32'768,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f},
    {.name = "qwen2.5-7b",
     .architecture = "qwen2",
     .n_layers = 28,
     .hidden_dim = 3584,
     .n_heads = 28,
     .n_kv_heads = 4,
     .head_dim = 128,
     .ffn_dim = 18'944,
     .vocab_size = 152'064,
     .max_seq_len = 32'768,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f,
     .has_tied_embeddings = false},
    {.name = "qwen3-0.6b",
     .architecture = "qwen3",
     .n_layers = 28,
     .hidden_dim = 1024,
     .n_heads = 16,
     .n_kv_heads = 8,
     .head_dim = 128,
     .ffn_dim = 3072,
     .vocab_size = 151'936,
     .max_seq_len = 40'960,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f},
    {.name = "qwen3-1.7b",
     .architecture = "qwen3",
     .n_layers = 28,
     .hidden_dim = 2048,
     .n_heads = 16,
     .n_kv_heads = 8,
     .head_dim = 128,
     .ffn_dim = 6144,
     .vocab_size = 151'936,
     .max_seq_len = 40'960,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f},
    {.name = "qwen3-4b",
     .architecture = "qwen3",
     .n_layers = 36,
     .hidden_dim = 2560,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 128,
     .ffn_dim = 9728,
     .vocab_size = 151'936,
     .max_seq_len = 40'960,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f},
    {.name = "gemma3-270m",
     .architecture = "gemma3",
     .n_layers = 18,
     .hidden_dim = 640,
     .n_heads = 4,
     .n_kv_heads = 1,
     .head_dim = 256,
     .ffn_dim = 2048,
     .vocab_size = 262'144,
     .max_seq_len = 32'768,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f,
     .window = 512},
    {.name = "gemma3-1b",
     .architecture = "gemma3",
     .n_layers = 26,
     .hidden_dim = 1152,
     .n_heads = 4,
     .n_kv_heads = 1,
     .head_dim = 256,
     .ffn_dim = 6912,
     .vocab_size = 262'144,
     .max_seq_len = 32'768,
     .rope_theta = 1'000'000,
     .norm_eps = 1e-6f,
     .window = 512},
    {.name = "minilm-l6",
     .architecture = "bert",
     .n_layers = 6,
     .hidden_dim = 384,
     .n_heads = 12,
     .n_kv_heads = 12,
     .head_dim = 32,
     .ffn_dim = 1536,
     .vocab_size = 30'522,
     .max_seq_len = 512,
     .norm_eps = 1e-12f},
};

/// SplitMix64 (Steele, Lea and Flood 2014): a good random number from each counter.
std::uint64_t mixed(std::uint64_t z) noexcept {
  z += 0x9E37'79B9'7F4A'7C15u;
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9u;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBu;
  return z ^ (z >> 31);
}

/// A number from the normal distribution with deviation 1 (Box and Muller 1958).
float normal(std::uint64_t counter) noexcept {
  const double u = (static_cast<double>(mixed(2 * counter) >> 11) + 0.5) * 0x1p-53;
  const double v = static_cast<double>(mixed(2 * counter + 1) >> 11) * 0x1p-53;
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
}

/// Pieces of random weights in one type. Rows are put together from them at random.
class BlockPool {
 public:
  /// `n_wanted`: pieces in the largest tensor of the type; more than that are of no use.
  BlockPool(DType type, std::size_t n_wanted, std::uint64_t seed)
      : piece_weights_(dtype_info(type).is_quantized ? dtype_info(type).block_size : 32),
        piece_bytes_(row_bytes(type, piece_weights_)),
        n_pieces_(std::min<std::size_t>(n_wanted, std::size_t{1} << 14)),
        bytes_(n_pieces_ * piece_bytes_) {
    std::vector<float> x(piece_weights_);
    for (std::size_t p = 0; p < n_pieces_; ++p) {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = kDeviation * normal(seed + p * x.size() + i);
      quantize_row(type, x, bytes_.data() + p * piece_bytes_);
    }
  }

  /// `out` must be whole pieces.
  void fill(std::span<std::byte> out, std::uint64_t seed) const {
    for (std::size_t at = 0; at < out.size(); at += piece_bytes_) {
      const std::size_t piece = mixed(seed + at) % n_pieces_;
      std::memcpy(out.data() + at, bytes_.data() + piece * piece_bytes_, piece_bytes_);
    }
  }
  std::size_t piece_bytes() const noexcept { return piece_bytes_; }

 private:
  std::size_t piece_weights_;
  std::size_t piece_bytes_;
  std::size_t n_pieces_;
  std::vector<std::byte> bytes_;
};

/// Divisors of the rotation frequencies by Llama 3's rule: none for waves shorter than a quarter of the 8,192
/// positions of the first training, `factor` for those longer than all of them, a blend between.
std::vector<float> rope_divisors(const ModelShape& shape) {
  constexpr double kFirstLen = 8192;
  constexpr double kLow = 1;
  constexpr double kHigh = 4;
  std::vector<float> divisors(shape.head_dim / 2);
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(shape.head_dim);
    const double wave = 2 * std::numbers::pi * std::pow(static_cast<double>(shape.rope_theta), exponent);
    double divisor = 1;
    if (wave > kFirstLen / kLow) {
      divisor = static_cast<double>(shape.rope_factor);
    } else if (wave > kFirstLen / kHigh) {
      const double blend = (kFirstLen / wave - kLow) / (kHigh - kLow);
      divisor = 1 / ((1 - blend) / static_cast<double>(shape.rope_factor) + blend);
    }
    divisors[i] = static_cast<float>(divisor);
  }
  return divisors;
}

/// Writes one file: collects what tensors there are, then fills them.
class Synthesizer {
 public:
  Synthesizer(const ModelShape& shape, const SynthesizeOptions& options, const QuantizationMixture& mixture,
              const std::filesystem::path& path)
      : shape_(shape), options_(options), mixture_(mixture), writer_(path) {}

  Synthesized run(const std::stop_token& stop) {
    write_general();
    if (shape_.architecture == "bert") {
      write_wordpiece();
      list_bert();
    } else {
      write_bpe();
      list_decoder();
    }
    for (std::size_t i = 0; i < planned_.size(); ++i)
      fill(planned_[i], mixed(options_.seed) + (i << 40), stop);
    writer_.finish();
    return result_;
  }

 private:
  enum class Content : std::uint8_t { random, ones, zeros, rope_divisors };
  struct Planned {
    std::string name;
    Shape shape;
    DType type;
    Content content;
  };

  std::string key(std::string_view name) const { return cat(shape_.architecture, ".", name); }
  static std::uint32_t u32(std::size_t n) noexcept { return static_cast<std::uint32_t>(n); }

  void write_general() {
    writer_.text("general.architecture", shape_.architecture);
    writer_.text("general.type", "model");
    writer_.text("general.name", cat(shape_.name, " with random weights"));
    writer_.u32("general.file_type", mixture_.file_type);
    writer_.u32("general.quantization_version", 2);
    writer_.u32(key("block_count"), u32(shape_.n_layers));
    writer_.u32(key("context_length"), u32(shape_.max_seq_len));
    writer_.u32(key("embedding_length"), u32(shape_.hidden_dim));
    writer_.u32(key("feed_forward_length"), u32(shape_.ffn_dim));
    writer_.u32(key("attention.head_count"), u32(shape_.n_heads));
    writer_.u32(key("vocab_size"), u32(shape_.vocab_size));
    if (shape_.architecture == "bert") {
      writer_.f32(key("attention.layer_norm_epsilon"), shape_.norm_eps);
      writer_.boolean(key("attention.causal"), false);
      writer_.u32(key("pooling_type"), 1);  // mean
      return;
    }
    writer_.u32(key("attention.head_count_kv"), u32(shape_.n_kv_heads));
    writer_.f32(key("attention.layer_norm_rms_epsilon"), shape_.norm_eps);
    writer_.f32(key("rope.freq_base"), shape_.rope_theta);
    writer_.u32(key("attention.key_length"), u32(shape_.head_dim));
    writer_.u32(key("attention.value_length"), u32(shape_.head_dim));
    if (shape_.architecture == "llama") writer_.u32(key("rope.dimension_count"), u32(shape_.head_dim));
    if (shape_.window != 0) writer_.u32(key("attention.sliding_window"), u32(shape_.window));
  }

  void write_bpe() {
    const SyntheticBpe bpe = synthetic_bpe(shape_.vocab_size);
    writer_.text("tokenizer.ggml.model", "gpt2");
    writer_.text("tokenizer.ggml.pre", shape_.architecture.starts_with("qwen") ? "qwen2"
                                       : shape_.vocab_size == 128'256          ? "llama-bpe"
                                                                               : "gpt-2");
    writer_.texts("tokenizer.ggml.tokens", bpe.tokens);
    writer_.i32s("tokenizer.ggml.token_type", bpe.types);
    writer_.texts("tokenizer.ggml.merges", bpe.merges);
    writer_.u32("tokenizer.ggml.bos_token_id", bpe.end_of_text);
    writer_.u32("tokenizer.ggml.eos_token_id", bpe.end_of_turn);
    writer_.u32("tokenizer.ggml.padding_token_id", bpe.end_of_text);
    writer_.boolean("tokenizer.ggml.add_bos_token", false);
    writer_.text(
        "tokenizer.chat_template",
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  }

  /// Words of letters, with U+2581 before those that start a word, as GGUF files of BERT have them.
  void write_wordpiece() {
    std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    std::vector<std::int32_t> types(tokens.size(), 3);
    std::vector<std::string> words;
    for (char c = '!'; c <= '~'; ++c)
      if (c < 'A' || c > 'Z') words.emplace_back(1, c);
    const std::size_t n_single = words.size();
    for (std::size_t i = 0; tokens.size() + 2 * words.size() < shape_.vocab_size + 2; ++i)
      for (std::size_t j = 0; j < n_single; ++j)
        if (words[j][0] >= 'a' && words[j][0] <= 'z') words.push_back(words[i] + words[j]);
    for (const std::string& word : words) {
      if (tokens.size() < shape_.vocab_size) tokens.push_back(cat("▁", word));
      if (tokens.size() < shape_.vocab_size) tokens.push_back(word);
    }
    types.resize(tokens.size(), 1);
    writer_.text("tokenizer.ggml.model", "bert");
    writer_.text("tokenizer.ggml.pre", "jina-v2-en");
    writer_.texts("tokenizer.ggml.tokens", tokens);
    writer_.i32s("tokenizer.ggml.token_type", types);
    writer_.u32("tokenizer.ggml.token_type_count", 2);
    writer_.u32("tokenizer.ggml.unknown_token_id", 1);
    writer_.u32("tokenizer.ggml.bos_token_id", 2);
    writer_.u32("tokenizer.ggml.eos_token_id", 3);
    writer_.u32("tokenizer.ggml.seperator_token_id", 3);  // so spelled in the format
    writer_.u32("tokenizer.ggml.padding_token_id", 0);
    writer_.u32("tokenizer.ggml.cls_token_id", 2);
    writer_.u32("tokenizer.ggml.mask_token_id", 4);
  }

  void plan(const std::string& name, const Shape& shape, Content content) {
    DType type = DType::f32;
    if (content == Content::random && is_quantized_by_mixture(name, shape)) {
      const MixtureModel model{.n_layers = shape_.n_layers,
                               .queries_per_kv = shape_.n_heads / shape_.n_kv_heads,
                               .has_tied_embeddings = shape_.has_tied_embeddings};
      type = mixture_type(mixture_, name, shape, model, options_.is_pure);
    }
    writer_.add_tensor(name, type, shape);
    planned_.push_back({name, shape, type, content});
    result_.n_parameters += shape.n_elements();
    result_.n_bytes += shape.n_rows() * row_bytes(type, shape.back());
  }

  void list_decoder() {
    const std::size_t d = shape_.hidden_dim;
    const std::size_t q_dim = shape_.n_heads * shape_.head_dim;
    const std::size_t kv_dim = shape_.n_kv_heads * shape_.head_dim;
    const bool is_qwen2 = shape_.architecture == "qwen2";
    const bool is_gemma3 = shape_.architecture == "gemma3";
    plan("token_embd.weight", Shape{shape_.vocab_size, d}, Content::random);
    plan("output_norm.weight", Shape{d}, Content::ones);
    if (!shape_.has_tied_embeddings) plan("output.weight", Shape{shape_.vocab_size, d}, Content::random);
    if (shape_.rope_factor != 1)
      plan("rope_freqs.weight", Shape{shape_.head_dim / 2}, Content::rope_divisors);
    for (std::size_t layer = 0; layer < shape_.n_layers; ++layer) {
      const auto name = [&](std::string_view part) { return cat("blk.", layer, ".", part); };
      plan(name("attn_norm.weight"), Shape{d}, Content::ones);
      plan(name("attn_q.weight"), Shape{q_dim, d}, Content::random);
      plan(name("attn_k.weight"), Shape{kv_dim, d}, Content::random);
      plan(name("attn_v.weight"), Shape{kv_dim, d}, Content::random);
      if (is_qwen2) {
        plan(name("attn_q.bias"), Shape{q_dim}, Content::random);
        plan(name("attn_k.bias"), Shape{kv_dim}, Content::random);
        plan(name("attn_v.bias"), Shape{kv_dim}, Content::random);
      }
      if (is_gemma3 || shape_.architecture == "qwen3") {
        plan(name("attn_q_norm.weight"), Shape{shape_.head_dim}, Content::ones);
        plan(name("attn_k_norm.weight"), Shape{shape_.head_dim}, Content::ones);
      }
      plan(name("attn_output.weight"), Shape{d, q_dim}, Content::random);
      if (is_gemma3) plan(name("post_attention_norm.weight"), Shape{d}, Content::ones);
      plan(name("ffn_norm.weight"), Shape{d}, Content::ones);
      plan(name("ffn_gate.weight"), Shape{shape_.ffn_dim, d}, Content::random);
      plan(name("ffn_up.weight"), Shape{shape_.ffn_dim, d}, Content::random);
      plan(name("ffn_down.weight"), Shape{d, shape_.ffn_dim}, Content::random);
      if (is_gemma3) plan(name("post_ffw_norm.weight"), Shape{d}, Content::ones);
    }
  }

  void list_bert() {
    const std::size_t d = shape_.hidden_dim;
    plan("token_embd.weight", Shape{shape_.vocab_size, d}, Content::random);
    plan("position_embd.weight", Shape{shape_.max_seq_len, d}, Content::random);
    plan("token_types.weight", Shape{2, d}, Content::random);
    plan("token_embd_norm.weight", Shape{d}, Content::ones);
    plan("token_embd_norm.bias", Shape{d}, Content::zeros);
    for (std::size_t layer = 0; layer < shape_.n_layers; ++layer) {
      const auto linear = [&](std::string_view part, std::size_t out, std::size_t in) {
        plan(cat("blk.", layer, ".", part, ".weight"), Shape{out, in}, Content::random);
        plan(cat("blk.", layer, ".", part, ".bias"), Shape{out}, Content::random);
      };
      const auto norm = [&](std::string_view part) {
        plan(cat("blk.", layer, ".", part, ".weight"), Shape{d}, Content::ones);
        plan(cat("blk.", layer, ".", part, ".bias"), Shape{d}, Content::zeros);
      };
      linear("attn_q", d, d);
      linear("attn_k", d, d);
      linear("attn_v", d, d);
      linear("attn_output", d, d);
      norm("attn_output_norm");
      linear("ffn_up", shape_.ffn_dim, d);
      linear("ffn_down", d, shape_.ffn_dim);
      norm("layer_output_norm");
    }
  }

  const BlockPool& pool_of(DType type) {
    if (const auto found = pools_.find(type); found != pools_.end()) return found->second;
    std::size_t most = 1;
    for (const Planned& tensor : planned_)
      if (tensor.type == type) most = std::max(most, tensor.shape.n_elements());
    const std::size_t block = std::max<std::size_t>(32, dtype_info(type).block_size);
    return pools_.try_emplace(type, type, (most + block - 1) / block, mixed(options_.seed)).first->second;
  }

  void fill(const Planned& tensor, std::uint64_t seed, const std::stop_token& stop) {
    if (tensor.content != Content::random) {
      std::vector<float> values(tensor.shape.n_elements(), tensor.content == Content::ones ? 1.0f : 0.0f);
      if (tensor.content == Content::rope_divisors) values = rope_divisors(shape_);
      writer_.write_tensor(tensor.name, std::as_bytes(std::span(values)));
      return;
    }
    const BlockPool& pool = pool_of(tensor.type);
    constexpr std::size_t kChunk = std::size_t{8} << 20;
    std::size_t left = tensor.shape.n_rows() * row_bytes(tensor.type, tensor.shape.back());
    std::vector<std::byte> chunk;
    while (left > 0) {
      if (stop.stop_requested()) throw Cancelled("writing the synthetic model was stopped");
      const std::size_t n = std::min(left, kChunk / pool.piece_bytes() * pool.piece_bytes());
      const std::size_t n_pieces = (n + pool.piece_bytes() - 1) / pool.piece_bytes();
      chunk.resize(n_pieces * pool.piece_bytes());
      pool.fill(chunk, mixed(seed + left));
      writer_.write_tensor(tensor.name, std::span(chunk).first(n));
      left -= n;
    }
  }

  const ModelShape& shape_;
  const SynthesizeOptions& options_;
  const QuantizationMixture& mixture_;
  GgufWriter writer_;
  std::vector<Planned> planned_;
  std::map<DType, BlockPool> pools_;
  Synthesized result_;
};

}  // namespace

std::span<const ModelShape> model_shapes() noexcept {
  return kShapes;
}

const ModelShape* find_model_shape(std::string_view name) noexcept {
  for (const ModelShape& shape : kShapes)
    if (iequals_ascii(shape.name, name)) return &shape;
  return nullptr;
}

Synthesized synthesize_model(const ModelShape& shape, const SynthesizeOptions& options,
                             const std::filesystem::path& path, const std::stop_token& stop) {
  const QuantizationMixture* mixture = find_mixture(options.type);
  if (mixture == nullptr)
    throw InvalidArgument(cat("there is no type ", options.type, "; there are ", mixture_names()));
  return Synthesizer(shape, options, *mixture, path).run(stop);
}

}  // namespace quintet
