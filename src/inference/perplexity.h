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
  std::optional<TokenId> bos;  // replaces the first token of each window
};

struct PerplexityReport {
  double perplexity = 0.0;
  double standard_error = 0.0;
  double mean_negative_log_likelihood = 0.0;
  std::size_t n_scored = 0;  // tokens
  std::size_t n_windows = 0;
};

/// exp of the mean negative log-likelihood of a text's tokens: the text is cut into windows, in each of which
/// the second half is scored, given all that is before it in the window. Throws InvalidArgument when the text
/// is shorter than a window, Cancelled when `stop` is requested. `progress` gets the windows done, all
/// windows and the perplexity so far.
PerplexityReport perplexity(const Model& model, Compute& compute, std::span<const TokenId> tokens,
                            const PerplexityOptions& options,
                            const std::function<void(std::size_t, std::size_t, double)>& progress = {},
                            std::stop_token stop = {});

}  // namespace quintet
