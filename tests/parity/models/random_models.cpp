#include "random_models.h"

#include <cmath>

namespace quintet::parity {

namespace {

std::uint64_t next(std::uint64_t& state) {  // splitmix64 (Steele, Lea, Flood 2014)
  std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// In [-1, 1), exact in binary.
float next_float(std::uint64_t& state) {
  return static_cast<float>(static_cast<std::int64_t>(next(state) >> 40) - (1 << 23)) /
         static_cast<float>(1 << 23);
}

std::uint64_t hash(std::string_view text) {  // FNV-1a
  std::uint64_t h = 0xCBF29CE484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return h;
}

// Geometry of most models here: no two extents are the same.
constexpr std::size_t kDim = 48, kFfnDim = 80, kHeads = 6, kKvHeads = 2, kContext = 512;

struct Geometry {
  std::size_t n_layers = 2, dim = kDim, ffn_dim = kFfnDim, n_heads = kHeads, n_kv_heads = kKvHeads;
  std::size_t head_dim = kDim / kHeads;
  std::size_t q_dim() const { return n_heads * head_dim; }
  std::size_t kv_dim() const { return n_kv_heads * head_dim; }
};

void common(RandomModel& m, const Geometry& g, bool has_layer_norm) {
  const auto u = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
  m.count("block_count", u(g.n_layers));
  m.count("context_length", u(kContext));
  m.count("embedding_length", u(g.dim));
  m.count("feed_forward_length", u(g.ffn_dim));
  m.count("attention.head_count", u(g.n_heads));
  m.count("attention.head_count_kv", u(g.n_kv_heads));
  m.count("vocab_size", u(kVocabSize));
  if (g.head_dim != g.dim / g.n_heads) {
    m.count("attention.key_length", u(g.head_dim));
    m.count("attention.value_length", u(g.head_dim));
  }
  m.number(has_layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-5f);
  m.matrix("token_embd.weight", Shape{kVocabSize, g.dim}, 5.0f);
}

std::string block(std::size_t layer, std::string_view rest) {
  return "blk." + std::to_string(layer) + "." + std::string(rest);
}

void norm(RandomModel& m, const std::string& name, std::size_t n, bool has_bias) {
  m.vector(name + ".weight", n, 1.0f, 0.4f);
  if (has_bias) m.vector(name + ".bias", n, 0.0f, 0.2f);
}
void linear(RandomModel& m, const std::string& name, std::size_t n_out, std::size_t n_in, bool has_bias,
            float gain = 1.0f) {
  m.matrix(name + ".weight", Shape{n_out, n_in}, gain);
  if (has_bias) m.vector(name + ".bias", n_out, 0.0f, 0.3f);
}
void output(RandomModel& m, const Geometry& g, bool has_bias, bool is_tied) {
  norm(m, "output_norm", g.dim, has_bias);
  if (!is_tied) m.matrix("output.weight", Shape{kVocabSize, g.dim}, 2.0f);
}

void attention(RandomModel& m, const Geometry& g, std::size_t l, bool has_qkv_bias, bool has_o_bias) {
  linear(m, block(l, "attn_q"), g.q_dim(), g.dim, has_qkv_bias, 1.7f);
  linear(m, block(l, "attn_k"), g.kv_dim(), g.dim, has_qkv_bias, 1.7f);
  linear(m, block(l, "attn_v"), g.kv_dim(), g.dim, has_qkv_bias);
  linear(m, block(l, "attn_output"), g.dim, g.q_dim(), has_o_bias);
}
void fused_attention(RandomModel& m, const Geometry& g, std::size_t l, bool has_bias) {
  linear(m, block(l, "attn_qkv"), g.q_dim() + 2 * g.kv_dim(), g.dim, has_bias, 1.5f);
  linear(m, block(l, "attn_output"), g.dim, g.q_dim(), has_bias);
}
void head_norms(RandomModel& m, std::size_t l, std::size_t n_q, std::size_t n_k) {
  m.vector(block(l, "attn_q_norm.weight"), n_q, 1.3f, 0.4f);
  m.vector(block(l, "attn_k_norm.weight"), n_k, 1.3f, 0.4f);
}
void gated_mlp(RandomModel& m, const Geometry& g, std::size_t l) {
  linear(m, block(l, "ffn_gate"), g.ffn_dim, g.dim, false, 1.5f);
  linear(m, block(l, "ffn_up"), g.ffn_dim, g.dim, false);
  linear(m, block(l, "ffn_down"), g.dim, g.ffn_dim, false);
}
void plain_mlp(RandomModel& m, const Geometry& g, std::size_t l) {
  linear(m, block(l, "ffn_up"), g.ffn_dim, g.dim, true, 1.5f);
  linear(m, block(l, "ffn_down"), g.dim, g.ffn_dim, true);
}
void experts(RandomModel& m, const Geometry& g, std::size_t l, std::size_t n, std::size_t ffn_dim) {
  linear(m, block(l, "ffn_gate_inp"), n, g.dim, false, 1.5f);
  m.matrix(block(l, "ffn_gate_exps.weight"), Shape{n, ffn_dim, g.dim}, 1.5f);
  m.matrix(block(l, "ffn_up_exps.weight"), Shape{n, ffn_dim, g.dim});
  m.matrix(block(l, "ffn_down_exps.weight"), Shape{n, g.dim, ffn_dim});
}

void llama(RandomModel& m) {
  const Geometry g;
  common(m, g, false);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    attention(m, g, l, false, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    gated_mlp(m, g, l);
  }
  output(m, g, false, false);
}

void mixtral(RandomModel& m) {
  const Geometry g;
  common(m, g, false);
  m.count("expert_count", 5);
  m.count("expert_used_count", 2);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    attention(m, g, l, false, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    experts(m, g, l, 5, g.ffn_dim);
  }
  output(m, g, false, false);
}

void qwen2(RandomModel& m) {
  const Geometry g;
  common(m, g, false);
  m.number("rope.freq_base", 1'000'000.0f);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    attention(m, g, l, true, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    gated_mlp(m, g, l);
  }
  output(m, g, false, true);
}

void qwen3_attention(RandomModel& m, const Geometry& g, std::size_t l) {
  norm(m, block(l, "attn_norm"), g.dim, false);
  attention(m, g, l, false, false);
  head_norms(m, l, g.head_dim, g.head_dim);
  norm(m, block(l, "ffn_norm"), g.dim, false);
}
void qwen3(RandomModel& m) {
  const Geometry g{.head_dim = 12};
  common(m, g, false);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    qwen3_attention(m, g, l);
    gated_mlp(m, g, l);
  }
  output(m, g, false, false);
}
void qwen3moe(RandomModel& m) {
  const Geometry g{.head_dim = 12};
  common(m, g, false);
  m.count("expert_count", 7);
  m.count("expert_used_count", 3);
  m.count("expert_feed_forward_length", 36);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    qwen3_attention(m, g, l);
    experts(m, g, l, 7, 36);
  }
  output(m, g, false, false);
}

void gemma(RandomModel& m) {
  const Geometry g{.n_kv_heads = 1, .head_dim = 16};
  common(m, g, false);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    attention(m, g, l, false, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    gated_mlp(m, g, l);
  }
  output(m, g, false, true);
}

void sandwich(RandomModel& m, const Geometry& g, bool has_head_norms) {
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    attention(m, g, l, false, false);
    if (has_head_norms) head_norms(m, l, g.head_dim, g.head_dim);
    norm(m, block(l, "post_attention_norm"), g.dim, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    gated_mlp(m, g, l);
    norm(m, block(l, "post_ffw_norm"), g.dim, false);
  }
}
void gemma2(RandomModel& m) {
  const Geometry g{.n_layers = 3, .head_dim = 16};
  common(m, g, false);
  m.number("attn_logit_softcapping", 4.0f);
  m.number("final_logit_softcapping", 6.0f);
  m.count("attention.sliding_window", 7);
  sandwich(m, g, false);
  output(m, g, false, true);
}
void gemma3(RandomModel& m) {
  const Geometry g{.n_layers = 7, .head_dim = 16};
  common(m, g, false);
  m.count("attention.sliding_window", 7);
  m.number("rope.freq_base", 1'000'000.0f);
  m.text("rope.scaling.type", "linear");
  m.number("rope.scaling.factor", 8.0f);
  sandwich(m, g, true);
  output(m, g, false, true);
}

void phi3(RandomModel& m) {
  const Geometry g;
  common(m, g, false);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, false);
    fused_attention(m, g, l, false);
    norm(m, block(l, "ffn_norm"), g.dim, false);
    linear(m, block(l, "ffn_up"), 2 * g.ffn_dim, g.dim, false, 1.5f);
    linear(m, block(l, "ffn_down"), g.dim, g.ffn_dim, false);
  }
  output(m, g, false, false);
}
void phi3_longrope(RandomModel& m, std::uint32_t original) {
  phi3(m);
  m.text("rope.scaling.type", "longrope");
  m.count("rope.scaling.original_context_length", original);
  m.number("rope.scaling.attn_factor", 1.19f);
  m.vector("rope_factors_short.weight", kDim / kHeads / 2, 1.3f, 0.25f);
  m.vector("rope_factors_long.weight", kDim / kHeads / 2, 6.0f, 4.0f);
}

