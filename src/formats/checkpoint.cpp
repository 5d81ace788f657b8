#include "formats/checkpoint.h"

#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{64} << 20;

JsonObject read_object(const fs::path& path) {
  try {
    const Json value = parse_json(read_file(path, kMaxConfigBytes), path.string());
    return require_object(value, path.string());
  } catch (const InvalidArgument& error) {
    throw CorruptData(error.what());
  }
}

bool is_gguf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "GGUF";
}

fs::path existing(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? path : fs::path();
}

/// The safetensors file or index of a folder.
fs::path find_weights(const fs::path& folder) {
  constexpr const char* kNames[] = {"model.safetensors.index.json", "model.safetensors",
                                    "adapter_model.safetensors"};
  for (const char* name : kNames)
    if (fs::path found = existing(folder / name); !found.empty()) return found;
  const bool has_pytorch = !existing(folder / "pytorch_model.bin").empty() ||
                           !existing(folder / "pytorch_model.bin.index.json").empty();
  throw NotFound(cat(folder.string(), " has no model.safetensors and no model.safetensors.index.json",
                     has_pytorch ? "; its pytorch_model.bin isn't read, convert it to safetensors" : ""));
}

std::optional<std::string> template_in(const JsonObject& config, const fs::path& path) {
  const auto* value = config.if_contains("chat_template");
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  const auto* list = value->if_array();
  if (list == nullptr)
    throw CorruptData(cat(path.string(), ": \"chat_template\" is neither text nor a list"));
  try {
    for (const Json& item : *list) {
      const JsonObject& named = require_object(item, "an entry of chat_template");
      if (get_string(named, "name") == "default") return get_string(named, "template");
    }
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat(path.string(), ": ", error.what()));
  }
  return std::nullopt;
}

/// Keys and values of one token: 2 · Σ over layers of n_kv_heads · head_dim elements. Nothing when the
/// geometry is not given.
std::optional<std::size_t> kv_elements(const GgufFile& file) {
  const std::string prefix = cat(file.architecture(), ".");
  const auto whole = [&](std::string_view key) { return file.integer(prefix + std::string(key)); };
  const auto n_layers = whole("block_count");
  const auto hidden_dim = whole("embedding_length");
  const auto heads_key = prefix + "attention.head_count";
  const auto* heads = file.find(heads_key);
  if (!n_layers || !hidden_dim || heads == nullptr || *n_layers <= 0 || *hidden_dim <= 0) return std::nullopt;
  if (file.boolean(prefix + "attention.causal") == false) return 0;
  // Some models give a number for each layer.
  const auto sum_over_layers = [&](const std::string& key) -> std::optional<std::int64_t> {
    const auto* entry = file.find(key);
    if (entry == nullptr) return std::nullopt;
    if (!std::holds_alternative<GgufArray>(entry->value)) {
      const std::int64_t n = file.integer(key).value_or(0);
      return n < 0 || n > 1'000'000 || *n_layers > 1'000'000 ? std::nullopt : std::optional(n * *n_layers);
    }
    std::int64_t sum = 0;
    for (const std::int64_t n : file.integers(key).value_or(std::vector<std::int64_t>{})) {
      if (n < 0 || n > 1'000'000) return std::nullopt;
      sum += n;
    }
    return sum;
  };
  const auto all_heads = sum_over_layers(heads_key);
  if (!all_heads || *all_heads <= 0) return std::nullopt;
  const auto kv_heads = sum_over_layers(prefix + "attention.head_count_kv").value_or(*all_heads);
  const std::int64_t head_dim = *hidden_dim * *n_layers / *all_heads;
  const std::int64_t key_length = whole("attention.key_length").value_or(head_dim);
  const std::int64_t value_length = whole("attention.value_length").value_or(head_dim);
  if (key_length < 0 || value_length < 0 || key_length > 1'000'000 || value_length > 1'000'000)
    return std::nullopt;
  return static_cast<std::size_t>(kv_heads) * static_cast<std::size_t>(key_length + value_length);
}

std::optional<std::size_t> kv_elements(const JsonObject& config) {
  const auto whole = [&](std::string_view key, std::string_view old_key = "") -> std::optional<std::int64_t> {
    const auto value = get_int(config, key);
    if (value && (*value <= 0 || *value > 1'000'000)) return std::nullopt;
    return value || old_key.empty() ? value : get_int(config, old_key);
  };
  const auto n_layers = whole("num_hidden_layers", "n_layer");
  const auto hidden_dim = whole("hidden_size", "n_embd");
  const auto n_heads = whole("num_attention_heads", "n_head");
  if (!n_layers || !hidden_dim || !n_heads) return std::nullopt;
  if (get_string(config, "model_type") == "bert" || get_string(config, "model_type") == "nomic_bert")
    return 0;
  const std::int64_t n_kv_heads = whole("num_key_value_heads").value_or(*n_heads);
  const std::int64_t head_dim = whole("head_dim").value_or(*hidden_dim / *n_heads);
  return static_cast<std::size_t>(2 * *n_layers) * static_cast<std::size_t>(n_kv_heads * head_dim);
}

}  // namespace

