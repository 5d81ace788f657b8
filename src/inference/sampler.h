#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace quintet {

/// How the next token is chosen. The defaults draw from the whole distribution.
struct SamplingOptions {
  float temperature = 1.0f;  // 0 = greedy
  std::int32_t top_k = 0;    // 0 = all
  float top_p = 1.0f;        // nucleus (arXiv:1904.09751)
  float min_p = 0.0f;        // least probability, relative to the best (arXiv:2407.01082)
  float typical_p = 1.0f;    // locally typical (arXiv:2202.00666)

  float repeat_penalty =
      1.0f;  // divides positive and multiplies negative logits of recent tokens (arXiv:1909.05858)
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  std::int32_t penalty_window = 64;  // recent tokens that count; -1 = all

  float dry_multiplier = 0.0f;  // DRY: punishes what would continue a repetition; 0 = off
  float dry_base = 1.75f;
  std::int32_t dry_allowed_length = 2;        // repetitions up to this long go unpunished
  std::vector<std::uint32_t> dry_breakers{};  // tokens that end a repetition

  float mirostat_tau = 0.0f;  // mirostat 2 (arXiv:2007.14966): wanted surprise in bits; 0 = off
  float mirostat_eta = 0.1f;

  std::unordered_map<std::uint32_t, float> logit_bias{};
  std::uint64_t seed = 0;
};

/// A seed that nobody chose.
std::uint64_t random_seed();

struct TokenProbability {
  std::uint32_t token = 0;
  float logprob = 0.0f;  // natural logarithm
};

/// Chooses tokens for one sequence. The same seed, options and logits give the same tokens on every machine.
class Sampler {
 public:
  /// Throws InvalidArgument naming the option that is out of range.
  explicit Sampler(SamplingOptions options);

  /// Tokens that are there already, for penalties: the prompt.
  void accept(std::span<const std::uint32_t> tokens);

  /// Chooses the next token and remembers it. `logits` [vocab_size] are changed. Throws CorruptData when one
  /// of them is not a number.
  std::uint32_t sample(std::span<float> logits);

  /// Before sample(): the `n` most probable tokens of the unchanged logits, best first.
  static std::vector<TokenProbability> top_logprobs(std::span<const float> logits, std::size_t n);
  /// log softmax at one token.
  static float logprob(std::span<const float> logits, std::uint32_t token);

 private:
  struct Candidate {
    float logit = 0.0f;
    std::uint32_t token = 0;
  };

  void penalise(std::span<float> logits);
  void penalise_repetitions(std::span<float> logits);
  void sort_best(std::size_t n_sorted, std::size_t n);
  void fill_probabilities(std::size_t n);
  std::size_t draw(std::size_t n);
  std::size_t draw_by_surprise(std::size_t n);
  std::size_t keep_typical(std::size_t n);
  std::size_t draw_from_best(std::size_t n, std::size_t n_sorted);
  double next_random() noexcept;

  SamplingOptions options_;
  std::vector<std::uint32_t> history_;
  std::vector<Candidate> candidates_;  // memory of sample()
  std::vector<float> probabilities_;
  std::uint64_t random_state_;
  float mirostat_mu_ = 0.0f;
};

}  // namespace quintet
