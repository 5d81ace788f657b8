#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/json.h"

namespace quintet {

/// What a tensor of a Hugging Face checkpoint needs to be what GGUF calls by its name.
enum class HfChange : std::uint8_t {
  none,
  plus_one,          // norms that are stored as offsets from 1
  transposed,        // [in, out] instead of [out, in]
  interleaved_heads  // rows of q, k, v of head 0, then of head 1, …, instead of all q, all k, all v
};

/// One tensor, or the same one in each block: "{b}" stands for the block's number, "{e}" for an expert's. The
/// ending
/// ".weight" or ".bias" is in neither name.
struct HfName {
  std::string_view gguf;  // "blk.{b}.attn_q"
  std::string_view hf;    // "model.layers.{b}.self_attn.q_proj"
  HfChange change = HfChange::none;
};

/// Settings under GGUF's names, as they are read from config.json.
class HfSettings {
 public:
  using Value = std::variant<bool, std::int64_t, double, std::string>;

  void set(std::string_view key, Value value) {
    values_.insert_or_assign(std::string(key), std::move(value));
  }
  const Value* find(std::string_view key) const;
  const std::map<std::string, Value, std::less<>>& all() const noexcept { return values_; }
  std::optional<std::int64_t> integer(std::string_view key) const;

  /// Copy a member of config.json, if it is there, under a name of GGUF's. Throw InvalidArgument for a member
  /// of another type.
  void copy_integer(const JsonObject& config, std::string_view member, std::string_view key);
  void copy_number(const JsonObject& config, std::string_view member, std::string_view key);
  void copy_boolean(const JsonObject& config, std::string_view member, std::string_view key);

 private:
  std::map<std::string, Value, std::less<>> values_;
};

/// How a family's checkpoints look on the Hugging Face hub. Stands in the family's file.
struct HfDialect {
  std::span<const std::string_view> model_types;  // "model_type" in config.json
  std::span<const std::string_view> activations;  // "hidden_act" that the family computes
  std::span<const HfName> names;
  std::span<const HfName> shared_names = {};  // for what isn't in `names`
  std::string_view optional_prefix = {};      // of tensor names: some checkpoints leave it out
  /// GGUF stores this family's queries and keys for rotation in pairs (2i, 2i + 1).
  bool gguf_has_rope_pairs = false;
  /// Settings that only this family has, after the common ones; may be null.
  void (*read_settings)(const JsonObject& config, HfSettings& settings) = nullptr;
};

/// Names that Llama introduced and most decoders took over.
inline constexpr HfName kLlamaHfNames[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"blk.{b}.attn_norm", "model.layers.{b}.input_layernorm"},
    {"blk.{b}.attn_q", "model.layers.{b}.self_attn.q_proj"},
    {"blk.{b}.attn_k", "model.layers.{b}.self_attn.k_proj"},
    {"blk.{b}.attn_v", "model.layers.{b}.self_attn.v_proj"},
    {"blk.{b}.attn_output", "model.layers.{b}.self_attn.o_proj"},
    {"blk.{b}.attn_q_norm", "model.layers.{b}.self_attn.q_norm"},
    {"blk.{b}.attn_k_norm", "model.layers.{b}.self_attn.k_norm"},
    {"blk.{b}.ffn_norm", "model.layers.{b}.post_attention_layernorm"},
    {"blk.{b}.ffn_gate", "model.layers.{b}.mlp.gate_proj"},
    {"blk.{b}.ffn_up", "model.layers.{b}.mlp.up_proj"},
    {"blk.{b}.ffn_down", "model.layers.{b}.mlp.down_proj"},
};

}  // namespace quintet
