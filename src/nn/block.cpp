#include "nn/block.h"

namespace quintet {

void PreNormBlock::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                           std::span<const Rotation> rotations, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  const auto normed = compute.scratch.take_matrix(x.rows, x.cols);
  const auto change = compute.scratch.take_matrix(x.rows, x.cols);
  attention_norm.forward(compute, x, normed);
  attention.forward(compute, batch, layer, rotations, normed, change);
  add(compute, x, change, x);
  mlp_norm.forward(compute, x, normed);
  quintet::forward(mlp, compute, normed, change);
  add(compute, x, change, x);
}

void ParallelBlock::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                            std::span<const Rotation> rotations, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  const auto normed = compute.scratch.take_matrix(x.rows, x.cols);
  const auto attended = compute.scratch.take_matrix(x.rows, x.cols);
  const auto change = compute.scratch.take_matrix(x.rows, x.cols);
  attention_norm.forward(compute, x, normed);
  attention.forward(compute, batch, layer, rotations, normed, attended);
  mlp_norm.forward(compute, x, normed);
  quintet::forward(mlp, compute, normed, change);
  add(compute, x, change, x);
  add(compute, x, attended, x);
}

void SandwichBlock::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                            std::span<const Rotation> rotations, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  const auto normed = compute.scratch.take_matrix(x.rows, x.cols);
  const auto change = compute.scratch.take_matrix(x.rows, x.cols);
  attention_norm.forward(compute, x, normed);
  attention.forward(compute, batch, layer, rotations, normed, change);
  attention_post_norm.forward(compute, change, change);
  add(compute, x, change, x);
  mlp_norm.forward(compute, x, normed);
  quintet::forward(mlp, compute, normed, change);
  mlp_post_norm.forward(compute, change, change);
  add(compute, x, change, x);
}

void BranchNormBlock::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                              std::span<const Rotation> rotations, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  const auto change = compute.scratch.take_matrix(x.rows, x.cols);
  attention.forward(compute, batch, layer, rotations, x, change);
  attention_post_norm.forward(compute, change, change);
  add(compute, x, change, x);
  quintet::forward(mlp, compute, x, change);
  mlp_post_norm.forward(compute, change, change);
  add(compute, x, change, x);
}

void PostNormBlock::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                            std::span<const Rotation> rotations, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  const auto change = compute.scratch.take_matrix(x.rows, x.cols);
  attention.forward(compute, batch, layer, rotations, x, change);
  add(compute, x, change, x);
  attention_norm.forward(compute, x, x);
  quintet::forward(mlp, compute, x, change);
  add(compute, x, change, x);
  mlp_norm.forward(compute, x, x);
}

}  // namespace quintet
