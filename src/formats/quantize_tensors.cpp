#include "formats/quantize_tensors.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "core/error.h"
#include "core/text.h"
#include "formats/tensor_info.h"
#include "tensor/dequantize.h"
#include "tensor/quantize.h"

namespace quintet {

namespace {

constexpr std::size_t kWeightsAtATime = std::size_t{4} << 20;

struct Squares {
  double error = 0;
  double weights = 0;
};

DType target_type(const TensorToQuantize& tensor, const QuantizePlan& plan,
                  const QuantizeFileOptions& options) {
  if (!is_weight_type(tensor.from)) return tensor.from;
  if (!is_quantized_by_mixture(tensor.name, tensor.shape)) return tensor.otherwise;
  if (tensor.name == "output.weight" && options.output_type)
    return type_that_fits(*options.output_type, tensor.shape.back());
  if (tensor.name == "token_embd.weight" && options.token_embedding_type)
    return type_that_fits(*options.token_embedding_type, tensor.shape.back());
  return mixture_type(plan.mixture, tensor.name, tensor.shape, plan.model, options.is_pure);
}

/// Quantizes the rows of one tensor, some at a time, on several threads.
class RowQuantizer {
 public:
  /// `first_row` is that of `from` in the whole tensor.
  RowQuantizer(const Tensor& from, DType to, std::string_view name, std::size_t first_row,
               std::span<const float> importance, std::size_t n_threads)
      : from_(from),
        to_(to),
        name_(name),
        first_row_(first_row),
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
      throw InvalidArgument(cat("tensor ", shown_name(name_), ", row ", first_row_ + r, ": ", error.what()));
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
  std::size_t first_row_;
  std::span<const float> importance_;
  std::size_t n_columns_;
  std::size_t rows_per_matrix_ = 0;
  std::size_t n_threads_;
};

/// Writes one tensor and says what it lost.
QuantizedTensor write_tensor(GgufWriter& writer, const TensorToQuantize& tensor, DType to,
                             std::span<const float> importance, std::size_t n_threads,
                             const std::stop_token& stop) {
  QuantizedTensor result{tensor.name, tensor.shape, tensor.from, to, 0, 0, 0};
  result.n_bytes = tensor.shape.n_rows() * row_bytes(to, tensor.shape.back());
  std::vector<std::byte> out;
  Squares total;
  std::size_t first_row = 0;
  for (std::size_t p = 0; p < tensor.n_parts; ++p) {
    if (stop.stop_requested()) throw Cancelled("quantizing was stopped");
    const Tensor part = tensor.open(p);
    const std::size_t n_rows = part.shape().n_rows(), n_columns = part.shape().back();
    QN_CHECK(part.dtype() == tensor.from && n_columns == tensor.shape.back());
    if (to == tensor.from) {
      writer.write_tensor(tensor.name, part.bytes());
    } else {
      const std::size_t n = importance.size() / tensor.n_parts;
      RowQuantizer quantizer(part, to, tensor.name, first_row, importance.subspan(p * n, n), n_threads);
      const std::size_t rows_at_a_time = std::max<std::size_t>(1, kWeightsAtATime / n_columns);
      for (std::size_t r = 0; r < n_rows; r += rows_at_a_time) {
        if (stop.stop_requested()) throw Cancelled("quantizing was stopped");
        const std::size_t end = std::min(n_rows, r + rows_at_a_time);
        out.resize((end - r) * row_bytes(to, n_columns));
        const Squares squares = quantizer.run(r, end, out);
        total.error += squares.error;
        total.weights += squares.weights;
        writer.write_tensor(tensor.name, out);
      }
    }
    part.storage()->require_unchanged();
    release_pages(*part.storage(), part.bytes());
    first_row += n_rows;
  }
  if (to == tensor.from) return result;
  result.rmse = std::sqrt(total.error / static_cast<double>(tensor.shape.n_elements()));
  result.relative_rmse = total.weights > 0 ? std::sqrt(total.error / total.weights) : 0;
  return result;
}

}  // namespace

QuantizeReport quantize_tensors(GgufWriter& writer, std::span<const TensorToQuantize> tensors,
                                const QuantizePlan& plan, const QuantizeFileOptions& options,
                                const QuantizeProgress& progress, const std::stop_token& stop) {
  std::vector<DType> types;
  std::size_t n_parameters = 0;
  for (const TensorToQuantize& tensor : tensors) {
    const DType to = target_type(tensor, plan, options);
    if (to != tensor.from && dtype_info(tensor.from).is_quantized && !options.allows_requantizing) {
      throw InvalidArgument(
          cat("tensor ", shown_name(tensor.name), " is ", dtype_name(tensor.from),
              " already; quantizing it again would lose twice. Start from f32, f16 or bf16, or "
              "allow it"));
    }
    types.push_back(to);
    n_parameters += tensor.shape.n_elements();
    writer.add_tensor(tensor.name, to, tensor.shape);
  }
  QuantizeReport report;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (stop.stop_requested()) throw Cancelled("quantizing was stopped");
    const auto importance = plan.importance.find(tensors[i].name);
    report.tensors.push_back(write_tensor(writer, tensors[i], types[i], importance,
                                          std::max<std::size_t>(1, options.n_threads), stop));
    report.n_parameters += tensors[i].shape.n_elements();
    report.n_bytes += report.tensors.back().n_bytes;
    if (progress) progress(report.tensors.back(), report.n_parameters, n_parameters);
  }
  return report;
}

}  // namespace quintet
