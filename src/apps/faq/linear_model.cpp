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

struct TrainingSet {
  std::span<const SparseVector> texts;
  std::span<const std::uint32_t> labels;
  std::span<const float> importance;
  std::size_t n_classes = 0;
  std::size_t stride = 0;  // n_classes rounded up to whole lanes
  std::size_t n_features = 0;
};

/// Coordinate descent in the dual, text by text: `Loss` finds the dual variables of one text in all classes,
/// and the weights follow, [n_features + 1, stride] with the bias last.
template <typename Loss>
class DualDescent {
 public:
  DualDescent(const TrainingSet& set, Loss loss)
      : set_(set),
        loss_(std::move(loss)),
        weights_((set.n_features + 1) * set.stride, 0.0f),
        step_(set.stride) {}

  std::vector<float> run(std::size_t max_epochs, float tolerance) {
    std::vector<std::uint32_t> order(set_.texts.size());
    std::iota(order.begin(), order.end(), 0u);
    std::vector<std::uint8_t> resting(order.size(), 0);  // passes each text still sits out
    Shuffler shuffler;
    for (std::size_t epoch = 0; epoch < max_epochs; ++epoch) {
      shuffler.shuffle(order);
      float worst = 0.0f;
      for (const std::uint32_t i : order) {
        if (resting[i] > 0) {
          --resting[i];
          continue;
        }
        const float moved = visit(i);
        // A text that hardly moves rests for two passes (a soft form of the shrinking of Hsieh et al.).
        if (moved < tolerance * Loss::kQuietMove) resting[i] = 2;
        worst = std::max(worst, moved);
      }
      if (worst < tolerance * Loss::kTolerance) break;
    }
    return std::move(weights_);
  }

 private:
  /// Returns the largest change of one of the text's dual variables.
  float visit(std::uint32_t i) {
    constexpr float kNoMove = 1e-4f;
    const SparseVector& x = set_.texts[i];
    const std::size_t stride = set_.stride;
    float* bias = weights_.data() + set_.n_features * stride;
    float* step = step_.data();
    std::copy_n(bias, stride, step);
    for (const SparseEntry& f : x) add_scaled(step, weights_.data() + f.index * stride, f.value, stride);
    const float moved = loss_.solve(i, {step, set_.n_classes});
    std::fill(step + set_.n_classes, step + stride, 0.0f);
    if (moved > kNoMove) {
      for (const SparseEntry& f : x) add_scaled(weights_.data() + f.index * stride, step, f.value, stride);
      add_scaled(bias, step, 1.0f, stride);
    }
    return moved;
  }

  const TrainingSet& set_;
  Loss loss_;
  std::vector<float> weights_;
  std::vector<float> step_;
};

constexpr float kSquaredLength = 2.0f;  // of a text with its bias

/// Squared hinge loss, each class against the rest.
class HingeLoss {
 public:
  static constexpr float kTolerance = 0.1f;
  static constexpr float kQuietMove = 0.1f;  // halves the time, same accuracy within 0.001

  HingeLoss(const TrainingSet& set, float c)
      : set_(set), c_(c), alpha_(set.texts.size() * set.n_classes, 0.0f) {}

  /// scores: in, what the weights say; out, the change of the weights per unit of the text's features.
  float solve(std::uint32_t i, std::span<float> scores) {
    const float diagonal = 0.5f / (c_ * set_.importance[i]);
    const float curvature = 1.0f / (kSquaredLength + diagonal);
    float* alpha = alpha_.data() + i * set_.n_classes;
    float worst = 0.0f;
    for (std::size_t c = 0; c < scores.size(); ++c) {
      const float sign = c == set_.labels[i] ? 1.0f : -1.0f;
      const float gradient = sign * scores[c] - 1.0f + diagonal * alpha[c];
      const float moved = std::max(alpha[c] - gradient * curvature, 0.0f);
      const float change = moved - alpha[c];
      alpha[c] = moved;
      worst = std::max(worst, std::abs(change));
      scores[c] = sign * change;
    }
    return worst;
  }

 private:
  const TrainingSet& set_;
  float c_;
  std::vector<float> alpha_;  // [n_texts, n_classes]
};

/// Log loss of the softmax over all classes. The dual variables of a text are a probability for each class.
class SoftmaxLoss {
 public:
  static constexpr float kTolerance = 0.02f;
  static constexpr float kQuietMove = 0.01f;

