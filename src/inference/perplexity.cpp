#include "inference/perplexity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::size_t kPart = 128;  // tokens whose logits are in memory at a time

/// ln Σ exp(logits).
double log_sum_exp(std::span<const float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
  return std::log(sum) + static_cast<double>(most);
}

double negative_log_likelihood(std::span<const float> logits, TokenId token) {
  return log_sum_exp(logits) - static_cast<double>(logits[token]);
}

/// Mean and its standard error of numbers as they come.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    squares_ += value * value;
    ++n_;
  }
  std::size_t n() const noexcept { return n_; }
  double mean() const { return sum_ / static_cast<double>(n_); }
  double standard_error() const {
    const auto n = static_cast<double>(n_);
    return std::sqrt(std::max(0.0, squares_ / n - mean() * mean()) / n);
  }

 private:
  double sum_ = 0.0, squares_ = 0.0;
  std::size_t n_ = 0;
};

/// One model, with the cache and the logits of the window that it reads.
class WindowReader {
 public:
  WindowReader(const Model& model, const PerplexityOptions& options)
      : model_(model),
        vocab_size_(model.info().vocab_size),
        cache_(model.info().kv, options.kv_dtype, options.window),
        logits_(kPart * vocab_size_) {}

  void begin_window(std::size_t window) {
    sequence_.emplace(cache_);
    sequence_->reserve(window);
  }
  /// Reads the window's next tokens and keeps the logits of those in `wanted`.
  void read(Compute& compute, std::span<const TokenId> tokens, std::span<const std::uint32_t> wanted) {
    const BatchSequence piece{&*sequence_, 0, tokens.size()};
    model_.forward(compute, {tokens, std::span(&piece, 1), wanted},
                   MatrixView<float>(logits_.data(), wanted.size(), vocab_size_));
    sequence_->advance(tokens.size());
  }
  std::span<const float> logits(std::size_t i) const {
    return std::span(logits_).subspan(i * vocab_size_, vocab_size_);
  }

 private:
  const Model& model_;
  std::size_t vocab_size_;
  KvCache cache_;
  std::optional<KvSequence> sequence_;
  std::vector<float> logits_;
};

/// Leads readers through the text together. `score` gets the tokens that follow those whose logits the
/// readers hold; `end_window` the number of windows done and of all.
template <typename Score, typename EndWindow>
std::size_t read_windows(std::span<WindowReader* const> readers, Compute& compute,
                         std::span<const TokenId> tokens, const PerplexityOptions& options,
                         const std::stop_token& stop, const Score& score, const EndWindow& end_window) {
  const std::size_t window = options.window, n_windows = tokens.size() / window;
  for (std::size_t w = 0; w < n_windows; ++w) {
    const auto targets = tokens.subspan(w * window, window);
    std::vector<TokenId> input(targets.begin(), targets.end());
    if (options.bos) input[0] = *options.bos;
    for (WindowReader* reader : readers) reader->begin_window(window);
    for (std::size_t begin = 0; begin < window; begin += kPart) {
      if (stop.stop_requested()) throw Cancelled("the measurement was stopped");
      const std::size_t n = std::min(kPart, window - begin);
      std::vector<std::uint32_t> wanted;
      std::vector<TokenId> next;
      for (std::size_t i = begin; i < begin + n; ++i) {
        if (i + 1 <= window / 2 || i + 1 >= window) continue;
        wanted.push_back(static_cast<std::uint32_t>(i - begin));
        next.push_back(targets[i + 1]);
      }
      for (WindowReader* reader : readers) reader->read(compute, std::span(input).subspan(begin, n), wanted);
      score(next);
    }
    end_window(w + 1, n_windows);
  }
  return n_windows;
}

void check_window(std::span<const TokenId> tokens, std::size_t window) {
  if (window < 4)
    throw InvalidArgument(cat("a window of ", window, " tokens is too short to score anything"));
  if (tokens.size() < window) {
    throw InvalidArgument(cat("the text has ", tokens.size(), " tokens, fewer than one window of ", window));
  }
}

/// What one token says of two models.
struct TokenScore {
  double kl = 0.0;
  double loss = 0.0, reference_loss = 0.0;
  bool is_same_choice = false;
};

std::size_t best(std::span<const float> logits) {
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// The smallest value that at least `share` of all are not above. Reorders.
double quantile(std::vector<double>& values, double share) {
  const auto n = static_cast<double>(values.size());
  const auto rank = static_cast<std::ptrdiff_t>(std::max(1.0, std::ceil(share * n)));
  std::nth_element(values.begin(), values.begin() + (rank - 1), values.end());
  return values[static_cast<std::size_t>(rank - 1)];
}

}  // namespace

