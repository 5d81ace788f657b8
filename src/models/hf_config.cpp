#include "models/hf_config.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "nn/rope.h"

namespace quintet {

namespace {

void read_geometry(const JsonObject& config, HfSettings& settings) {
  // The same settings go by several names; those of a file don't contradict each other.
  for (const auto& [member, key] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"num_hidden_layers", "block_count"},
           {"n_layer", "block_count"},
           {"hidden_size", "embedding_length"},
           {"n_embd", "embedding_length"},
           {"intermediate_size", "feed_forward_length"},
           {"n_inner", "feed_forward_length"},
           {"num_attention_heads", "attention.head_count"},
           {"n_head", "attention.head_count"},
           {"num_key_value_heads", "attention.head_count_kv"},
           {"head_dim", "attention.key_length"},
           {"max_position_embeddings", "context_length"},
           {"n_positions", "context_length"},
           {"num_local_experts", "expert_count"},
           {"num_experts", "expert_count"},
           {"num_experts_per_tok", "expert_used_count"}}) {
    settings.copy_integer(config, member, key);
  }
  for (const auto& [member, key] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
           {"layer_norm_eps", "attention.layer_norm_epsilon"},
           {"layer_norm_epsilon", "attention.layer_norm_epsilon"},
           {"norm_epsilon", "attention.layer_norm_epsilon"},
           {"rope_theta", "rope.freq_base"},
           {"rotary_emb_base", "rope.freq_base"}}) {
    settings.copy_number(config, member, key);
  }
  if (get_bool(config, "use_sliding_window").value_or(true))
    settings.copy_integer(config, "sliding_window", "attention.sliding_window");
}

void read_partial_rotation(const JsonObject& config, const JsonObject& rope, HfSettings& settings) {
  auto part = get_double(config, "partial_rotary_factor");
  if (!part) part = get_double(config, "rotary_pct");
  if (!part) part = get_double(rope, "partial_rotary_factor");
  if (!part || *part == 1.0) return;
  auto head_dim = settings.integer("attention.key_length");
  const auto dim = settings.integer("embedding_length"), n_heads = settings.integer("attention.head_count");
  if (!head_dim && dim && n_heads && *n_heads > 0) head_dim = *dim / *n_heads;
  if (!head_dim) return;  // the family will say what is missing
  if (!(*part > 0.0) || *part > 1.0)
    throw InvalidArgument(cat("a part of ", *part, " of each head can't be rotated"));
  settings.set("rope.dimension_count", static_cast<std::int64_t>(*part * static_cast<double>(*head_dim)));
}

Tensor read_factors(const JsonObject& rope, std::string_view member) {
  const JsonArray* array = get_array(rope, member);
  if (array == nullptr) throw InvalidArgument(cat("rope_scaling has no \"", member, "\""));
  std::vector<float> factors;
  for (const Json& value : *array) {
    if (!value.is_number()) throw InvalidArgument(cat("\"", member, "\" holds something other than numbers"));
    factors.push_back(value.to_number<float>());
  }
  return Tensor::from(factors, Shape{factors.size()});
}

