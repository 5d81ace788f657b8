#include "inference/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

void require(bool is_valid, std::string_view option, double value, std::string_view range) {
  if (!is_valid) throw InvalidArgument(cat(option, " is ", value, "; it must be ", range));
}

float log_sum_exp(std::span<const float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
  return most + static_cast<float>(std::log(sum));
}

bool has_nan(std::span<const float> logits) noexcept {
  unsigned n = 0;  // no early exit: this way it is vectorised
  for (const float logit : logits) n += logit != logit ? 1u : 0u;
  return n > 0;
}

/// Longest repetition that continues with each candidate is looked for this far back at most.
constexpr std::size_t kMaxRepetition = 64;

}  // namespace

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

Sampler::Sampler(SamplingOptions options) : options_(std::move(options)), random_state_(options_.seed) {
  const SamplingOptions& o = options_;
  require(o.temperature >= 0.0f && std::isfinite(o.temperature), "temperature", o.temperature, "0 or more");
  require(o.top_k >= 0, "top_k", o.top_k, "0 or more");
  require(o.top_p > 0.0f && o.top_p <= 1.0f, "top_p", o.top_p, "above 0 and at most 1");
  require(o.min_p >= 0.0f && o.min_p <= 1.0f, "min_p", o.min_p, "between 0 and 1");
  require(o.typical_p > 0.0f && o.typical_p <= 1.0f, "typical_p", o.typical_p, "above 0 and at most 1");
  require(o.repeat_penalty > 0.0f && std::isfinite(o.repeat_penalty), "repeat_penalty", o.repeat_penalty,
          "above 0");
  require(std::isfinite(o.frequency_penalty), "frequency_penalty", o.frequency_penalty, "a number");
  require(std::isfinite(o.presence_penalty), "presence_penalty", o.presence_penalty, "a number");
  require(o.penalty_window >= -1, "penalty_window", o.penalty_window, "-1 or more");
  require(o.dry_multiplier >= 0.0f, "dry_multiplier", o.dry_multiplier, "0 or more");
  require(o.dry_base >= 1.0f, "dry_base", o.dry_base, "1 or more");
  require(o.mirostat_tau >= 0.0f, "mirostat_tau", o.mirostat_tau, "0 or more");
  require(o.mirostat_eta >= 0.0f, "mirostat_eta", o.mirostat_eta, "0 or more");
  for (const auto& [token, bias] : o.logit_bias)
    require(!std::isnan(bias), cat("logit_bias of token ", token), bias, "a number");
  mirostat_mu_ = 2.0f * options_.mirostat_tau;
}

void Sampler::accept(std::span<const std::uint32_t> tokens) {
  history_.insert(history_.end(), tokens.begin(), tokens.end());
}