void olmo2(RandomModel& m) {
  const Geometry g;
  common(m, g, false);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    attention(m, g, l, false, false);
    head_norms(m, l, g.q_dim(), g.kv_dim());
    norm(m, block(l, "post_attention_norm"), g.dim, false);
    gated_mlp(m, g, l);
    norm(m, block(l, "post_ffw_norm"), g.dim, false);
  }
  output(m, g, false, false);
}

void gpt2(RandomModel& m) {
  const Geometry g{.n_kv_heads = kHeads};
  common(m, g, true);
  m.matrix("position_embd.weight", Shape{kContext, g.dim}, 3.0f);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, true);
    fused_attention(m, g, l, true);
    norm(m, block(l, "ffn_norm"), g.dim, true);
    plain_mlp(m, g, l);
  }
  output(m, g, true, true);
}

void gptneox(RandomModel& m, bool is_parallel) {
  const Geometry g{.n_heads = 4, .n_kv_heads = 4, .head_dim = 12};
  common(m, g, true);
  m.flag("use_parallel_residual", is_parallel);
  m.count("rope.dimension_count", 4);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, true);
    fused_attention(m, g, l, true);
    norm(m, block(l, "ffn_norm"), g.dim, true);
    plain_mlp(m, g, l);
  }
  output(m, g, true, false);
}

