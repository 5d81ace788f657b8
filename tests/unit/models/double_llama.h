#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/source.h"
#include "tensor/dequantize.h"

namespace quintet {

/// Llama's forward pass in double precision, token by token and without a cache of pages, tiles or threads:
/// written from the papers alone, to compare with. Weights are what dequantize_row says they are.
class DoubleLlama {
 public:
  explicit DoubleLlama(const ModelSource& source, bool has_pairs = true)
      : source_(source), has_pairs_(has_pairs) {
    n_layers_ = source.require_count("block_count");
    n_heads_ = source.require_count("attention.head_count");
    n_kv_heads_ = static_cast<std::size_t>(
        source.integer("attention.head_count_kv").value_or(static_cast<std::int64_t>(n_heads_)));
    dim_ = source.require_count("embedding_length");
    head_dim_ = static_cast<std::size_t>(
        source.integer("attention.key_length").value_or(static_cast<std::int64_t>(dim_ / n_heads_)));
    eps_ = source.number("attention.layer_norm_rms_epsilon").value_or(1e-5);
    theta_ = source.number("rope.freq_base").value_or(10'000.0);
    keys_.resize(n_layers_);
    values_.resize(n_layers_);
  }

  /// Logits after one more token.
  std::vector<double> next(std::uint32_t token) {
    const std::size_t position = n_tokens_++;
    const Matrix embedding = matrix("token_embd.weight");
    std::vector<double> x(embedding.values.begin() + static_cast<std::ptrdiff_t>(token * dim_),
                          embedding.values.begin() + static_cast<std::ptrdiff_t>((token + 1) * dim_));
    for (std::size_t layer = 0; layer < n_layers_; ++layer) {
      const std::string name = "blk." + std::to_string(layer) + ".";
      const auto normed = norm(x, name + "attn_norm.weight");
      auto q = product(name + "attn_q", normed), k = product(name + "attn_k", normed),
           v = product(name + "attn_v", normed);
      per_head_norm(q, name + "attn_q_norm.weight");
      per_head_norm(k, name + "attn_k_norm.weight");
      rotate(q, position);
      rotate(k, position);
      keys_[layer].push_back(k);
      values_[layer].push_back(v);
      std::vector<double> attended(n_heads_ * head_dim_);
      for (std::size_t h = 0; h < n_heads_; ++h) {
        const std::size_t kv = h / (n_heads_ / n_kv_heads_);
        std::vector<double> scores(position + 1);
        for (std::size_t p = 0; p <= position; ++p) {
          for (std::size_t d = 0; d < head_dim_; ++d)
            scores[p] += q[h * head_dim_ + d] * keys_[layer][p][kv * head_dim_ + d];
          scores[p] /= std::sqrt(static_cast<double>(head_dim_));
        }
        const double most = *std::max_element(scores.begin(), scores.end());
        double sum = 0.0;
        for (double& score : scores) sum += score = std::exp(score - most);
        for (std::size_t p = 0; p <= position; ++p)
          for (std::size_t d = 0; d < head_dim_; ++d)
            attended[h * head_dim_ + d] += scores[p] / sum * values_[layer][p][kv * head_dim_ + d];
      }
      add(x, product(name + "attn_output", attended));
      const auto inner = norm(x, name + "ffn_norm.weight");
      auto gate = product(name + "ffn_gate", inner);
      const auto up = product(name + "ffn_up", inner);
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1.0 + std::exp(-gate[i])) * up[i];
      add(x, product(name + "ffn_down", gate));
    }
    return product(source_.find_tensor("output.weight") ? "output" : "token_embd",
                   norm(x, "output_norm.weight"));
  }

 private:
  struct Matrix {
    std::size_t n_rows = 0, n_cols = 0;
    std::vector<float> values;
  };

  Matrix matrix(const std::string& name) const {
    const auto tensor = source_.find_tensor(name);
    if (!tensor) return {};
    Matrix m{tensor->shape().n_rows(), tensor->shape().back(),
             std::vector<float>(tensor->shape().n_elements())};
    for (std::size_t r = 0; r < m.n_rows; ++r)
      dequantize_row(tensor->dtype(), tensor->row(r).data(), m.values.data() + r * m.n_cols, m.n_cols);
    return m;
  }
  std::vector<double> product(const std::string& name, const std::vector<double>& x) const {
    const Matrix w = matrix(name + ".weight"), bias = matrix(name + ".bias");
    std::vector<double> y(w.n_rows);
    for (std::size_t r = 0; r < w.n_rows; ++r) {
      for (std::size_t c = 0; c < w.n_cols; ++c)
        y[r] += static_cast<double>(w.values[r * w.n_cols + c]) * x[c];
      if (!bias.values.empty()) y[r] += bias.values[r];
    }
    return y;
  }
  static void normalise(double* x, const float* weight, std::size_t n, double eps) {
    double squares = 0.0;
    for (std::size_t i = 0; i < n; ++i) squares += x[i] * x[i];
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + eps);
    for (std::size_t i = 0; i < n; ++i) x[i] *= factor * weight[i];
  }
  std::vector<double> norm(std::vector<double> x, const std::string& name) const {
    normalise(x.data(), matrix(name).values.data(), x.size(), eps_);
    return x;
  }
  void per_head_norm(std::vector<double>& x, const std::string& name) const {
    const Matrix weight = matrix(name);
    if (weight.values.empty()) return;
    for (std::size_t h = 0; h < x.size() / head_dim_; ++h)
      normalise(x.data() + h * head_dim_, weight.values.data(), head_dim_, eps_);
  }
  void rotate(std::vector<double>& x, std::size_t position) const {
    for (std::size_t h = 0; h < x.size() / head_dim_; ++h)
      for (std::size_t i = 0; i < head_dim_ / 2; ++i) {
        const double angle = static_cast<double>(position) *
                             std::pow(theta_, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim_));
        double& a = x[h * head_dim_ + (has_pairs_ ? 2 * i : i)];
        double& b = x[h * head_dim_ + (has_pairs_ ? 2 * i + 1 : i + head_dim_ / 2)];
        const double rotated = a * std::cos(angle) - b * std::sin(angle);
        b = a * std::sin(angle) + b * std::cos(angle);
        a = rotated;
      }
  }
  static void add(std::vector<double>& x, const std::vector<double>& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  const ModelSource& source_;
  bool has_pairs_;
  std::size_t n_layers_ = 0, n_heads_ = 0, n_kv_heads_ = 0, dim_ = 0, head_dim_ = 0, n_tokens_ = 0;
  double eps_ = 0.0, theta_ = 0.0;
  std::vector<std::vector<std::vector<double>>> keys_, values_;  // [layer][position]
};

}  // namespace quintet
