#include "nn/mixture_of_experts.h"

#include <algorithm>

#include "core/error.h"

namespace quintet {

namespace {

/// Turns a token's router scores into the weights of its experts, 0 for those that are not used.
void route(const Compute& compute, const MixtureOfExperts& self, std::span<float> scores) {
  compute.vector.softmax(scores.data(), scores.size());
  // The n_used best stay. Of equal ones the first stays, so the rank is never ambiguous.
  float sum = 0.0f, least = 2.0f;
  std::size_t last = 0;  // number of the expert that was chosen last
  for (std::size_t n = 0; n < self.n_used; ++n) {
    std::size_t best = scores.size();
    for (std::size_t e = 0; e < scores.size(); ++e) {
      const bool is_left = scores[e] < least || (scores[e] == least && e > last);
      if (is_left && (best == scores.size() || scores[e] > scores[best])) best = e;
    }
    if (best == scores.size()) break;  // NaNs: nothing is better than anything
    least = scores[best];
    last = best;
    sum += least;
  }
  for (std::size_t e = 0; e < scores.size(); ++e) {
    const bool is_used = scores[e] > least || (scores[e] == least && e <= last);
    scores[e] = is_used ? scores[e] * self.weight_scale / (self.normalises_weights ? sum : 1.0f) : 0.0f;
  }
}

}  // namespace

void MixtureOfExperts::forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const {
  QN_CHECK(n_used >= 1 && n_used <= experts.size());
  const Scratch::Scope scope(compute.scratch);
  const auto weights = compute.scratch.take_matrix(x.rows, experts.size());
  linear(compute, x, router.into(weights));
  compute.team.for_each(x.rows, [&](std::size_t t, std::size_t) { route(compute, *this, weights.row(t)); });
  for (std::size_t t = 0; t < x.rows; ++t) std::ranges::fill(out.row(t), 0.0f);

  const auto tokens = compute.scratch.take<std::uint32_t>(x.rows);  // of the expert in hand
  const auto gathered = compute.scratch.take_matrix(x.rows, x.cols);
  const auto results = compute.scratch.take_matrix(x.rows, out.cols);
  for (std::size_t e = 0; e < experts.size(); ++e) {
    std::size_t n = 0;
    for (std::size_t t = 0; t < x.rows; ++t)
      if (weights.row(t)[e] != 0.0f) tokens[n++] = static_cast<std::uint32_t>(t);
    if (n == 0) continue;
    for (std::size_t i = 0; i < n; ++i) std::ranges::copy(x.row(tokens[i]), gathered.row(i).begin());
    experts[e].forward(compute, gathered.rows_from(0, n), results.rows_from(0, n));
    compute.team.for_each(n, [&](std::size_t i, std::size_t) {
      float* result = results.row(i).data();
      float* sum = out.row(tokens[i]).data();
      compute.vector.scale(result, weights.row(tokens[i])[e], result, out.cols);
      compute.vector.add(sum, result, sum, out.cols);
    });
  }
}

}  // namespace quintet
