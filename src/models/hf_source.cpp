#include "models/hf_source.h"

#include <algorithm>
#include <tuple>

#include "core/error.h"
#include "core/text.h"
#include "models/encoder.h"
#include "models/gguf_source.h"
#include "models/hf_config.h"
#include "models/model.h"
#include "tensor/dequantize.h"

namespace quintet {

namespace {

/// A name of GGUF's taken apart: "blk.3.ffn_up.7.weight" is "blk.{b}.ffn_up.{e}", 3, 7, ".weight".
struct NameParts {
  std::string pattern;
  std::string block, expert;
  std::string ending;
};

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

NameParts take_apart(std::string_view name) {
  NameParts parts;
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) {
    parts.ending = name.substr(dot);
    name = name.substr(0, dot);
  }
  for (const std::string_view word : split(name, '.')) {
    if (!parts.pattern.empty()) parts.pattern += '.';
    if (!is_number(word)) {
      parts.pattern += word;
    } else if (parts.block.empty()) {
      parts.pattern += "{b}";
      parts.block = word;
    } else {
      parts.pattern += "{e}";
      parts.expert = word;
    }
  }
  return parts;
}

const HfName* find_name(const HfDialect& dialect, std::string_view pattern) noexcept {
  for (const auto names : {dialect.names, dialect.shared_names})
    for (const HfName& name : names)
      if (name.gguf == pattern) return &name;
  return nullptr;
}

/// The same for a name of a checkpoint's, and the place in the family's list.
std::optional<std::pair<HfName, std::size_t>> find_hf_name(const HfDialect& dialect,
                                                           std::string_view pattern) {
  std::size_t index = 0;
  for (const auto names : {dialect.names, dialect.shared_names})
    for (const HfName& name : names) {
      ++index;
      // A family's own name hides the shared one for the same part.
      if (name.hf == pattern && find_name(dialect, name.gguf) == &name) return std::pair(name, index);
    }
  return std::nullopt;
}

/// Norms of old BERT checkpoints call their weight gamma and their bias beta.
std::string_view modern_ending(std::string_view ending) noexcept {
  return ending == ".gamma" ? ".weight" : ending == ".beta" ? ".bias" : ending;
}

std::size_t number_or_zero(std::string_view digits) noexcept {
  return static_cast<std::size_t>(std::max<std::int64_t>(0, parse_int(digits).value_or(0)));
}

struct Found {
  std::string_view architecture;
  const HfDialect* dialect = nullptr;
};

/// The family that a model_type belongs to.
Found find_dialect(std::string_view model_type, const std::filesystem::path& path) {
  std::string known;
  const auto find_in = [&](const auto& families) -> Found {
    for (const auto* family : families)
      for (const std::string_view type : family->hf.model_types) {
        if (type == model_type) return {family->architecture, &family->hf};
        known += cat(known.empty() ? "" : ", ", type);
      }
    return {};
  };
  if (const Found found = find_in(model_families()); found.dialect != nullptr) return found;
  if (const Found found = find_in(encoder_families()); found.dialect != nullptr) return found;
  throw Unsupported(
      cat(path.string(), model_type.empty() ? ": config.json names no model_type" : ": model_type \"",
          model_type, model_type.empty() ? "" : "\" is not known", "; those that work are ", known));
}

/// The part of config.json that describes the language model: models that see images keep it apart.
const JsonObject& text_config(const JsonObject& config) {
  const JsonObject* inner = get_object(config, "text_config");
  return inner == nullptr ? config : *inner;
}

Tensor plus_one(const Tensor& tensor) {
  const std::size_t n = tensor.shape().n_elements();
  std::vector<float> values(n);
  dequantize_row(tensor.dtype(), tensor.bytes().data(), values.data(), n);
  for (float& value : values) value += 1.0f;
  return Tensor::from(values, tensor.shape());
}

Tensor transposed(const Tensor& tensor) {
  const std::size_t n_rows = tensor.shape()[0], n_cols = tensor.shape()[1];
  const std::size_t size = dtype_info(tensor.dtype()).block_bytes;  // safetensors know no blocks of several
  Tensor result = Tensor::zeros(tensor.dtype(), Shape{n_cols, n_rows});
  const std::byte* from = tensor.bytes().data();
  std::byte* to = result.mutable_bytes().data();
  for (std::size_t r = 0; r < n_rows; ++r)
    for (std::size_t c = 0; c < n_cols; ++c)
      std::copy_n(from + (r * n_cols + c) * size, size, to + (c * n_rows + r) * size);
  return result;
}

/// [n_heads, 3, head_dim] rows, or elements of a bias, become [3, n_heads, head_dim].
Tensor heads_apart(const Tensor& tensor, std::size_t n_heads) {
  const std::size_t n_rows = tensor.shape()[0];
  if (n_heads == 0 || n_rows % (3 * n_heads) != 0)
    throw CorruptData(cat(n_rows, " rows of queries, keys and values for ", n_heads, " heads"));
  const std::size_t head_bytes = tensor.size_bytes() / (3 * n_heads);
  Tensor result = Tensor::zeros(tensor.dtype(), tensor.shape());
  for (std::size_t h = 0; h < n_heads; ++h)
    for (std::size_t part = 0; part < 3; ++part)
      std::ranges::copy(tensor.bytes().subspan((h * 3 + part) * head_bytes, head_bytes),
                        result.mutable_bytes().subspan((part * n_heads + h) * head_bytes).begin());
  return result;
}

}  // namespace