void starcoder2(RandomModel& m) {
  const Geometry g;
  common(m, g, true);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    norm(m, block(l, "attn_norm"), g.dim, true);
    attention(m, g, l, true, true);
    norm(m, block(l, "ffn_norm"), g.dim, true);
    plain_mlp(m, g, l);
  }
  output(m, g, true, true);
}

void bert_common(RandomModel& m, const Geometry& g) {
  common(m, g, true);
  m.flag("attention.causal", false);
  m.count("pooling_type", 1);
  m.general_count("tokenizer.ggml.token_type_count", 2);
  m.matrix("token_types.weight", Shape{2, g.dim}, 3.0f);
  norm(m, "token_embd_norm", g.dim, true);
}
void bert(RandomModel& m) {
  const Geometry g{.n_kv_heads = kHeads};
  bert_common(m, g);
  m.matrix("position_embd.weight", Shape{kContext, g.dim}, 3.0f);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    attention(m, g, l, true, true);
    norm(m, block(l, "attn_output_norm"), g.dim, true);
    plain_mlp(m, g, l);
    norm(m, block(l, "layer_output_norm"), g.dim, true);
  }
}
void nomic_bert(RandomModel& m) {
  const Geometry g{.n_kv_heads = kHeads};
  bert_common(m, g);
  m.number("rope.freq_base", 1'000.0f);
  for (std::size_t l = 0; l < g.n_layers; ++l) {
    fused_attention(m, g, l, false);
    norm(m, block(l, "attn_output_norm"), g.dim, true);
    gated_mlp(m, g, l);
    norm(m, block(l, "layer_output_norm"), g.dim, true);
  }
}

}  // namespace

RandomModel::RandomModel(const std::filesystem::path& path, std::string architecture, std::uint64_t seed)
    : writer_(path), architecture_(std::move(architecture)), seed_(seed) {
  writer_.text("general.architecture", architecture_);
  writer_.text("tokenizer.ggml.model", "no_vocab");
}

