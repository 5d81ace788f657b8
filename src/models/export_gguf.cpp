#include "models/export_gguf.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "formats/checkpoint.h"
#include "formats/tokenizer_files.h"
#include "formats/tokenizer_gguf_writer.h"
#include "models/encoder.h"
#include "models/hf_source.h"
#include "tensor/dequantize.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

std::size_t count(const ModelSource& source, std::string_view key, std::size_t otherwise) {
  return source.integer(key) ? source.require_count(key) : otherwise;
}

/// Rows of queries or keys, or elements of their bias, from halves (i, i + n / 2) of the n rotated dimensions
/// of each head to pairs (2i, 2i + 1).
Tensor to_pairs(const Tensor& tensor, std::size_t n_heads, std::size_t n_rotated) {
  const std::size_t n_rows = tensor.shape()[0], head_dim = n_rows / n_heads;
  if (n_rows % n_heads != 0 || n_rotated > head_dim || n_rotated % 2 != 0)
    throw CorruptData(cat(n_rows, " rows for ", n_heads, " heads with ", n_rotated, " rotated dimensions"));
  const std::size_t row = tensor.size_bytes() / n_rows;
  Tensor result = Tensor::zeros(tensor.dtype(), tensor.shape());
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::size_t d = r % head_dim;
    const std::size_t from = d >= n_rotated ? d : d / 2 + d % 2 * (n_rotated / 2);
    std::ranges::copy(tensor.bytes().subspan((r - d + from) * row, row),
                      result.mutable_bytes().subspan(r * row).begin());
  }
  return result;
}

/// "blk.3.ffn_up.7.weight" is expert 7 of the stack "blk.3.ffn_up_exps.weight".
struct Expert {
  std::string stack;
  std::size_t number = 0;
};
std::optional<Expert> expert_of(std::string_view name) {
  const auto words = split(name, '.');
  if (words.size() != 5 || words[0] != "blk") return std::nullopt;
  const auto number = parse_int(words[3]);
  if (!number || *number < 0) return std::nullopt;
  return Expert{cat(words[0], ".", words[1], ".", words[2], "_exps.", words[4]),
                static_cast<std::size_t>(*number)};
}

/// The block of "blk.3.…".
std::optional<std::size_t> block_of(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  const auto number = parse_int(name.substr(4, name.find('.', 4) - 4));
  return number && *number >= 0 ? std::optional(static_cast<std::size_t>(*number)) : std::nullopt;
}

class FolderExport {
 public:
  explicit FolderExport(const HfSource& source)
      : source_(source),
        n_blocks_(source.require_count("block_count")),
        n_experts_(count(source, "expert_count", 0)),
        n_heads_(source.require_count("attention.head_count")),
        n_kv_heads_(count(source, "attention.head_count_kv", n_heads_)) {
    const std::size_t head_dim =
        count(source, "attention.key_length", source.require_count("embedding_length") / n_heads_);
    n_rotated_ = count(source, "rope.dimension_count", head_dim);
    list_tensors();
  }

  const std::vector<TensorToQuantize>& tensors() const noexcept { return tensors_; }
  const std::vector<std::string>& extra() const noexcept { return extra_; }

  MixtureModel mixture_model(bool has_importance) const {
    MixtureModel model;
    model.n_layers = n_blocks_;
    model.n_experts = n_experts_;
    model.queries_per_kv = std::max<std::size_t>(1, n_heads_ / n_kv_heads_);
    model.has_tied_embeddings =
        std::ranges::find(tensors_, "output.weight", &TensorToQuantize::name) == tensors_.end();
    model.has_importance = has_importance;
    return model;
  }

  std::size_t vocab_size() const {
    const auto embedding = std::ranges::find(tensors_, "token_embd.weight", &TensorToQuantize::name);
    return embedding->shape.n_rows();
  }

 private:
  void list_tensors() {
    // What each block has, to find what one of them lacks.
    std::map<std::string, std::size_t> n_of_part;
    for (const TensorInfo& info : source_.tensors()) {
      const auto block = block_of(info.name);
      if (block && *block >= n_blocks_) {
        extra_.push_back(info.name);
        continue;
      }
      if (!is_weight_type(info.dtype)) {
        throw Unsupported(cat(source_.name(), ": the tensor ", info.name, " is ", dtype_name(info.dtype),
                              "; weights are f32, f16 or bf16"));
      }
      const auto expert = n_experts_ > 0 ? expert_of(info.name) : std::nullopt;
      const std::string name = expert ? expert->stack : info.name;
      if (block) ++n_of_part[name.substr(name.find('.', 4) + 1)];
      if (expert) {
        add_expert(info, *expert);
      } else {
        add(info);
      }
    }
    for (const auto& [part, n] : n_of_part) {
      const std::size_t expected =
          part.find("_exps.") == std::string::npos ? n_blocks_ : n_blocks_ * n_experts_;
      if (n < expected) missing(part);
    }
    for (const std::string_view part : {"attn_output.weight", "ffn_down"})
      if (std::ranges::none_of(n_of_part, [&](const auto& p) { return p.first.starts_with(part); }))
        throw CorruptData(
            cat(source_.name(), ": no block has a tensor ", part, "; is it another kind of model?"));
    for (const HfName& name : source_.dialect().names) require(name.gguf);
    for (const HfName& name : source_.dialect().shared_names) require(name.gguf);
  }

