#include "inference/perplexity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::size_t kPart = 128;  // tokens whose logits are in memory at a time

double negative_log_likelihood(std::span<const float> logits, TokenId token) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
  return std::log(sum) - static_cast<double>(logits[token] - most);
}

}  // namespace

PerplexityReport perplexity(const Model& model, Compute& compute, std::span<const TokenId> tokens,
                            const PerplexityOptions& options,
                            const std::function<void(std::size_t, std::size_t, double)>& progress,
                            std::stop_token stop) {
  const std::size_t window = options.window, vocab_size = model.info().vocab_size;
  if (window < 4)
    throw InvalidArgument(cat("a window of ", window, " tokens is too short to score anything"));
  const std::size_t n_windows = tokens.size() / window;
  if (n_windows == 0) {
    throw InvalidArgument(cat("the text has ", tokens.size(), " tokens, fewer than one window of ", window));
  }
  KvCache cache(model.info().kv, options.kv_dtype, window);
  std::vector<float> logits(kPart * vocab_size);
  PerplexityReport report;
  double sum = 0.0, squares = 0.0;
  for (std::size_t w = 0; w < n_windows; ++w) {
    std::vector<TokenId> part(tokens.begin() + static_cast<std::ptrdiff_t>(w * window),
                              tokens.begin() + static_cast<std::ptrdiff_t>((w + 1) * window));
    const std::vector<TokenId> targets = part;
    if (options.bos) part[0] = *options.bos;
    KvSequence sequence(cache);
    sequence.reserve(window);
    for (std::size_t begin = 0; begin < window; begin += kPart) {
      if (stop.stop_requested()) throw Cancelled("the measurement was stopped");
      const std::size_t n = std::min(kPart, window - begin);
      std::vector<std::uint32_t> wanted;
      for (std::size_t i = begin; i < begin + n; ++i)
        if (i + 1 > window / 2 && i + 1 < window) wanted.push_back(static_cast<std::uint32_t>(i - begin));
      const BatchSequence piece{&sequence, 0, n};
      model.forward(compute, {std::span(part).subspan(begin, n), std::span(&piece, 1), wanted},
                    MatrixView<float>(logits.data(), wanted.size(), vocab_size));
      sequence.advance(n);
      std::vector<double> losses(wanted.size());
      compute.team.for_each(wanted.size(), [&](std::size_t i, std::size_t) {
        losses[i] = negative_log_likelihood(std::span(logits).subspan(i * vocab_size, vocab_size),
                                            targets[begin + wanted[i] + 1]);
      });
      for (const double loss : losses) {
        sum += loss;
        squares += loss * loss;
        ++report.n_scored;
      }
    }
    if (progress) progress(w + 1, n_windows, std::exp(sum / static_cast<double>(report.n_scored)));
  }
  const auto n = static_cast<double>(report.n_scored);
  report.n_windows = n_windows;
  report.mean_negative_log_likelihood = sum / n;
  report.perplexity = std::exp(sum / n);
  const double variance = std::max(0.0, squares / n - sum / n * (sum / n));
  report.standard_error = report.perplexity * std::sqrt(variance / n);
  return report;
}

}  // namespace quintet
