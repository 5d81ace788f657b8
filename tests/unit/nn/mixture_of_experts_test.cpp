#include "nn/mixture_of_experts.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace quintet {
namespace {

constexpr std::size_t kDim = 4;

Linear matrix_of(Compute& compute, std::size_t n_out, std::size_t n_in, const auto& value) {
  Tensor weights = Tensor::zeros(DType::f32, Shape{n_out, n_in});
  for (std::size_t r = 0; r < n_out; ++r)
    for (std::size_t c = 0; c < n_in; ++c) weights.mutable_f32()[r * n_in + c] = value(r, c);
  StorageArena arena;
  return {pack_matrix(compute, weights, arena), {}};
}

float sine(std::size_t seed) {
  return std::sin(static_cast<float>(seed) * 12.9898f);
}

/// Experts that differ, behind a router with these rows.
MixtureOfExperts mixture(Compute& compute, const std::vector<std::vector<float>>& router,
                         std::size_t n_used) {
  MixtureOfExperts m;
  m.n_used = n_used;
  m.router =
      matrix_of(compute, router.size(), kDim, [&](std::size_t r, std::size_t c) { return router[r][c]; });
  for (std::size_t e = 0; e < router.size(); ++e) {
    const auto of = [&](std::size_t seed) {
      return [=](std::size_t r, std::size_t c) { return sine(1 + seed + 10 * e + 100 * r + 1000 * c); };
    };
    m.experts.push_back({matrix_of(compute, 6, kDim, of(1)), matrix_of(compute, 6, kDim, of(2)),
                         matrix_of(compute, kDim, 6, of(3)), Activation::silu});
  }
  return m;
}

std::vector<float> run(Compute& compute, const auto& layer, std::vector<float> x) {
  std::vector<float> out(x.size());
  layer.forward(compute, MatrixView<const float>(x.data(), x.size() / kDim, kDim),
                MatrixView<float>(out.data(), x.size() / kDim, kDim));
  return out;
}

TEST(MixtureOfExperts, WeighsTheBestExpertsByTheirSoftmax) {
  Compute compute(1);
  const std::vector<float> x{1.0f, 0.5f, -0.3f, 0.2f};
  MixtureOfExperts m = mixture(compute, {{1, 0, 0, 0}, {3, 0, 0, 0}, {2, 0, 0, 0}}, 2);
  const double sum = std::exp(1.0) + std::exp(3.0) + std::exp(2.0);
  const double first = std::exp(3.0) / sum, second = std::exp(2.0) / sum;
  const auto of_1 = run(compute, m.experts[1], x), of_2 = run(compute, m.experts[2], x);
  const auto normalised = run(compute, m, x);
  m.normalises_weights = false;
  m.weight_scale = 2.5f;
  const auto plain = run(compute, m, x);
  for (std::size_t d = 0; d < kDim; ++d) {
    EXPECT_NEAR(normalised[d], (first * of_1[d] + second * of_2[d]) / (first + second), 1e-6);
    EXPECT_NEAR(plain[d], 2.5 * (first * of_1[d] + second * of_2[d]), 1e-6);
  }
}

TEST(MixtureOfExperts, TakesTheFirstOfEqualExperts) {
  Compute compute(1);
  const std::vector<float> x{1.0f, 0.5f, -0.3f, 0.2f};
  const MixtureOfExperts m = mixture(compute, {{0, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}}, 2);
  const auto got = run(compute, m, x), of_1 = run(compute, m.experts[1], x),
             of_2 = run(compute, m.experts[2], x);
  for (std::size_t d = 0; d < kDim; ++d) EXPECT_NEAR(got[d], 0.5f * of_1[d] + 0.5f * of_2[d], 1e-6);
}

TEST(MixtureOfExperts, GivesATokenTheSameBitsWhateverStandsBesideItAndHoweverManyThreadsWork) {
  std::vector<float> expected;
  for (const std::size_t n_threads : {1u, 2u, 3u}) {
    Compute compute(n_threads);
    const MixtureOfExperts m =
        mixture(compute, {{1, 0, 0, 1}, {0, 1, -1, 0}, {0, 0, 1, 1}, {1, 1, 0, 0}, {-1, 0, 1, 0}}, 3);
    std::vector<float> x;
    for (std::size_t i = 0; i < 19 * kDim; ++i) x.push_back(sine(i + 7));
    const auto together = run(compute, m, x);
    if (expected.empty()) expected = together;
    EXPECT_EQ(together, expected);
    for (std::size_t t = 0; t < 19; ++t) {
      const auto at = [&](const std::vector<float>& v) {
        return std::vector<float>(v.begin() + static_cast<std::ptrdiff_t>(t * kDim),
                                  v.begin() + static_cast<std::ptrdiff_t>((t + 1) * kDim));
      };
      EXPECT_EQ(run(compute, m, at(x)), at(together)) << "token " << t;
    }
  }
}

TEST(MixtureOfExperts, GivesNothingForATokenThatIsNoNumber) {
  Compute compute(1);
  const MixtureOfExperts m = mixture(compute, {{1, 0, 0, 0}, {0, 1, 0, 0}}, 1);
  const auto got = run(compute, m, std::vector<float>(kDim, std::nanf("")));
  EXPECT_EQ(got.size(), kDim);  // it ends, and nothing is read out of bounds
}

}  // namespace
}  // namespace quintet