TokenizerFiles find_tokenizer_files(const fs::path& folder) {
  TokenizerFiles files;
  files.tokenizer_json = existing(folder / "tokenizer.json");
  files.tokenizer_model = existing(folder / "tokenizer.model");
  if (files.tokenizer_model.empty()) files.tokenizer_model = existing(folder / "spiece.model");
  files.vocab_json = existing(folder / "vocab.json");
  files.merges_txt = existing(folder / "merges.txt");
  files.vocab_txt = existing(folder / "vocab.txt");
  files.tokenizer_config = existing(folder / "tokenizer_config.json");
  return files;
}

std::optional<std::string> read_chat_template(const fs::path& folder) {
  if (const fs::path own = existing(folder / "chat_template.jinja"); !own.empty())
    return read_file(own, kMaxConfigBytes);
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    const fs::path path = existing(folder / name);
    if (path.empty()) continue;
    if (auto text = template_in(read_object(path), path)) return text;
  }
  return std::nullopt;
}

Checkpoint Checkpoint::open(const fs::path& path) {
  Checkpoint result;
  result.path_ = path;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw NotFound(cat("there is no model ", path.string()));
  const bool is_folder = fs::is_directory(path, ignored);
  const std::string name = path.string();
  const bool is_safetensors = name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
  if (!is_folder && !is_safetensors) {
    if (!is_gguf(path) && !name.ends_with(".gguf")) {
      throw Unsupported(cat(name,
                            " is no model that can be read: expected a GGUF file, a safetensors file, or a "
                            "folder with config.json and safetensors"));
    }
    result.gguf_ = GgufFile::open(path);
    return result;
  }
  result.folder_ = is_folder ? path : path.parent_path();
  result.safetensors_ = SafetensorsFile::open(is_folder ? find_weights(path) : path);
  for (const char* config : {"config.json", "adapter_config.json"}) {
    if (existing(result.folder_ / config).empty()) continue;
    result.config_ = read_object(result.folder_ / config);
    break;
  }
  if (const fs::path generation = existing(result.folder_ / "generation_config.json"); !generation.empty())
    result.generation_config_ = read_object(generation);
  return result;
}

std::string Checkpoint::architecture() const {
  if (gguf_) return std::string(gguf_->architecture());
  try {
    return get_string(config_, "model_type").value_or("");
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat(folder_.string(), "/config.json: ", error.what()));
  }
}

std::span<const TensorInfo> Checkpoint::tensors() const noexcept {
  return gguf_ ? gguf_->tensors() : safetensors_->tensors();
}

const TensorInfo* Checkpoint::find_tensor(std::string_view name) const noexcept {
  return gguf_ ? gguf_->find_tensor(name) : safetensors_->find_tensor(name);
}

Tensor Checkpoint::tensor(std::string_view name) const {
  return gguf_ ? gguf_->tensor(name) : safetensors_->tensor(name);
}

std::size_t Checkpoint::n_parameters() const noexcept {
  std::size_t n = 0;
  for (const TensorInfo& info : tensors()) n += info.shape.n_elements();
  return n;
}

std::size_t Checkpoint::weights_bytes() const {
  std::size_t n = 0;
  for (const TensorInfo& info : tensors()) n += tensor_bytes(info);
  return n;
}

std::optional<std::string> Checkpoint::chat_template() const {
  if (!gguf_) return read_chat_template(folder_);
  const auto text = gguf_->text("tokenizer.chat_template");
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

TokenizerFiles Checkpoint::tokenizer_files() const {
  return gguf_ ? TokenizerFiles() : find_tokenizer_files(folder_);
}

std::size_t tensor_bytes(const TensorInfo& info) {
  return info.shape.n_elements() == 0 ? 0 : info.shape.n_rows() * row_bytes(info.dtype, info.shape.back());
}

MemoryNeeded memory_needed(const Checkpoint& checkpoint, std::size_t n_tokens, DType kv_type) {
  MemoryNeeded needed;
  needed.weights_bytes = checkpoint.weights_bytes();
  const auto elements =
      checkpoint.gguf() != nullptr ? kv_elements(*checkpoint.gguf()) : kv_elements(*checkpoint.config());
  const DTypeInfo& info = dtype_info(kv_type);
  const std::size_t per_token = elements.value_or(0) / info.block_size * info.block_bytes;
  if (per_token != 0 && n_tokens > std::numeric_limits<std::size_t>::max() / per_token)
    throw InvalidArgument(cat("a cache of ", n_tokens, " tokens is larger than any memory"));
  needed.kv_cache_bytes = n_tokens * per_token;
  return needed;
}

}  // namespace quintet