void RandomModel::matrix(const std::string& name, const Shape& shape, float gain) {
  // Uniform numbers of up to 1 have a variance of 1/3.
  tensors_.push_back({name, shape, 0.0f, gain * std::sqrt(3.0f / static_cast<float>(shape.back()))});
}
void RandomModel::vector(const std::string& name, std::size_t n, float middle, float spread) {
  tensors_.push_back({name, Shape{n}, middle, spread});
}

void RandomModel::finish() {
  for (const Pending& tensor : tensors_) writer_.add_tensor(tensor.name, DType::f32, tensor.shape);
  for (const Pending& tensor : tensors_) {
    std::uint64_t state = seed_ ^ hash(tensor.name);
    std::vector<float> values(tensor.shape.n_elements());
    for (float& value : values) value = tensor.middle + tensor.spread * next_float(state);
    writer_.write_tensor(tensor.name, std::as_bytes(std::span(values)));
  }
  writer_.finish();
}

std::span<const ParityCase> parity_cases() {
  static const std::vector<ParityCase> cases = {
      {.name = "llama", .architecture = "llama", .fill = llama},
      {.name = "llama_linear",
       .architecture = "llama",
       .fill =
           [](RandomModel& m) {
             llama(m);
             m.text("rope.scaling.type", "linear");
             m.number("rope.scaling.factor", 2.5f);
           }},
      {.name = "llama_yarn",
       .architecture = "llama",
       .fill =
           [](RandomModel& m) {
             llama(m);
             m.text("rope.scaling.type", "yarn");
             m.number("rope.scaling.factor", 4.0f);
             m.number("rope.scaling.attn_factor", 1.1f);
             m.count("rope.scaling.original_context_length", 64);
           }},
      {.name = "llama3",
       .architecture = "llama",
       .fill =
           [](RandomModel& m) {
             llama(m);
             m.vector("rope_freqs.weight", kDim / kHeads / 2, 4.0f, 3.0f);
           }},
      {.name = "mixtral", .architecture = "llama", .fill = mixtral},
      {.name = "qwen2", .architecture = "qwen2", .fill = qwen2},
      {.name = "qwen3", .architecture = "qwen3", .fill = qwen3},
      {.name = "qwen3moe", .architecture = "qwen3moe", .fill = qwen3moe},
      {.name = "gemma", .architecture = "gemma", .fill = gemma},
      {.name = "gemma2", .architecture = "gemma2", .fill = gemma2},
      {.name = "gemma3", .architecture = "gemma3", .fill = gemma3},
      {.name = "phi3", .architecture = "phi3", .fill = phi3},
      {.name = "phi3_longrope_short",
       .architecture = "phi3",
       .fill = [](RandomModel& m) { phi3_longrope(m, 256); },
       .max_seq_len = 256},
      {.name = "phi3_longrope_long",
       .architecture = "phi3",
       .fill = [](RandomModel& m) { phi3_longrope(m, 128); },
       .max_seq_len = 256},
      {.name = "olmo2", .architecture = "olmo2", .fill = olmo2},
      {.name = "gpt2", .architecture = "gpt2", .fill = gpt2},
      {.name = "gptneox",
       .architecture = "gptneox",
       .fill = [](RandomModel& m) { gptneox(m, true); },
       .has_erf_gelu = true},
      {.name = "gptneox_sequential",
       .architecture = "gptneox",
       .fill = [](RandomModel& m) { gptneox(m, false); },
       .has_erf_gelu = true},
      {.name = "starcoder2", .architecture = "starcoder2", .fill = starcoder2},
      {.name = "bert", .architecture = "bert", .fill = bert, .is_encoder = true, .has_erf_gelu = true},
      {.name = "nomic_bert", .architecture = "nomic-bert", .fill = nomic_bert, .is_encoder = true},
  };
  return cases;
}

void write_model(const ParityCase& parity, const std::filesystem::path& path) {
  RandomModel model(path, parity.architecture, hash(parity.name));
  parity.fill(model);
  model.finish();
}

std::vector<std::uint32_t> parity_tokens() {
  std::uint64_t state = 7;
  std::vector<std::uint32_t> tokens;
  for (int i = 0; i < 20; ++i) tokens.push_back(static_cast<std::uint32_t>(next(state) % kVocabSize));
  return tokens;
}

}  // namespace quintet::parity
