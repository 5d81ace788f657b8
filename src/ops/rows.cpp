#include "ops/rows.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "tensor/dequantize.h"

namespace quintet {

namespace {

// Below this many floats a second thread costs more than it brings.
constexpr std::size_t kTaskFloats = 8'192;

template <typename F>
void for_rows(Compute& compute, std::size_t n_rows, std::size_t dim, const F& row) {
  const std::size_t rows_per_task = std::max<std::size_t>(1, kTaskFloats / std::max<std::size_t>(1, dim));
  const std::size_t n_tasks = (n_rows + rows_per_task - 1) / rows_per_task;
  compute.team.for_each(n_tasks, [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(n_rows, (task + 1) * rows_per_task);
    for (std::size_t r = task * rows_per_task; r < end; ++r) row(r);
  });
}

void require_same(const char* name, MatrixView<const float> a, MatrixView<const float> b) {
  if (a.rows != b.rows || a.cols != b.cols) {
    throw InvalidArgument(
        cat(name, ": [", a.rows, ", ", a.cols, "] and [", b.rows, ", ", b.cols, "] differ"));
  }
}

void require_size(const char* name, const char* what, std::size_t got, std::size_t dim) {
  if (got != dim) throw InvalidArgument(cat(name, ": ", what, " has ", got, " elements, x has dim ", dim));
}

/// `ids` name rows of a table [vocab_size, dim] that fit into `y`.
void require_rows(std::span<const std::uint32_t> ids, std::size_t vocab_size, std::size_t dim,
                  MatrixView<const float> y) {
  if (y.rows != ids.size()) throw InvalidArgument(cat("embed: ", ids.size(), " ids for ", y.rows, " rows"));
  require_size("embed", "the table's row", dim, y.cols);
  for (const std::uint32_t id : ids) {
    if (id >= vocab_size) {
      throw InvalidArgument(cat("there is no token ", id, ": the vocabulary has ", vocab_size));
    }
  }
}

}  // namespace

void rms_norm(Compute& compute, MatrixView<const float> x, std::span<const float> weight, float eps,
              MatrixView<float> y) {
  require_same("rms_norm", x, y);
  require_size("rms_norm", "weight", weight.size(), x.cols);
  for_rows(compute, x.rows, x.cols, [&](std::size_t r) {
    compute.vector.rms_norm(x.row(r).data(), weight.data(), eps, y.row(r).data(), x.cols);
  });
}

void layer_norm(Compute& compute, MatrixView<const float> x, std::span<const float> weight,
                std::span<const float> bias, float eps, MatrixView<float> y) {
  require_same("layer_norm", x, y);
  if (!weight.empty()) require_size("layer_norm", "weight", weight.size(), x.cols);
  if (!bias.empty()) require_size("layer_norm", "bias", bias.size(), x.cols);
  for_rows(compute, x.rows, x.cols, [&](std::size_t r) {
    compute.vector.layer_norm(x.row(r).data(), weight.empty() ? nullptr : weight.data(),
                              bias.empty() ? nullptr : bias.data(), eps, y.row(r).data(), x.cols);
  });
}

void add(Compute& compute, MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> y) {
  require_same("add", a, b);
  require_same("add", a, y);
  for_rows(compute, a.rows, a.cols, [&](std::size_t r) {
    compute.vector.add(a.row(r).data(), b.row(r).data(), y.row(r).data(), a.cols);
  });
}

void activate(Compute& compute, Activation activation, MatrixView<const float> x, MatrixView<float> y) {
  require_same("activate", x, y);
  const auto function = activation == Activation::silu        ? compute.vector.silu
                        : activation == Activation::gelu_tanh ? compute.vector.gelu_tanh
                                                              : compute.vector.gelu_erf;
  for_rows(compute, x.rows, x.cols,
           [&](std::size_t r) { function(x.row(r).data(), y.row(r).data(), x.cols); });
}

void softcap(Compute& compute, MatrixView<const float> x, float cap, MatrixView<float> y) {
  require_same("softcap", x, y);
  if (!(cap > 0.0f)) throw InvalidArgument(cat("softcap: the cap is ", cap, ", it must be positive"));
  for_rows(compute, x.rows, x.cols,
           [&](std::size_t r) { compute.vector.softcap(x.row(r).data(), cap, y.row(r).data(), x.cols); });
}

void gated_activation(Compute& compute, Activation activation, MatrixView<const float> gate,
                      MatrixView<const float> up, MatrixView<float> y) {
  require_same("gated_activation", gate, up);
  require_same("gated_activation", gate, y);
  const auto function = activation == Activation::silu        ? compute.vector.silu_mul
                        : activation == Activation::gelu_tanh ? compute.vector.gelu_tanh_mul
                                                              : compute.vector.gelu_erf_mul;
  for_rows(compute, gate.rows, gate.cols, [&](std::size_t r) {
    function(gate.row(r).data(), up.row(r).data(), y.row(r).data(), gate.cols);
  });
}

void embed(Compute& compute, const Tensor& table, std::span<const std::uint32_t> ids, float factor,
           MatrixView<float> y) {
  require_rows(ids, table.shape().n_rows(), table.shape().back(), y);
  for_rows(compute, ids.size(), y.cols, [&](std::size_t r) {
    float* row = y.row(r).data();
    dequantize_row(table.dtype(), table.row(ids[r]).data(), row, y.cols);
    if (factor != 1.0f) compute.vector.scale(row, factor, row, y.cols);
  });
}

void embed(Compute& compute, const kernels::PackedMatrix& table, std::span<const std::uint32_t> ids,
           float factor, MatrixView<float> y) {
  require_rows(ids, table.n_rows(), table.n_cols(), y);
  for_rows(compute, ids.size(), y.cols, [&](std::size_t r) {
    float* row = y.row(r).data();
    kernels::dequantize_packed_row(table, ids[r], row);
    if (factor != 1.0f) compute.vector.scale(row, factor, row, y.cols);
  });
}

}  // namespace quintet
