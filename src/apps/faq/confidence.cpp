#include "apps/faq/confidence.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace quintet::faq {

namespace {

constexpr std::size_t kDim = Signals::count + 1;  // and the bias
using Vector = std::array<double, kDim>;
using Matrix = std::array<Vector, kDim>;

/// Solves a · x = b for a symmetric positive definite matrix by Cholesky's decomposition, in place.
void solve(Matrix& a, Vector& b) {
  for (std::size_t j = 0; j < kDim; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(std::max(a[j][j], 1e-12));
    for (std::size_t i = j + 1; i < kDim; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = kDim; i-- > 0;) {
    for (std::size_t k = i + 1; k < kDim; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

}  // namespace

ConfidenceModel ConfidenceModel::prior() {
  ConfidenceModel model;
  // Coverage decides: sharing a topical word, or the frame of a short question, is not enough when the
  // question brings words of another topic. Set on thirty questions to a shop's six entries, half of them
  // near its topics but outside: above 0.5 lie all paraphrases and one outside question ("can I repair my
  // password"). A lower bias would refuse that too, and short questions in Korean, whose particles hide
  // words from coverage.
  model.weight_[Signals::nearest_of_top] = 3.0;
  model.weight_[Signals::covered] = 12.0;
  model.weight_[Signals::margin] = 3.0;
  model.bias_ = -8.3;
  return model;
}

ConfidenceModel ConfidenceModel::fit(std::span<const Signals> examples, const std::vector<bool>& labels) {
  QN_CHECK(examples.size() == labels.size());
  const auto n = static_cast<double>(examples.size());
  const auto n_right = static_cast<double>(std::count(labels.begin(), labels.end(), true));
  if (n_right == 0.0 || n_right == n) return prior();

  std::array<double, Signals::count> mean{}, deviation{};
  for (const Signals& s : examples)
    for (std::size_t j = 0; j < Signals::count; ++j) mean[j] += s.value[j] / n;
  for (const Signals& s : examples)
    for (std::size_t j = 0; j < Signals::count; ++j)
      deviation[j] += (s.value[j] - mean[j]) * (s.value[j] - mean[j]) / n;
  for (double& d : deviation) d = std::sqrt(std::max(d, 1e-8));

  constexpr double kRidge = 1.0;
  constexpr std::size_t kIterations = 12;
  Vector w{};
  for (std::size_t iteration = 0; iteration < kIterations; ++iteration) {
    Vector gradient{};
    Matrix hessian{};
    for (std::size_t j = 0; j < Signals::count; ++j) {
      gradient[j] = -kRidge * w[j];
      hessian[j][j] = kRidge;
    }
    for (std::size_t i = 0; i < examples.size(); ++i) {
      Vector x;
      for (std::size_t j = 0; j < Signals::count; ++j) x[j] = (examples[i].value[j] - mean[j]) / deviation[j];
      x[kDim - 1] = 1.0;
      double z = 0.0;
      for (std::size_t j = 0; j < kDim; ++j) z += w[j] * x[j];
      const double p = sigmoid(z);
      const double balance = labels[i] ? n / (2.0 * n_right) : n / (2.0 * (n - n_right));
      for (std::size_t j = 0; j < kDim; ++j) {
        gradient[j] += balance * ((labels[i] ? 1.0 : 0.0) - p) * x[j];
        for (std::size_t k = 0; k <= j; ++k) hessian[j][k] += balance * p * (1.0 - p) * x[j] * x[k];
      }
    }
    solve(hessian, gradient);
    for (std::size_t j = 0; j < kDim; ++j) w[j] += gradient[j];
  }

  ConfidenceModel model;
  model.bias_ = w[kDim - 1];
  for (std::size_t j = 0; j < Signals::count; ++j) {
    model.weight_[j] = w[j] / deviation[j];
    model.bias_ -= model.weight_[j] * mean[j];
  }
  return model;
}

double ConfidenceModel::operator()(const Signals& signals) const {
  double z = bias_;
  for (std::size_t j = 0; j < Signals::count; ++j) z += weight_[j] * signals.value[j];
  return sigmoid(std::clamp(z, -20.0, 20.0));
}

}  // namespace quintet::faq