void read_llama3(const JsonObject& rope, double factor, std::int64_t original, HfConfig& result) {
  const auto theta = result.settings.find("rope.freq_base");
  auto head_dim = result.settings.integer("attention.key_length");
  const auto dim = result.settings.integer("embedding_length"),
             n_heads = result.settings.integer("attention.head_count");
  if (!head_dim && dim && n_heads && *n_heads > 0) head_dim = *dim / *n_heads;
  if (!head_dim || *head_dim <= 0 || *head_dim > 65'536) return;  // the family will say what is missing
  const double base = theta == nullptr ? 10'000.0 : std::get<double>(*theta);
  const auto factors = llama3_frequency_factors(
      static_cast<std::size_t>(*head_dim), static_cast<float>(base), static_cast<float>(factor),
      static_cast<float>(get_double(rope, "low_freq_factor").value_or(1.0)),
      static_cast<float>(get_double(rope, "high_freq_factor").value_or(4.0)), static_cast<float>(original));
  result.tensors.emplace("rope_freqs.weight", Tensor::from(factors, Shape{factors.size()}));
}

/// GGUF's factor comes on top of the usual one, 0.1 · ln(factor) + 1 (arXiv:2309.00071, section 3.4).
void set_yarn_attention_factor(const JsonObject& rope, double factor, HfSettings& settings) {
  const auto usual = [factor](double scale) { return 0.1 * scale * std::log(factor) + 1.0; };
  auto wanted = get_double(rope, "attention_factor");
  const auto scale = get_double(rope, "mscale"), scale_of_all = get_double(rope, "mscale_all_dim");
  if (!wanted && scale.value_or(0.0) != 0.0 && scale_of_all.value_or(0.0) != 0.0)
    wanted = usual(*scale) / usual(*scale_of_all);
  if (wanted) settings.set("rope.scaling.attn_factor", *wanted / usual(1.0));
}

/// "rope_scaling", or "rope_parameters" in newer files, which hold theta too.
void read_rope(const JsonObject& config, HfConfig& result) {
  static const JsonObject kNone;
  const JsonObject* rope = get_object(config, "rope_scaling");
  if (rope == nullptr) rope = get_object(config, "rope_parameters");
  HfSettings& settings = result.settings;
  if (rope != nullptr) settings.copy_number(*rope, "rope_theta", "rope.freq_base");
  read_partial_rotation(config, rope == nullptr ? kNone : *rope, settings);
  if (rope == nullptr) return;
  auto type = get_string(*rope, "rope_type");
  if (!type) type = get_string(*rope, "type");
  if (!type || *type == "default" || *type == "none") return;
  const auto trained = settings.integer("context_length").value_or(0);
  auto original = get_int(*rope, "original_max_position_embeddings");
  if (!original) original = get_int(config, "original_max_position_embeddings");
  const std::int64_t original_len = original.value_or(trained);
  auto factor = get_double(*rope, "factor");
  if (!factor && original_len > 0) factor = static_cast<double>(trained) / static_cast<double>(original_len);
  const auto attention_factor = get_double(*rope, "attention_factor");
  settings.set("rope.scaling.original_context_length", original_len);
  settings.set("rope.scaling.factor", factor.value_or(1.0));
  if (*type == "linear" || *type == "dynamic") {
    settings.set("rope.scaling.type", *type);
  } else if (*type == "yarn") {
    settings.set("rope.scaling.type", *type);
    settings.copy_number(*rope, "beta_fast", "rope.scaling.yarn_beta_fast");
    settings.copy_number(*rope, "beta_slow", "rope.scaling.yarn_beta_slow");
    if (!get_bool(*rope, "truncate").value_or(true))
      throw Unsupported(
          "rope scaling \"yarn\" without \"truncate\": its ramp begins and ends at whole pairs");
    set_yarn_attention_factor(*rope, std::max(1.0, factor.value_or(1.0)), settings);
  } else if (*type == "llama3") {
    settings.set("rope.scaling.type", *type);
    read_llama3(*rope, factor.value_or(1.0), original_len, result);
  } else if (*type == "longrope" || *type == "su") {
    settings.set("rope.scaling.type", std::string("longrope"));
    result.tensors.emplace("rope_factors_long.weight", read_factors(*rope, "long_factor"));
    result.tensors.emplace("rope_factors_short.weight", read_factors(*rope, "short_factor"));
    // How much longer it was made, whatever "factor" says.
    const float stretch = original && *original > 0
                              ? static_cast<float>(trained) / static_cast<float>(*original)
                              : static_cast<float>(factor.value_or(1.0));
    settings.set("rope.scaling.attn_factor",
                 attention_factor.value_or(longrope_attention_factor(
                     stretch, static_cast<std::size_t>(std::max<std::int64_t>(0, original_len)))));
  } else {
    throw Unsupported(
        cat("rope scaling \"", *type, "\"; default, linear, dynamic, yarn, llama3 and longrope work"));
  }
}

void check_activation(const JsonObject& config, const HfDialect& dialect) {
  for (const char* member : {"hidden_activation", "hidden_act", "activation_function"}) {
    const auto activation = get_string(config, member);
    if (!activation) continue;
    if (std::ranges::find(dialect.activations, *activation) != dialect.activations.end()) return;
    std::string known;
    for (const auto name : dialect.activations) known += cat(known.empty() ? "" : ", ", name);
    throw Unsupported(cat("\"", member, "\" is \"", *activation, "\"; this family runs with ", known));
  }
}

}  // namespace

HfConfig read_hf_config(const JsonObject& config, const HfDialect& dialect) {
  HfConfig result;
  check_activation(config, dialect);
  read_geometry(config, result.settings);
  read_rope(config, result);
  if (dialect.read_settings != nullptr) dialect.read_settings(config, result.settings);
  return result;
}

std::optional<std::int64_t> read_hf_pooling(const std::filesystem::path& folder) {
  const auto path = folder / "1_Pooling" / "config.json";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  const Json parsed = parse_json(read_file(path, kMaxBytes), path.string());
  const JsonObject& pooling = require_object(parsed, path.string());
  if (get_bool(pooling, "pooling_mode_cls_token").value_or(false)) return 2;
  if (get_bool(pooling, "pooling_mode_lasttoken").value_or(false)) return 3;
  if (get_bool(pooling, "pooling_mode_mean_tokens").value_or(false)) return 1;
  throw Unsupported(
      cat(path.string(), " wants a pooling other than of the first, the last or the mean of all tokens"));
}

}  // namespace quintet