/// splitmix64 (G. Steele et al., "Fast splittable pseudorandom number generators", 2014): the same
/// everywhere.
double Sampler::next_random() noexcept {
  random_state_ += 0x9E37'79B9'7F4A'7C15;
  std::uint64_t z = random_state_;
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

void Sampler::penalise(std::span<float> logits) {
  const std::size_t window =
      options_.penalty_window < 0
          ? history_.size()
          : std::min(history_.size(), static_cast<std::size_t>(options_.penalty_window));
  std::unordered_map<std::uint32_t, int> counts;
  for (std::size_t i = history_.size() - window; i < history_.size(); ++i) ++counts[history_[i]];
  for (const auto& [token, count] : counts) {
    if (token >= logits.size()) continue;
    float& logit = logits[token];
    logit = logit > 0.0f ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
    logit -= options_.frequency_penalty * static_cast<float>(count) + options_.presence_penalty;
  }
}

/// DRY: for each token that followed an earlier occurrence of the present ending of length n > allowed, the
/// logit falls by multiplier · base^(n - allowed).
void Sampler::penalise_repetitions(std::span<float> logits) {
  const auto is_breaker = [this](std::uint32_t token) {
    return std::find(options_.dry_breakers.begin(), options_.dry_breakers.end(), token) !=
           options_.dry_breakers.end();
  };
  std::unordered_map<std::uint32_t, std::size_t> longest;
  const std::size_t n = history_.size();
  for (std::size_t end = 1; end < n; ++end) {  // history_[end] is what followed history_[..end)
    std::size_t length = 0;
    while (length < end && length < kMaxRepetition &&
           history_[end - 1 - length] == history_[n - 1 - length] && !is_breaker(history_[end - 1 - length]))
      ++length;
    auto& best = longest[history_[end]];
    best = std::max(best, length);
  }
  for (const auto& [token, length] : longest) {
    if (token >= logits.size()) continue;
    const auto allowed = static_cast<std::size_t>(std::max(0, options_.dry_allowed_length));
    if (length < allowed || length == 0) continue;
    logits[token] -=
        options_.dry_multiplier * std::pow(options_.dry_base, static_cast<float>(length - allowed));
  }
}

/// Makes the first `n` candidates the best ones, in order: the smaller token of equals first, so that the
/// order does not depend on how the library sorts. Those up to `n_sorted` are so already.
void Sampler::sort_best(std::size_t n_sorted, std::size_t n) {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  const auto at = [this](std::size_t i) { return candidates_.begin() + static_cast<std::ptrdiff_t>(i); };
  constexpr std::size_t kFew = 1024;  // a heap of few is the fastest: most candidates are looked at once
  if (n - n_sorted <= kFew) {
    std::partial_sort(at(n_sorted), at(n), candidates_.end(), before);
    return;
  }
  if (n < candidates_.size()) std::nth_element(at(n_sorted), at(n), candidates_.end(), before);
  std::sort(at(n_sorted), at(n), before);
}

/// Probabilities of the first `n` candidates among themselves.
void Sampler::fill_probabilities(std::size_t n) {
  probabilities_.resize(n);
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double p =
        std::exp(static_cast<double>((candidates_[i].logit - candidates_[0].logit) / options_.temperature));
    probabilities_[i] = static_cast<float>(p);
    sum += p;
  }
  for (float& p : probabilities_) p = static_cast<float>(p / sum);
}

/// One of the first `n` candidates, whose probabilities are known. Returns its index.
std::size_t Sampler::draw(std::size_t n) {
  double target = next_random();
  for (std::size_t i = 0; i < n; ++i) {
    target -= probabilities_[i];
    if (target < 0.0) return i;
  }
  return 0;  // rounding left a rest: the most probable takes it
}

/// Keeps what surprises no more than mu, draws, and moves mu towards the wanted surprise.
std::size_t Sampler::draw_by_surprise(std::size_t n) {
  fill_probabilities(n);
  std::size_t kept = 0;
  while (kept < n && -std::log2(probabilities_[kept]) <= mirostat_mu_) ++kept;
  n = std::max<std::size_t>(1, kept);
  fill_probabilities(n);
  const std::size_t chosen = draw(n);
  mirostat_mu_ -= options_.mirostat_eta * (-std::log2(probabilities_[chosen]) - options_.mirostat_tau);
  return chosen;
}

/// Moves the typical ones of the first `n` candidates to the front, in their order; returns how many they
/// are.
std::size_t Sampler::keep_typical(std::size_t n) {
  fill_probabilities(n);
  double entropy = 0.0;
  for (std::size_t i = 0; i < n; ++i)
    if (probabilities_[i] > 0.0f)
      entropy -= static_cast<double>(probabilities_[i]) * std::log(probabilities_[i]);
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  const auto distance = [&](std::size_t i) {
    return std::abs(-std::log(std::max(probabilities_[i], std::numeric_limits<float>::min())) - entropy);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  double sum = 0.0;
  std::size_t kept = 0;
  while (kept < n && sum < options_.typical_p) sum += probabilities_[order[kept++]];
  order.resize(std::max<std::size_t>(1, kept));
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) candidates_[i] = candidates_[order[i]];
  return order.size();
}