HfSource::HfSource(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {
  if (checkpoint_.config() == nullptr)
    throw InvalidArgument(cat(checkpoint_.path().string(), " is no Hugging Face folder"));
  const std::filesystem::path& path = checkpoint_.path();
  try {
    const JsonObject& config = *checkpoint_.config();
    const Found found = find_dialect(checkpoint_.architecture(), path);
    architecture_ = found.architecture;
    dialect_ = found.dialect;
    if (const JsonObject* quantized = get_object(config, "quantization_config")) {
      throw Unsupported(cat("its weights are quantized (",
                            get_string(*quantized, "quant_method").value_or("?"),
                            "); folders are read with weights of f32, f16 or bf16, quantized ones as GGUF"));
    }
    HfConfig read = read_hf_config(text_config(config), *dialect_);
    settings_ = std::move(read.settings);
    computed_ = std::move(read.tensors);
    is_tied_ = get_bool(text_config(config), "tie_word_embeddings")
                   .value_or(get_bool(config, "tie_word_embeddings").value_or(false));
    std::error_code ignored;
    const auto folder = std::filesystem::is_directory(path, ignored) ? path : path.parent_path();
    if (const auto pooling = read_hf_pooling(folder)) settings_.set("pooling_type", *pooling);
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat(path.string(), ": ", error.what()));
  } catch (const Unsupported& error) {
    const std::string_view what = error.what();
    if (what.starts_with(path.string())) throw;
    throw Unsupported(cat(path.string(), ": ", what));
  }
}

std::string HfSource::name() const {
  const auto named = get_string(*checkpoint_.config(), "_name_or_path");
  if (named && !named->empty()) return sanitize_utf8(*named);
  const auto path = checkpoint_.path().lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

std::optional<std::int64_t> HfSource::integer(std::string_view key) const {
  const auto* value = settings_.find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<std::int64_t>(value)) return *whole;
  throw CorruptData(cat(name(), ": ", key, " is no whole number"));
}
std::optional<double> HfSource::number(std::string_view key) const {
  const auto* value = settings_.find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* real = std::get_if<double>(value)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  throw CorruptData(cat(name(), ": ", key, " is no number"));
}
std::optional<bool> HfSource::boolean(std::string_view key) const {
  const auto* value = settings_.find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* flag = std::get_if<bool>(value)) return *flag;
  throw CorruptData(cat(name(), ": ", key, " is neither true nor false"));
}
std::optional<std::string> HfSource::text(std::string_view key) const {
  const auto* value = settings_.find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* words = std::get_if<std::string>(value)) return *words;
  throw CorruptData(cat(name(), ": ", key, " is no text"));
}
std::optional<std::vector<std::int64_t>> HfSource::integers(std::string_view) const {
  return std::nullopt;  // config.json has lists for no setting that families ask for
}
std::optional<std::vector<float>> HfSource::numbers(std::string_view) const {
  return std::nullopt;
}

std::optional<Tensor> HfSource::changed(Tensor tensor, HfChange change) const {
  switch (change) {
    case HfChange::none: return tensor;
    case HfChange::plus_one: return plus_one(tensor);
    case HfChange::transposed: return tensor.shape().rank() == 2 ? transposed(tensor) : tensor;
    case HfChange::interleaved_heads:
      if (tensor.shape().rank() == 0) return tensor;
      return heads_apart(tensor, static_cast<std::size_t>(
                                     std::max<std::int64_t>(0, integer("attention.head_count").value_or(0))));
  }
  return tensor;
}

/// A tensor of the files that the family reads.
struct HfSource::Stored {
  const TensorInfo* info = nullptr;
  std::string name;         // GGUF's
  bool is_dropped = false;  // an output matrix that the embedding stands in for
  HfChange change = HfChange::none;
  std::size_t block = 0;  // from 1; 0 for one outside the blocks
  std::size_t place = 0;  // in the family's list
  std::size_t expert = 0;
};