  /// Outside the blocks all is needed but an output matrix, which may be tied, and types of tokens.
  void require(std::string_view gguf) const {
    if (gguf.starts_with("blk.") || gguf == "output" || gguf == "token_types") return;
    if (std::ranges::find(tensors_, cat(gguf, ".weight"), &TensorToQuantize::name) == tensors_.end())
      throw CorruptData(cat(source_.name(), ": the tensor ", gguf, ".weight is missing"));
  }

  [[noreturn]] void missing(const std::string& part) const {
    const bool is_stack = part.find("_exps.") != std::string::npos;
    for (std::size_t b = 0; b < n_blocks_; ++b)
      for (std::size_t e = 0; e < (is_stack ? n_experts_ : 1); ++e) {
        const std::string name =
            cat("blk.", b, ".", is_stack ? replace_all(part, "_exps.", cat(".", e, ".")) : part);
        if (!source_.find_tensor(name))
          throw CorruptData(cat(source_.name(), ": the tensor ", name, " is missing, other blocks have it"));
      }
    throw CorruptData(cat(source_.name(), ": some blocks lack ", part));
  }

  void add(const TensorInfo& info) {
    tensors_.push_back({.name = info.name,
                        .shape = info.shape,
                        .from = info.dtype,
                        .otherwise = DType::f32,
                        .open = [this, name = info.name](std::size_t) { return open(name); }});
  }

  void add_expert(const TensorInfo& info, const Expert& expert) {
    if (info.shape.rank() != 2)
      throw CorruptData(cat(source_.name(), ": the tensor ", info.name, " is ", info.shape.to_string()));
    if (expert.number >= n_experts_) {
      extra_.push_back(info.name);
      return;
    }
    const Shape whole{n_experts_, info.shape[0], info.shape[1]};
    if (expert.number == 0) {
      tensors_.push_back({.name = expert.stack,
                          .shape = whole,
                          .from = info.dtype,
                          .otherwise = DType::f32,
                          .n_parts = n_experts_,
                          .open = [this, name = info.name](std::size_t e) {
                            const std::size_t dot = name.rfind(".0.");
                            return open(cat(name.substr(0, dot), ".", e, name.substr(dot + 2)));
                          }});
      return;
    }
    // They come in the order of their numbers, so that the first one has made the stack.
    if (tensors_.empty() || tensors_.back().name != expert.stack || tensors_.back().shape != whole ||
        tensors_.back().from != info.dtype)
      throw CorruptData(cat(source_.name(), ": the tensor ", info.name, " doesn't go with expert 0"));
  }

  Tensor open(const std::string& name) const {
    auto tensor = source_.find_tensor(name);
    if (!tensor) throw CorruptData(cat(source_.name(), ": the tensor ", name, " is missing"));
    if (!source_.dialect().gguf_has_rope_pairs) return *std::move(tensor);
    const std::string part = name.starts_with("blk.") ? name.substr(name.find('.', 4) + 1) : name;
    if (part.starts_with("attn_q.")) return to_pairs(*tensor, n_heads_, n_rotated_);
    if (part.starts_with("attn_k.")) return to_pairs(*tensor, n_kv_heads_, n_rotated_);
    return *std::move(tensor);
  }

  const HfSource& source_;
  std::size_t n_blocks_, n_experts_, n_heads_, n_kv_heads_, n_rotated_ = 0;
  std::vector<TensorToQuantize> tensors_;
  std::vector<std::string> extra_;  // beyond the blocks or experts that config.json says
};

struct SettingWriter {
  GgufWriter& writer;
  const std::string& key;
  void operator()(bool value) const { writer.boolean(key, value); }
  void operator()(std::int64_t value) const {
    if (value < 0) {
      writer.i64(key, value);
    } else if (value <= std::numeric_limits<std::uint32_t>::max()) {
      writer.u32(key, static_cast<std::uint32_t>(value));
    } else {
      writer.u64(key, static_cast<std::uint64_t>(value));
    }
  }
  void operator()(double value) const { writer.f32(key, static_cast<float>(value)); }
  void operator()(const std::string& value) const { writer.text(key, value); }
};

/// GGUF says some scalings of rotations by their divisors alone (rope_freqs, rope_factors_…): a factor beside
/// them would count twice.
bool is_said_by_divisors(const HfSource& source, std::string_view key) {
  const auto scaling = source.text("rope.scaling.type");
  if (scaling == "llama3") return key.starts_with("rope.scaling.");
  return scaling == "longrope" && key == "rope.scaling.factor";
}