double kl_divergence(std::span<const float> reference, std::span<const float> logits) {
  QN_CHECK(reference.size() == logits.size());
  const double p_sum = log_sum_exp(reference), q_sum = log_sum_exp(logits);
  double divergence = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double log_p = static_cast<double>(reference[i]) - p_sum;
    const double log_q = static_cast<double>(logits[i]) - q_sum;
    // Where p is 0 so is its part of the sum, whatever q is.
    if (const double p = std::exp(log_p); p > 0.0) divergence += p * (log_p - log_q);
  }
  return std::isnan(divergence) ? divergence : std::max(0.0, divergence);
}

PerplexityReport perplexity(const Model& model, Compute& compute, std::span<const TokenId> tokens,
                            const PerplexityOptions& options, const PerplexityProgress& progress,
                            std::stop_token stop) {
  check_window(tokens, options.window);
  WindowReader reader(model, options);
  WindowReader* const readers[] = {&reader};
  Mean loss;
  PerplexityReport report;
  report.n_windows = read_windows(
      readers, compute, tokens, options, stop,
      [&](std::span<const TokenId> next) {
        std::vector<double> losses(next.size());
        compute.team.for_each(next.size(), [&](std::size_t i, std::size_t) {
          losses[i] = negative_log_likelihood(reader.logits(i), next[i]);
        });
        for (const double value : losses) loss.add(value);
      },
      [&](std::size_t done, std::size_t total) {
        if (progress) progress(done, total, std::exp(loss.mean()));
      });
  report.n_scored = loss.n();
  report.mean_negative_log_likelihood = loss.mean();
  report.perplexity = std::exp(loss.mean());
  report.standard_error = report.perplexity * loss.standard_error();
  return report;
}

DivergenceReport divergence(const Model& model, const Model& reference, Compute& compute,
                            std::span<const TokenId> tokens, const PerplexityOptions& options,
                            const PerplexityProgress& progress, std::stop_token stop) {
  check_window(tokens, options.window);
  if (model.info().vocab_size != reference.info().vocab_size) {
    throw InvalidArgument(cat(model.info().name, " has ", model.info().vocab_size, " tokens and ",
                              reference.info().name, " ", reference.info().vocab_size,
                              ": their predictions can't be compared"));
  }
  WindowReader ours(model, options), theirs(reference, options);
  WindowReader* const readers[] = {&theirs, &ours};
  Mean kl, loss, reference_loss, difference;
  std::size_t n_same = 0;
  std::vector<double> all;
  DivergenceReport report;
  report.n_windows = read_windows(
      readers, compute, tokens, options, stop,
      [&](std::span<const TokenId> next) {
        std::vector<TokenScore> scores(next.size());
        compute.team.for_each(next.size(), [&](std::size_t i, std::size_t) {
          const auto p = theirs.logits(i), q = ours.logits(i);
          scores[i] = {kl_divergence(p, q), negative_log_likelihood(q, next[i]),
                       negative_log_likelihood(p, next[i]), best(p) == best(q)};
        });
        for (const TokenScore& score : scores) {
          if (!std::isfinite(score.kl + score.loss + score.reference_loss))
            throw CorruptData(cat("the models' predictions of token ", kl.n(), " are not finite numbers"));
          kl.add(score.kl);
          loss.add(score.loss);
          reference_loss.add(score.reference_loss);
          difference.add(score.loss - score.reference_loss);
          n_same += score.is_same_choice ? 1 : 0;
          all.push_back(score.kl);
        }
      },
      [&](std::size_t done, std::size_t total) {
        if (progress) progress(done, total, kl.mean());
      });
  const auto n = static_cast<double>(all.size());
  report.n_scored = all.size();
  report.mean_kl = kl.mean();
  report.mean_kl_standard_error = kl.standard_error();
  report.median_kl = quantile(all, 0.5);
  report.p99_kl = quantile(all, 0.99);
  report.max_kl = *std::max_element(all.begin(), all.end());
  report.top1_agreement = static_cast<double>(n_same) / n;
  report.top1_standard_error = std::sqrt(report.top1_agreement * (1.0 - report.top1_agreement) / n);
  report.perplexity = std::exp(loss.mean());
  report.reference_perplexity = std::exp(reference_loss.mean());
  report.perplexity_ratio = std::exp(difference.mean());
  report.perplexity_ratio_standard_error = report.perplexity_ratio * difference.standard_error();
  return report;
}

}  // namespace quintet