std::optional<HfSource::Stored> HfSource::find_stored(std::string_view wanted) const {
  const NameParts parts = take_apart(wanted);
  if (is_tied_ && parts.pattern == "output") return std::nullopt;
  const HfName* known = find_name(*dialect_, parts.pattern);
  if (known == nullptr) return std::nullopt;
  const std::string stem =
      replace_all(replace_all(std::string(known->hf), "{b}", parts.block), "{e}", parts.expert);
  const std::string_view old_ending = parts.ending == ".weight" ? ".gamma" : ".beta";
  for (const std::string_view ending : {std::string_view(parts.ending), old_ending}) {
    const std::string full = cat(stem, ending);
    for (const std::string& candidate :
         {full,
          full.starts_with(dialect_->optional_prefix) ? full.substr(dialect_->optional_prefix.size()) : full,
          cat("language_model.", full)}) {
      if (const TensorInfo* info = checkpoint_.find_tensor(candidate))
        return Stored{.info = info, .name = std::string(wanted), .change = known->change};
    }
  }
  return std::nullopt;
}

std::optional<Tensor> HfSource::find_tensor(std::string_view wanted) const {
  if (const auto at = computed_.find(wanted); at != computed_.end()) return at->second;
  const auto found = find_stored(wanted);
  return found ? changed(checkpoint_.tensor(found->info->name), found->change) : std::nullopt;
}

std::vector<HfSource::Stored> HfSource::stored_tensors() const {
  constexpr std::string_view kOuter = "language_model.";
  std::vector<Stored> all;
  for (const TensorInfo& info : checkpoint_.tensors()) {
    const bool is_inner = info.name.starts_with(kOuter);
    for (const std::string& candidate : {is_inner ? info.name.substr(kOuter.size()) : info.name,
                                         cat(is_inner ? "" : dialect_->optional_prefix, info.name)}) {
      const NameParts parts = take_apart(candidate);
      const std::string_view ending = modern_ending(parts.ending);
      const auto known = find_hf_name(*dialect_, parts.pattern);
      if (!known || (ending != ".weight" && ending != ".bias")) continue;
      Stored found{.info = &info,
                   .name = cat(replace_all(replace_all(std::string(known->first.gguf), "{b}", parts.block),
                                           "{e}", parts.expert),
                               ending),
                   .is_dropped = is_tied_ && known->first.gguf == "output",
                   .change = known->first.change,
                   .block = parts.block.empty() ? 0 : number_or_zero(parts.block) + 1,
                   .place = known->second,
                   .expert = number_or_zero(parts.expert)};
      all.push_back(std::move(found));
      break;
    }
  }
  // Of two that share their bytes files may hold one alone, under the other's name.
  for (const auto names : {dialect_->names, dialect_->shared_names})
    for (const HfName& name : names)
      if (name.gguf.find('{') == std::string_view::npos &&
          std::ranges::find(all, cat(name.gguf, ".weight"), &Stored::name) == all.end()) {
        if (auto found = find_stored(cat(name.gguf, ".weight"))) all.push_back(*std::move(found));
      }
  std::ranges::sort(all, {}, [](const Stored& s) {
    return std::tuple(s.block, s.place, s.expert, std::string_view(s.name));
  });
  // The same part under two names: the one that find_tensor takes is as good as the other.
  const auto twins = std::ranges::unique(all, {}, &Stored::name);
  all.erase(twins.begin(), twins.end());
  return all;
}

std::vector<TensorInfo> HfSource::tensors() const {
  std::vector<TensorInfo> result;
  for (const auto& [name, tensor] : computed_)
    result.push_back({.name = name, .shape = tensor.shape(), .dtype = tensor.dtype()});
  for (const Stored& stored : stored_tensors()) {
    if (stored.is_dropped) continue;
    TensorInfo info{.name = stored.name, .shape = stored.info->shape, .dtype = stored.info->dtype};
    if (stored.change == HfChange::plus_one) info.dtype = DType::f32;
    if (stored.change == HfChange::transposed && info.shape.rank() == 2)
      info.shape = Shape{info.shape[1], info.shape[0]};
    result.push_back(std::move(info));
  }
  return result;
}

std::vector<std::string> HfSource::unread_tensors() const {
  std::vector<const TensorInfo*> read;
  for (const Stored& stored : stored_tensors()) read.push_back(stored.info);
  std::ranges::sort(read);
  std::vector<std::string> names;
  for (const TensorInfo& info : checkpoint_.tensors())
    if (!std::ranges::binary_search(read, &info)) names.push_back(info.name);
  return names;
}

std::unique_ptr<ModelSource> make_model_source(Checkpoint checkpoint) {
  if (checkpoint.gguf() != nullptr) return std::make_unique<GgufSource>(*checkpoint.gguf());
  return std::make_unique<HfSource>(std::move(checkpoint));
}

std::unique_ptr<ModelSource> open_model_source(const std::filesystem::path& path) {
  return make_model_source(Checkpoint::open(path));
}

}  // namespace quintet