/// GGUF has no name for dynamic NTK, and programs may end at a name that they don't know: it stands under
/// keys of ours (gguf_source.h), and others run the model as it was trained.
bool is_said_by_our_keys(const HfSource& source, std::string_view key) {
  return source.text("rope.scaling.type") == "dynamic" && key.starts_with("rope.scaling.");
}

std::vector<std::string> notes_on(const HfSource& source) {
  if (!is_said_by_our_keys(source, "rope.scaling.type")) return {};
  return {
      cat("GGUF has no name for the scaling of rotations \"dynamic\" (NTK): Quintet goes by it, other "
          "programs run the model unscaled, which is the same up to ",
          source.integer("rope.scaling.original_context_length").value_or(0), " tokens")};
}

void write_settings(GgufWriter& writer, const HfSource& source, std::size_t vocab_size) {
  const std::string prefix = cat(source.architecture(), ".");
  writer.text("general.architecture", source.architecture());
  writer.text("general.type", "model");
  writer.text("general.name", source.name());
  for (const auto& [name, value] : source.settings().all()) {
    if (is_said_by_divisors(source, name)) continue;
    const std::string key = cat(is_said_by_our_keys(source, name) ? "quintet." : prefix, name);
    std::visit(SettingWriter{writer, key}, value);
  }
  if (const auto length = source.integer("attention.key_length"))
    writer.u32(prefix + "attention.value_length", static_cast<std::uint32_t>(*length));
  // What is plain to us is asked for by other programs.
  if (!source.integer("attention.head_count_kv"))
    writer.u32(prefix + "attention.head_count_kv",
               static_cast<std::uint32_t>(source.require_count("attention.head_count")));
  writer.u32(prefix + "vocab_size", static_cast<std::uint32_t>(vocab_size));
  const auto has_its_name = [&](const auto* family) { return family->architecture == source.architecture(); };
  if (std::ranges::any_of(encoder_families(), has_its_name)) {
    writer.boolean(prefix + "attention.causal", false);
    if (!source.integer("pooling_type")) writer.u32(prefix + "pooling_type", 1);
  }
  if (const auto types = source.find_tensor("token_types.weight"))
    writer.u32("tokenizer.ggml.token_type_count", static_cast<std::uint32_t>(types->shape().n_rows()));
}

/// A token that config.json names: of a list the first.
std::optional<TokenId> token_in(const JsonObject& config, std::string_view key) {
  const Json* value = config.if_contains(key);
  if (value != nullptr && value->is_array())
    value = value->get_array().empty() ? nullptr : &value->get_array().front();
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > INT32_MAX)
    return std::nullopt;
  return static_cast<TokenId>(value->get_int64());
}

TokenizerData read_folder_tokenizer(const HfSource& source, const fs::path& folder, std::size_t vocab_size) {
  TokenizerData data = read_tokenizer(folder);
  if (data.pieces.size() > vocab_size) {
    throw CorruptData(cat(folder.string(), ": the tokenizer has ", data.pieces.size(),
                          " tokens, the embedding ", vocab_size, " rows"));
  }
  const JsonObject& config = *source.checkpoint().config();
  const auto take = [&](std::optional<TokenId>& id, std::string_view key) {
    if (!id) id = token_in(config, key);
    if (id && *id >= vocab_size) id.reset();
  };
  take(data.special.bos, "bos_token_id");
  take(data.special.eos, "eos_token_id");
  take(data.special.pad, "pad_token_id");
  return data;
}

}  // namespace

QuantizeReport quantize_model(const fs::path& in, const fs::path& out, const QuantizeFileOptions& options,
                              const QuantizeProgress& progress, const std::stop_token& stop) {
  const QuantizationMixture& mixture = require_mixture(options);
  std::error_code ignored;
  if (fs::is_directory(out, ignored))
    throw InvalidArgument(cat(out.string(), " is a folder; the output is one GGUF file"));
  {
    const Checkpoint checkpoint = Checkpoint::open(in);
    if (checkpoint.gguf() != nullptr) return quantize_checkpoint(in, out, options, progress, stop);
  }
  const HfSource source(Checkpoint::open(in));
  ImportanceMatrix importance;
  if (!options.importance.empty()) importance = ImportanceMatrix::open(options.importance);
  const FolderExport exported(source);
  const fs::path folder = fs::is_directory(in, ignored) ? in : in.parent_path();
  const TokenizerData tokenizer = read_folder_tokenizer(source, folder, exported.vocab_size());

  GgufWriter writer(out);
  write_settings(writer, source, exported.vocab_size());
  write_gguf_tokenizer(writer, tokenizer, exported.vocab_size());
  writer.u32("general.file_type", mixture.file_type);
  writer.u32("general.quantization_version", 2);
  QuantizeReport report = read_unchanged(source, [&] {
    return quantize_tensors(writer, exported.tensors(),
                            {mixture, exported.mixture_model(importance.size() != 0), importance}, options,
                            progress, stop);
  });
  writer.finish();
  report.notes = notes_on(source);
  report.left_out = source.unread_tensors();
  report.left_out.insert(report.left_out.end(), exported.extra().begin(), exported.extra().end());
  return report;
}

}  // namespace quintet
