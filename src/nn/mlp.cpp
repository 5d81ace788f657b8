#include "nn/mlp.h"

namespace quintet {

void GatedMlp::forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const {
  const Scratch::Scope scope(compute.scratch);
  const auto gates = compute.scratch.take_matrix(x.rows, gate.n_out());
  const auto ups = compute.scratch.take_matrix(x.rows, up.n_out());
  const LinearPart parts[] = {gate.into(gates), up.into(ups)};
  linear(compute, x, parts);
  gated_activation(compute, activation, gates, ups, gates);
  linear(compute, gates, down.into(out));
}

void PlainMlp::forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const {
  const Scratch::Scope scope(compute.scratch);
  const auto inner = compute.scratch.take_matrix(x.rows, up.n_out());
  linear(compute, x, up.into(inner));
  activate(compute, activation, inner, inner);
  linear(compute, inner, down.into(out));
}

}  // namespace quintet
