#include "formats/quantize_file.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "formats/checkpoint.h"
#include "formats/gguf_writer.h"
#include "formats/importance_matrix.h"
#include "tensor/quantize.h"

namespace quintet {

namespace {

/// The first number of a key that some models give for each layer.
std::int64_t first_integer(const GgufFile& file, const std::string& key, std::int64_t otherwise) {
  const GgufEntry* entry = file.find(key);
  if (entry == nullptr) return otherwise;
  if (!std::holds_alternative<GgufArray>(entry->value)) return file.integer(key).value_or(otherwise);
  const auto values = file.integers(key);
  return values && !values->empty() ? values->front() : otherwise;
}

MixtureModel describe(const GgufFile& file, bool has_importance) {
  const std::string prefix = cat(file.architecture(), ".");
  MixtureModel model;
  const auto positive = [](std::int64_t n) { return static_cast<std::size_t>(std::max<std::int64_t>(n, 0)); };
  model.n_layers = positive(first_integer(file, prefix + "block_count", 0));
  model.n_experts = positive(first_integer(file, prefix + "expert_count", 0));
  const std::int64_t n_heads = first_integer(file, prefix + "attention.head_count", 1);
  const std::int64_t n_kv_heads = first_integer(file, prefix + "attention.head_count_kv", n_heads);
  model.queries_per_kv = n_kv_heads > 0 ? positive(n_heads / n_kv_heads) : 1;
  model.has_tied_embeddings = file.find_tensor("output.weight") == nullptr;
  model.has_importance = has_importance;
  return model;
}

/// What the copy says differently.
bool is_replaced(std::string_view key) noexcept {
  return key == "general.file_type" || key == "general.quantization_version" || key == "general.alignment" ||
         key.starts_with("split.");
}

void write_metadata(GgufWriter& writer, const GgufFile& file, const QuantizationMixture& mixture) {
  for (const GgufEntry& entry : file.metadata())
    if (!is_replaced(entry.key)) writer.copy(entry, file.version());
  writer.u32("general.file_type", mixture.file_type);
  writer.u32("general.quantization_version", 2);
}

}  // namespace

const QuantizationMixture& require_mixture(const QuantizeFileOptions& options) {
  const QuantizationMixture* mixture = find_mixture(options.type);
  if (mixture == nullptr)
    throw InvalidArgument(
        cat("there is no type ", options.type, " to quantize to; there are ", mixture_names()));
  for (const auto& type : {options.output_type, options.token_embedding_type})
    if (type && !is_quantizable_type(*type))
      throw InvalidArgument(cat("can't quantize to ", dtype_name(*type), ": it is no type of weights"));
  return *mixture;
}

QuantizeReport quantize_checkpoint(const std::filesystem::path& in, const std::filesystem::path& out,
                                   const QuantizeFileOptions& options, const QuantizeProgress& progress,
                                   const std::stop_token& stop) {
  const QuantizationMixture& mixture = require_mixture(options);
  const Checkpoint checkpoint = Checkpoint::open(in);
  if (checkpoint.gguf() == nullptr)
    throw Unsupported(cat(in.string(), " is no GGUF file; what it holds must be converted to one"));
  const GgufFile& file = *checkpoint.gguf();
  ImportanceMatrix importance;
  if (!options.importance.empty()) importance = ImportanceMatrix::open(options.importance);

  std::vector<TensorToQuantize> tensors;
  for (const TensorInfo& info : file.tensors()) {
    tensors.push_back({.name = info.name,
                       .shape = info.shape,
                       .from = info.dtype,
                       .otherwise = info.dtype,
                       .open = [&file, &info](std::size_t) { return file.tensor(info.name); }});
  }
  GgufWriter writer(out);
  write_metadata(writer, file, mixture);
  QuantizeReport report = read_unchanged(file, [&] {
    return quantize_tensors(writer, tensors, {mixture, describe(file, importance.size() != 0), importance},
                            options, progress, stop);
  });
  writer.finish();
  return report;
}

}  // namespace quintet