  SoftmaxLoss(const TrainingSet& set, float c)
      : set_(set),
        c_(c),
        dual_(set.texts.size() * set.n_classes, 0.0f),
        level_(set.texts.size(), 0.0f),
        solved_(set.n_classes) {
    for (std::size_t i = 0; i < set.texts.size(); ++i) dual_[i * set.n_classes + set.labels[i]] = 1.0f;
  }

  /// As HingeLoss::solve.
  float solve(std::uint32_t i, std::span<float> scores) {
    const float cost = c_ * set_.importance[i];
    const float pull = kSquaredLength * cost;
    float* dual = dual_.data() + i * set_.n_classes;
    for (std::size_t c = 0; c < scores.size(); ++c) scores[c] += pull * dual[c];
    find_dual(scores, pull, level_[i], solved_);
    float worst = 0.0f;
    for (std::size_t c = 0; c < scores.size(); ++c) {
      const float change = solved_[c] - dual[c];
      dual[c] = solved_[c];
      worst = std::max(worst, std::abs(change));
      scores[c] = -cost * change;
    }
    return worst;
  }

 private:
  /// The dual problem of one text, everything else fixed: probabilities p that sum to 1 with
  ///   ln p[c] + pull · p[c] = scores[c] - level     for every class c.
  /// Each class alone is z + pull · exp(z) = t, convex and rising in z, and the sum of all p is convex and
  /// falling in `level`: Newton's method solves both.
  /// `level` is read as a first guess and holds the solution's afterwards.
  static void find_dual(std::span<const float> scores, float pull, float& level,
                        std::span<float> p) noexcept {
    constexpr int kRounds = 12;
    constexpr float kCloseEnough = 1e-3f;
    // Here one class alone would reach 1, so the solution is never below.
    const float lowest = *std::max_element(scores.begin(), scores.end()) - pull;
    level = std::max(level, lowest);
    for (int round = 0; round < kRounds; ++round) {
      float total = 0.0f, slope = 0.0f;
      for (std::size_t c = 0; c < scores.size(); ++c) {
        p[c] = probability(scores[c] - level, pull);
        total += p[c];
        slope += p[c] / (1.0f + pull * p[c]);
      }
      if (std::abs(total - 1.0f) < kCloseEnough) break;
      level = std::max(lowest, level + (total - 1.0f) / std::max(slope, 1e-6f));
    }
  }

  /// exp(z) for z + pull · exp(z) = t.
  static float probability(float t, float pull) noexcept {
    constexpr float kNegligible = -20.0f;
    if (t < kNegligible) return 0.0f;
    // Both are never left of the root, from where Newton's method falls onto it.
    float z = std::min(t, std::log((std::max(t, -2.0f) + 2.0f + std::log1p(pull)) / pull));
    const int n_steps = t < -6.0f ? 1 : 3;
    float e = std::exp(z);
    for (int i = 0; i < n_steps; ++i) {
      z -= (z + pull * e - t) / (1.0f + pull * e);
      e = std::exp(z);
    }
    return e;
  }

  const TrainingSet& set_;
  float c_;
  std::vector<float> dual_;   // [n_texts, n_classes]
  std::vector<float> level_;  // per text, where its last solution was
  std::vector<float> solved_;
};

/// Adds weight · -log p(feature | every class but c) to each class's column.
void add_complement_bayes(const TrainingSet& set, const LinearOptions& options, std::vector<float>& weights) {
  const auto& [texts, labels, importance, n_classes, stride, n_features] = set;
  std::vector<float> counts(n_features * stride, 0.0f);
  std::vector<float> class_total(stride, 0.0f);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (const SparseEntry& f : texts[i]) {
      counts[f.index * stride + labels[i]] += importance[i] * f.value;
      class_total[labels[i]] += importance[i] * f.value;
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
                               std::span<const float> importance, std::size_t n_classes,
                               std::size_t n_features, const LinearOptions& options) {
  QN_CHECK(texts.size() == labels.size() && texts.size() == importance.size());
  LinearModel model;
  model.n_classes_ = n_classes;
  model.stride_ = (n_classes + kLanes - 1) / kLanes * kLanes;
  const TrainingSet set = {texts, labels, importance, n_classes, model.stride_, n_features};
  model.weights_ = DualDescent(set, HingeLoss(set, options.c)).run(options.max_epochs, options.tolerance);
  if (options.logistic_weight > 0.0f) {
    const auto logistic =
        DualDescent(set, SoftmaxLoss(set, options.logistic_c)).run(options.max_epochs, options.tolerance);
    add_scaled(model.weights_.data(), logistic.data(), options.logistic_weight, logistic.size());
  }
  if (options.bayes_weight > 0.0f) add_complement_bayes(set, options, model.weights_);
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