/// Top-p, then min-p, then a draw from what they keep of the first `n` candidates, of which `n_sorted` are in
/// order. More are sorted as they are needed: of a large vocabulary mostly the best few decide.
std::size_t Sampler::draw_from_best(std::size_t n, std::size_t n_sorted) {
  const auto weight = [this](std::size_t i) {
    return std::exp((candidates_[i].logit - candidates_[0].logit) / options_.temperature);
  };
  const auto need = [&](std::size_t count) {  // `count` candidates in order
    while (n_sorted < count) {
      const std::size_t wanted = std::min(n, std::max<std::size_t>(64, n_sorted * 8));
      sort_best(n_sorted, wanted);
      n_sorted = wanted;
    }
  };
  need(1);
  double all = 0.0;
  for (std::size_t i = 0; i < n; ++i) all += static_cast<double>(weight(i));
  double mass = all;
  if (options_.top_p < 1.0f) {
    double sum = 0.0;
    std::size_t kept = 0;
    while (kept < n && sum < options_.top_p * all) {
      need(kept + 1);
      sum += static_cast<double>(weight(kept++));
    }
    n = std::max<std::size_t>(1, kept);
    mass = sum;
  }
  if (options_.min_p > 0.0f) {
    double sum = 0.0;
    std::size_t kept = 0;
    while (kept < n) {
      need(kept + 1);
      const float w = weight(kept);  // relative to the best
      if (kept > 0 && w < options_.min_p) break;
      sum += static_cast<double>(w);
      ++kept;
    }
    n = kept;
    mass = sum;
  }
  double target = next_random() * mass;
  for (std::size_t i = 0; i < n; ++i) {
    need(i + 1);
    target -= static_cast<double>(weight(i));
    if (target < 0.0) return i;
  }
  return 0;
}

std::uint32_t Sampler::sample(std::span<float> logits) {
  if (logits.empty()) throw InvalidArgument("sample: there are no logits");
  if (has_nan(logits)) {
    throw CorruptData(
        "the model's logits are not numbers: its weights are damaged or beyond what this type holds");
  }
  for (const auto& [token, bias] : options_.logit_bias)
    if (token < logits.size()) logits[token] += bias;
  if (options_.repeat_penalty != 1.0f || options_.frequency_penalty != 0.0f ||
      options_.presence_penalty != 0.0f)
    penalise(logits);
  if (options_.dry_multiplier > 0.0f) penalise_repetitions(logits);

  if (options_.temperature == 0.0f) {
    const auto best = std::max_element(logits.begin(), logits.end());
    history_.push_back(static_cast<std::uint32_t>(best - logits.begin()));
    return history_.back();
  }
  candidates_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) candidates_[i] = {logits[i], static_cast<std::uint32_t>(i)};
  std::size_t n = candidates_.size(), n_sorted = 0;
  const auto top_k = static_cast<std::size_t>(options_.top_k);
  if (top_k > 0 && top_k < n) n = n_sorted = top_k;
  const bool wants_order = options_.mirostat_tau > 0.0f || options_.typical_p < 1.0f;
  if (wants_order) n_sorted = n;
  if (n_sorted > 0) sort_best(0, n_sorted);
  std::size_t chosen = 0;
  if (options_.mirostat_tau > 0.0f) {
    chosen = draw_by_surprise(n);
  } else {
    if (options_.typical_p < 1.0f) n = n_sorted = keep_typical(n);
    chosen = draw_from_best(n, n_sorted);
  }
  history_.push_back(candidates_[chosen].token);
  return history_.back();
}

std::vector<TokenProbability> Sampler::top_logprobs(std::span<const float> logits, std::size_t n) {
  const float log_sum = log_sum_exp(logits);
  std::vector<TokenProbability> all(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    all[i] = {static_cast<std::uint32_t>(i), logits[i] - log_sum};
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                    [](const TokenProbability& a, const TokenProbability& b) {
                      return a.logprob != b.logprob ? a.logprob > b.logprob : a.token < b.token;
                    });
  all.resize(n);
  return all;
}

float Sampler::logprob(std::span<const float> logits, std::uint32_t token) {
  if (token >= logits.size()) {
    throw InvalidArgument(cat("there is no token ", token, " among ", logits.size(), " logits"));
  }
  return logits[token] - log_sum_exp(logits);
}

}  // namespace quintet
