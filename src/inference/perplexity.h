#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <stop_token>

#include "formats/tokenizer_data.h"
#include "models/model.h"

namespace quintet {

struct PerplexityOptions {
  std::size_t window = 512;  // tokens that are read together
  DType kv_dtype = DType::f16;
  std::optional<TokenId> bos = {};  // replaces the first token of each window
};

struct PerplexityReport {
  double perplexity = 0.0;
  double standard_error = 0.0;
  double mean_negative_log_likelihood = 0.0;
  std::size_t n_scored = 0;  // tokens
  std::size_t n_windows = 0;
};

/// Told after each window: windows done, all windows, and the measure so far.
using PerplexityProgress = std::function<void(std::size_t done, std::size_t total, double so_far)>;

/// exp of the mean negative log-likelihood of a text's tokens: the text is cut into windows, in each of which
/// the second half is scored, given all that is before it in the window. Throws InvalidArgument when the text
/// is shorter than a window, Cancelled when `stop` is requested. Progress gets the perplexity so far.
PerplexityReport perplexity(const Model& model, Compute& compute, std::span<const TokenId> tokens,
                            const PerplexityOptions& options, const PerplexityProgress& progress = {},
                            std::stop_token stop = {});

/// How far a model's predictions are from those of the one that it was made from.
struct DivergenceReport {
  /// KL divergence of the next token's distribution from the reference's, in nats: Σ p · ln(p / q) with p the
  /// reference's. Over all scored tokens.
  double mean_kl = 0.0;
  double mean_kl_standard_error = 0.0;
  double median_kl = 0.0;
  double p99_kl = 0.0;
  double max_kl = 0.0;
  double top1_agreement = 0.0;  // share of tokens whose most probable one is the same
  double top1_standard_error = 0.0;
  double perplexity = 0.0;
  double reference_perplexity = 0.0;
  /// perplexity / reference_perplexity; its error is that of the mean difference of their log-likelihoods,
  /// token by token, and so far below those of the two.
  double perplexity_ratio = 0.0;
  double perplexity_ratio_standard_error = 0.0;
  std::size_t n_scored = 0;
  std::size_t n_windows = 0;
};

/// Runs both models over the windows of `perplexity`. Throws also InvalidArgument when their vocabularies
/// have different sizes, CorruptData when logits are not finite. Progress gets the mean divergence so far.
DivergenceReport divergence(const Model& model, const Model& reference, Compute& compute,
                            std::span<const TokenId> tokens, const PerplexityOptions& options,
                            const PerplexityProgress& progress = {}, std::stop_token stop = {});

/// Σ p · ln(p / q) in nats, with p = softmax(reference) and q = softmax(logits), of the same size. 0 exactly
/// when they are the same; never negative.
double kl_divergence(std::span<const float> reference, std::span<const float> logits);

}  // namespace quintet
