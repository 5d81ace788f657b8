#include "apps/faq/linear_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace quintet::faq {

namespace {

using retrieval::SparseEntry;
using retrieval::SparseVector;

constexpr std::size_t kLanes = 8;
constexpr float kQuietMove = 0.1f;  // of a dual variable; halves the time, same accuracy within 0.001

/// y += a · x over whole lanes; `n` is a multiple of kLanes.
void add_scaled(float* __restrict y, const float* __restrict x, float a, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

/// A small generator with a fixed sequence on every platform (splitmix64), for the order of the texts.
class Shuffler {
 public:
  void shuffle(std::vector<std::uint32_t>& order) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[next() % i]);
  }

 private:
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
  }
  std::uint64_t state_ = 20'260'101;
};

class DualDescent {
 public:
  DualDescent(std::span<const SparseVector> texts, std::span<const std::uint32_t> labels,
              std::size_t n_classes, std::size_t stride, std::size_t n_features, const LinearOptions& options)
      : texts_(texts),
        labels_(labels),
        n_classes_(n_classes),
        stride_(stride),
        bias_row_(n_features),
        options_(options),
        weights_((n_features + 1) * stride, 0.0f),
        alpha_(texts.size() * stride, 0.0f),
        step_(stride),
        resting_(texts.size(), 0) {}

  std::vector<float> run() {
    std::vector<std::uint32_t> order(texts_.size());
    std::iota(order.begin(), order.end(), 0u);
    Shuffler shuffler;
    for (std::size_t epoch = 0; epoch < options_.max_epochs; ++epoch) {
      shuffler.shuffle(order);
      float worst = 0.0f;
      for (const std::uint32_t i : order) {
        if (resting_[i] > 0) {
          --resting_[i];
          continue;
        }
        const float moved = visit(i);
        // A text that hardly moves rests for two passes (a soft form of the shrinking of Hsieh et al.).
        if (moved < kQuietMove) resting_[i] = 2;
        worst = std::max(worst, moved);
      }
      if (worst < options_.tolerance) break;
    }
    return std::move(weights_);
  }

 private:
  /// Moves the dual variables of one text to their optimum in all classes at once; returns the largest
  /// violation.
  float visit(std::uint32_t i) {
    const SparseVector& x = texts_[i];
    float* step = step_.data();
    std::copy_n(weights_.data() + bias_row_ * stride_, stride_, step);
    for (const SparseEntry& f : x) add_scaled(step, weights_.data() + f.index * stride_, f.value, stride_);

    const float diagonal = 0.5f / options_.c;
    const float curvature = 1.0f / (2.0f + diagonal);  // |x|² + bias² + diagonal, and x has length 1
    float* alpha = alpha_.data() + i * stride_;
    const std::uint32_t label = labels_[i];
    float worst = 0.0f;
    for (std::size_t c = 0; c < n_classes_; ++c) {
      const float sign = c == label ? 1.0f : -1.0f;
      const float gradient = sign * step[c] - 1.0f + diagonal * alpha[c];
      const float moved = std::max(alpha[c] - gradient * curvature, 0.0f);
      const float change = moved - alpha[c];
      alpha[c] = moved;
      worst = std::max(worst, std::abs(change));
      step[c] = sign * change;
    }
    std::fill(step + n_classes_, step + stride_, 0.0f);
    if (worst > 1e-4f) {
      for (const SparseEntry& f : x) add_scaled(weights_.data() + f.index * stride_, step, f.value, stride_);
      add_scaled(weights_.data() + bias_row_ * stride_, step, 1.0f, stride_);
    }
    return worst;
  }

  std::span<const SparseVector> texts_;
  std::span<const std::uint32_t> labels_;
  std::size_t n_classes_;
  std::size_t stride_;
  std::size_t bias_row_;
  LinearOptions options_;
  std::vector<float> weights_;
  std::vector<float> alpha_;  // [n_texts, stride]
  std::vector<float> step_;
  std::vector<std::uint8_t> resting_;  // passes each text still sits out
};

/// Adds weight · -log p(feature | every class but c) to each class's column.
void add_complement_bayes(std::span<const SparseVector> texts, std::span<const std::uint32_t> labels,
                          std::size_t n_classes, std::size_t stride, std::size_t n_features,
                          const LinearOptions& options, std::vector<float>& weights) {
  std::vector<float> counts(n_features * stride, 0.0f);
  std::vector<float> class_total(stride, 0.0f);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (const SparseEntry& f : texts[i]) {
      counts[f.index * stride + labels[i]] += f.value;
      class_total[labels[i]] += f.value;
    }
  }
  const float all = std::accumulate(class_total.begin(), class_total.end(), 0.0f);
  const float smoothing = options.bayes_alpha * static_cast<float>(n_features);
  std::vector<float> log_total(stride, 0.0f);
  for (std::size_t c = 0; c < n_classes; ++c) log_total[c] = std::log(all - class_total[c] + smoothing);
  for (std::size_t f = 0; f < n_features; ++f) {
    const float* row = counts.data() + f * stride;
    const float feature_total = std::accumulate(row, row + n_classes, 0.0f);
    const float absent = std::log(feature_total + options.bayes_alpha);
    float* out = weights.data() + f * stride;
    for (std::size_t c = 0; c < n_classes; ++c) {
      const float rest = row[c] == 0.0f ? absent : std::log(feature_total - row[c] + options.bayes_alpha);
      // The row's own level moves all classes alike; leaving it out keeps scores near zero.
      out[c] += options.bayes_weight * (absent - rest + log_total[c] - log_total[0]);
    }
  }
}

}  // namespace

LinearModel LinearModel::train(std::span<const SparseVector> texts, std::span<const std::uint32_t> labels,
                               std::size_t n_classes, std::size_t n_features, const LinearOptions& options) {
  QN_CHECK(texts.size() == labels.size());
  LinearModel model;
  model.n_classes_ = n_classes;
  model.stride_ = (n_classes + kLanes - 1) / kLanes * kLanes;
  model.weights_ = DualDescent(texts, labels, n_classes, model.stride_, n_features, options).run();
  if (options.bayes_weight > 0.0f) {
    add_complement_bayes(texts, labels, n_classes, model.stride_, n_features, options, model.weights_);
  }
  return model;
}

void LinearModel::score(std::span<const SparseEntry> text, std::span<float> scores) const {
  QN_CHECK(scores.size() == n_classes_);
  thread_local std::vector<float> sums;
  const std::size_t bias_row = weights_.empty() ? 0 : weights_.size() / stride_ - 1;
  sums.assign(weights_.begin() + static_cast<std::ptrdiff_t>(bias_row * stride_), weights_.end());
  for (const SparseEntry& f : text)
    add_scaled(sums.data(), weights_.data() + f.index * stride_, f.value, stride_);
  std::copy_n(sums.begin(), n_classes_, scores.begin());
}

}  // namespace quintet::faq
