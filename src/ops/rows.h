#pragma once

#include <span>

#include "kernels/packed_matrix.h"
#include "ops/compute.h"
#include "tensor/tensor.h"

namespace quintet {

/// RMSNorm over the last axis: y = x / sqrt(mean(x²) + eps) · weight   (arXiv:1910.07467, eq. 4)
///   x, y    [n_rows, dim]  f32; y may be x
///   weight  [dim]          f32
/// Throws InvalidArgument when sizes disagree.
void rms_norm(Compute& compute, MatrixView<const float> x, std::span<const float> weight, float eps,
              MatrixView<float> y);

/// LayerNorm over the last axis (arXiv:1607.06450); weight and bias may be empty.
void layer_norm(Compute& compute, MatrixView<const float> x, std::span<const float> weight,
                std::span<const float> bias, float eps, MatrixView<float> y);

/// y = a + b, all [n_rows, dim]; y may be a or b.
void add(Compute& compute, MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> y);

/// The activation of an MLP: x / (1 + exp(-x)); x · Φ(x) in its tanh form; x · Φ(x) by erf
/// (arXiv:1606.08415).
enum class Activation : std::uint8_t { silu, gelu_tanh, gelu_erf };

/// y = function(x), all [n_rows, dim]; y may be x.
void activate(Compute& compute, Activation activation, MatrixView<const float> x, MatrixView<float> y);

/// y = activation(gate) · up, all [n_rows, dim]; y may be gate or up.
void gated_activation(Compute& compute, Activation activation, MatrixView<const float> gate,
                      MatrixView<const float> up, MatrixView<float> y);

/// y = cap · tanh(x / cap), all [n_rows, dim]; y may be x.
void softcap(Compute& compute, MatrixView<const float> x, float cap, MatrixView<float> y);

/// Rows of an embedding table of any weight type, as f32 times `factor`.
///   table [vocab_size, dim];  ids [n_rows];  y [n_rows, dim]
/// Throws InvalidArgument for an id outside the table.
void embed(Compute& compute, const Tensor& table, std::span<const std::uint32_t> ids, float factor,
           MatrixView<float> y);
/// The same bits out of a packed table, which is one that the output is computed with too.
void embed(Compute& compute, const kernels::PackedMatrix& table, std::span<const std::uint32_t> ids,
           float factor, MatrixView<float> y);

}  // namespace quintet
