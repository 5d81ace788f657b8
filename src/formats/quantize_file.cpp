#include "formats/quantize_file.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "core/error.h"
#include "core/text.h"
#include "formats/checkpoint.h"
#include "formats/gguf_writer.h"
#include "formats/importance_matrix.h"
#include "formats/quantize_mixture.h"
#include "tensor/dequantize.h"
#include "tensor/quantize.h"

namespace quintet {

namespace {

constexpr std::size_t kWeightsAtATime = std::size_t{4} << 20;

struct Squares {
  double error = 0;
  double weights = 0;
};

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

DType target_type(const TensorInfo& info, const QuantizationMixture& mixture, const MixtureModel& model,
                  const QuantizeFileOptions& options) {
  if (!is_weight_type(info.dtype) || !is_quantized_by_mixture(info.name, info.shape)) return info.dtype;
  if (info.name == "output.weight" && options.output_type)
    return type_that_fits(*options.output_type, info.shape.back());
  if (info.name == "token_embd.weight" && options.token_embedding_type)
    return type_that_fits(*options.token_embedding_type, info.shape.back());
  return mixture_type(mixture, info.name, info.shape, model, options.is_pure);
}

/// Quantizes the rows of one tensor, some at a time, on several threads.
class RowQuantizer {
 public:
  RowQuantizer(const Tensor& from, DType to, std::string_view name, std::span<const float> importance,
               std::size_t n_threads)
      : from_(from),
        to_(to),
        name_(name),
        importance_(importance),
        n_columns_(from.shape().back()),
        n_threads_(n_threads) {
    // One row of importance for each of the stacked matrices, or none that fits.
    const std::size_t n_matrices = from.shape().rank() > 2 ? from.shape()[0] : 1;
    if (importance_.size() == n_matrices * n_columns_)
      rows_per_matrix_ = from.shape().n_rows() / n_matrices;
    else if (!importance_.empty())
      throw InvalidArgument(cat("the importance of ", shown_name(name), " has ", importance_.size(),
                                " numbers, but the tensor is ", from.shape().to_string()));
  }

  /// Rows [begin, end) into `out`.
  Squares run(std::size_t begin, std::size_t end, std::span<std::byte> out) {
    const std::size_t row_size = row_bytes(to_, n_columns_);
    // Pieces don't depend on the number of threads, nor does the order in which their errors are summed.
    const std::size_t rows_per_piece = std::max<std::size_t>(1, (std::size_t{64} << 10) / n_columns_);
    const std::size_t n_pieces = (end - begin + rows_per_piece - 1) / rows_per_piece;
    std::vector<Squares> squares(n_pieces);
    std::vector<std::exception_ptr> problems(n_pieces);
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      std::vector<float> x(n_columns_);
      std::vector<float> back(n_columns_);
      for (std::size_t piece = next++; piece < n_pieces; piece = next++) {
        try {
          const std::size_t first = begin + piece * rows_per_piece;
          for (std::size_t r = first; r < std::min(end, first + rows_per_piece); ++r)
            quantize_one(r, x, back, out.subspan((r - begin) * row_size, row_size), squares[piece]);
        } catch (...) {
          problems[piece] = std::current_exception();
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 1; t < std::min(n_threads_, n_pieces); ++t) threads.emplace_back(work);
      work();
    }
    Squares total;
    for (std::size_t piece = 0; piece < n_pieces; ++piece) {
      if (problems[piece]) std::rethrow_exception(problems[piece]);
      total.error += squares[piece].error;
      total.weights += squares[piece].weights;
    }
    return total;
  }

 private:
  void quantize_one(std::size_t r, std::span<float> x, std::span<float> back, std::span<std::byte> out,
                    Squares& squares) const {
    dequantize_row(from_.dtype(), from_.row(r).data(), x.data(), n_columns_);
    std::span<const float> importance;
    if (!importance_.empty()) importance = importance_.subspan(r / rows_per_matrix_ * n_columns_, n_columns_);
    try {
      quantize_row(to_, x, out.data(), importance);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(cat("tensor ", shown_name(name_), ", row ", r, ": ", error.what()));
    }
    dequantize_row(to_, out.data(), back.data(), n_columns_);
    for (std::size_t i = 0; i < n_columns_; ++i) {
      const double w = static_cast<double>(x[i]);
      const double e = w - static_cast<double>(back[i]);
      squares.error += e * e;
      squares.weights += w * w;
    }
  }

