#include "formats/quantize_mixture.h"

#include <optional>

#include "core/text.h"

namespace quintet {

namespace {

constexpr QuantizationMixture kMixtures[] = {
    {"f32", DType::f32, 0},        {"f16", DType::f16, 1},        {"bf16", DType::bf16, 32},
    {"q4_0", DType::q4_0, 2},      {"q4_1", DType::q4_1, 3},      {"q5_0", DType::q5_0, 8},
    {"q5_1", DType::q5_1, 9},      {"q8_0", DType::q8_0, 7},      {"q2_k", DType::q2_k, 10},
    {"q2_k_s", DType::q2_k, 21},   {"q3_k_s", DType::q3_k, 11},   {"q3_k_m", DType::q3_k, 12},
    {"q3_k_l", DType::q3_k, 13},   {"q4_k_s", DType::q4_k, 14},   {"q4_k_m", DType::q4_k, 15},
    {"q5_k_s", DType::q5_k, 16},   {"q5_k_m", DType::q5_k, 17},   {"q6_k", DType::q6_k, 18},
    {"iq4_nl", DType::iq4_nl, 25}, {"iq4_xs", DType::iq4_xs, 30}, {"mxfp4", DType::mxfp4, 38}};

/// "blk.12.…" is in layer 12.
std::optional<std::size_t> layer_of(std::string_view name) noexcept {
  if (!name.starts_with("blk.")) return std::nullopt;
  const std::size_t dot = name.find('.', 4);
  if (dot == std::string_view::npos) return std::nullopt;
  const auto layer = parse_int(name.substr(4, dot - 4));
  return layer && *layer >= 0 ? std::optional(static_cast<std::size_t>(*layer)) : std::nullopt;
}

/// The first and the last eighth of the layers, and every third between.
bool matters_more(std::size_t layer, std::size_t n_layers) noexcept {
  return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
}

DType output_type(const QuantizationMixture& mixture, const Shape& shape) noexcept {
  if (shape.back() % dtype_info(mixture.base).block_size != 0) return DType::q8_0;
  return mixture.base == DType::q8_0 ? DType::q8_0 : DType::q6_k;
}

DType attention_value_type(std::string_view name, DType base, std::size_t layer, const MixtureModel& model) {
  if (model.n_experts == 8) return DType::q8_0;      // small beside the experts
  const bool is_shared = model.queries_per_kv >= 4;  // then it is small, and more depends on it
  if (name == "q2_k") return is_shared ? DType::q4_k : DType::q3_k;
  if (name == "q2_k_s" && is_shared) return DType::q4_k;
  if (name == "q3_k_m") return layer < 2 ? DType::q5_k : DType::q4_k;
  if (name == "q3_k_l") return DType::q5_k;
  if ((name == "iq4_nl" || name == "iq4_xs") && is_shared) return DType::q5_k;
  if ((name == "q4_k_m" || name == "q5_k_m") && matters_more(layer, model.n_layers)) return DType::q6_k;
  if (name == "q4_k_s" && layer < 4) return DType::q5_k;
  return base;
}

DType ffn_down_type(std::string_view name, DType base, std::size_t layer, const MixtureModel& model) {
  const std::size_t n = model.n_layers;
  const bool is_early = layer < n / 8;
  if (name == "q2_k") return DType::q3_k;
  if (name == "q2_k_s" && is_early) return DType::q4_k;
  if (name == "q3_k_m") return layer < n / 16 ? DType::q5_k : DType::q4_k;
  if (name == "q3_k_l") return DType::q5_k;
  if ((name == "q4_k_m" || name == "q5_k_m") && matters_more(layer, n)) return DType::q6_k;
  if (name == "q4_k_s" && is_early) return DType::q5_k;
  if ((name == "iq4_nl" || name == "iq4_xs") && is_early && !model.has_importance) return DType::q5_k;
  if (name == "q4_0" && is_early && model.has_importance) return DType::q4_1;
  if (name == "q5_0" && is_early && model.has_importance) return DType::q5_1;
  return base;
}

DType attention_output_type(std::string_view name, DType base, const MixtureModel& model) {
  if (model.n_experts == 8) {
    const bool gets_more = name == "q2_k" || name == "q3_k_s" || name == "q3_k_m" || name == "q4_k_s" ||
                           name == "q4_k_m" || name == "iq4_nl" || name == "iq4_xs";
    return gets_more ? DType::q5_k : base;
  }
  if (name == "q2_k") return DType::q3_k;
  if (name == "q3_k_m") return DType::q4_k;
  if (name == "q3_k_l") return DType::q5_k;
  return base;
}

}  // namespace

const QuantizationMixture* find_mixture(std::string_view name) noexcept {
  for (const QuantizationMixture& mixture : kMixtures) {
    if (iequals_ascii(mixture.name, name)) return &mixture;
    if (mixture.name.ends_with("k_m") && iequals_ascii(mixture.name.substr(0, 4), name)) return &mixture;
  }
  return nullptr;
}

std::span<const QuantizationMixture> mixtures() noexcept {
  return kMixtures;
}

std::string mixture_names() {
  std::string names;
  for (const QuantizationMixture& mixture : kMixtures) names += cat(names.empty() ? "" : ", ", mixture.name);
  return names;
}

bool is_quantized_by_mixture(std::string_view name, const Shape& shape) noexcept {
  if (shape.rank() < 2 || !name.ends_with("weight")) return false;
  for (const std::string_view kept :
       {"_norm.weight", "ffn_gate_inp.weight", "altup", "laurel", "per_layer_model_proj", "position_embd",
        "token_types", "ssm_conv1d", "shortconv.conv.weight", "attn_rel_b.weight", ".patch_embd"})
    if (name.find(kept) != std::string_view::npos) return false;
  return true;
}

DType type_that_fits(DType type, std::size_t n) noexcept {
  if (n % dtype_info(type).block_size == 0) return type;
  DType smaller = DType::f16;
  if (type == DType::iq4_xs) smaller = DType::iq4_nl;
  if (type == DType::q2_k || type == DType::q3_k) smaller = DType::q4_0;
  if (type == DType::q4_k) smaller = DType::q5_0;
  if (type == DType::q5_k) smaller = DType::q5_1;
  if (type == DType::q6_k) smaller = DType::q8_0;
  return n % dtype_info(smaller).block_size == 0 ? smaller : DType::f16;
}

DType mixture_type(const QuantizationMixture& mixture, std::string_view tensor_name, const Shape& shape,
                   const MixtureModel& model, bool is_pure) {
  const DType base = mixture.base;
  if (!dtype_info(base).is_quantized) return base;
  const std::string_view name = mixture.name;
  DType type = base;
  const auto layer = layer_of(tensor_name);
  const auto has = [&](std::string_view part) { return tensor_name.find(part) != std::string_view::npos; };
  if (is_pure) {
    type = base;
  } else if (tensor_name == "output.weight" ||
             (tensor_name == "token_embd.weight" && model.has_tied_embeddings)) {
    type = output_type(mixture, shape);
  } else if (!layer) {
    type = base;
  } else if (has("attn_v.weight") || has("attn_qkv.weight") || has("attn_kv_b.weight")) {
    type = attention_value_type(name, base, *layer, model);
  } else if (has("attn_k.weight") && model.n_experts == 8) {
    type = DType::q8_0;
  } else if (has("ffn_down")) {
    type = ffn_down_type(name, base, *layer, model);
  } else if (has("attn_output.weight")) {
    type = attention_output_type(name, base, model);
  }
  return type_that_fits(type, shape.back());
}

}  // namespace quintet