  const Tensor& from_;
  DType to_;
  std::string_view name_;
  std::span<const float> importance_;
  std::size_t n_columns_;
  std::size_t rows_per_matrix_ = 0;
  std::size_t n_threads_;
};

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

/// Writes one tensor and says what it lost.
QuantizedTensor write_tensor(GgufWriter& writer, const GgufFile& file, const TensorInfo& info, DType to,
                             std::span<const float> importance, std::size_t n_threads,
                             const std::stop_token& stop) {
  QuantizedTensor result{info.name, info.shape, info.dtype, to, 0, 0, 0};
  result.n_bytes = info.shape.n_rows() * row_bytes(to, info.shape.back());
  const Tensor tensor = file.tensor(info.name);
  if (to == info.dtype) {
    writer.write_tensor(info.name, tensor.bytes());
    return result;
  }
  RowQuantizer quantizer(tensor, to, info.name, importance, n_threads);
  const std::size_t n_rows = info.shape.n_rows();
  const std::size_t rows_at_a_time = std::max<std::size_t>(1, kWeightsAtATime / info.shape.back());
  std::vector<std::byte> out;
  Squares total;
  for (std::size_t r = 0; r < n_rows; r += rows_at_a_time) {
    if (stop.stop_requested()) throw Cancelled("quantizing was stopped");
    const std::size_t end = std::min(n_rows, r + rows_at_a_time);
    out.resize((end - r) * row_bytes(to, info.shape.back()));
    const Squares squares = quantizer.run(r, end, out);
    total.error += squares.error;
    total.weights += squares.weights;
    writer.write_tensor(info.name, out);
  }
  release_pages(*tensor.storage(), tensor.bytes());
  result.rmse = std::sqrt(total.error / static_cast<double>(info.shape.n_elements()));
  result.relative_rmse = total.weights > 0 ? std::sqrt(total.error / total.weights) : 0;
  return result;
}

}  // namespace

QuantizeReport quantize_checkpoint(const std::filesystem::path& in, const std::filesystem::path& out,
                                   const QuantizeFileOptions& options, const QuantizeProgress& progress,
                                   const std::stop_token& stop) {
  const QuantizationMixture* mixture = find_mixture(options.type);
  if (mixture == nullptr)
    throw InvalidArgument(
        cat("there is no type ", options.type, " to quantize to; there are ", mixture_names()));
  for (const auto& type : {options.output_type, options.token_embedding_type})
    if (type && !is_quantizable_type(*type))
      throw InvalidArgument(cat("can't quantize to ", dtype_name(*type), ": it is no type of weights"));
  const Checkpoint checkpoint = Checkpoint::open(in);
  if (checkpoint.gguf() == nullptr)
    throw Unsupported(cat(in.string(), " is no GGUF file; only GGUF files are quantized to GGUF files"));
  const GgufFile& file = *checkpoint.gguf();
  ImportanceMatrix importance;
  if (!options.importance.empty()) importance = ImportanceMatrix::open(options.importance);

  const MixtureModel model = describe(file, importance.size() != 0);
  GgufWriter writer(out);
  write_metadata(writer, file, *mixture);
  std::vector<DType> types;
  for (const TensorInfo& info : file.tensors()) {
    const DType to = target_type(info, *mixture, model, options);
    if (to != info.dtype && dtype_info(info.dtype).is_quantized && !options.allows_requantizing) {
      throw InvalidArgument(
          cat("tensor ", shown_name(info.name), " is ", dtype_name(info.dtype),
              " already; quantizing it again would lose twice. Start from f32, f16 or bf16, or "
              "allow it"));
    }
    types.push_back(to);
    writer.add_tensor(info.name, to, info.shape);
  }

  QuantizeReport report;
  const std::size_t total = checkpoint.n_parameters();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const TensorInfo& info = file.tensors()[i];
    if (stop.stop_requested()) throw Cancelled("quantizing was stopped");
    report.tensors.push_back(write_tensor(writer, file, info, types[i], importance.find(info.name),
                                          std::max<std::size_t>(1, options.n_threads), stop));
    report.n_parameters += info.shape.n_elements();
    report.n_bytes += report.tensors.back().n_bytes;
    if (progress) progress(report.tensors.back(), report.n_parameters, total);
  }
  writer.finish();
  return report;
}

}  // namespace quintet
