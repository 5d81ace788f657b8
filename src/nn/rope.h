#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/compute.h"

namespace quintet {

/// Which elements of a head form a pair that is rotated: i and i + dim / 2, or 2i and 2i + 1.
enum class RopeLayout : std::uint8_t { halves, pairs };

/// How positions beyond the trained length are brought into it: linear divides all of them
/// (arXiv:2306.15595), dynamic_ntk raises theta by how far `seq_len` goes beyond it, yarn treats fast and
/// slow pairs differently (arXiv:2309.00071). Llama 3 and LongRoPE (arXiv:2402.13753) come as
/// frequency_factors.
enum class RopeScaling : std::uint8_t { none, linear, dynamic_ntk, yarn };

/// Rotary position embedding (arXiv:2104.09864), read once from the checkpoint.
struct RopeConfig {
  std::size_t dim = 0;  // of each head that is rotated; the rest passes
  float theta = 10'000.0f;
  RopeLayout layout = RopeLayout::halves;
  RopeScaling scaling = RopeScaling::none;
  float factor = 1.0f;               // how many times longer than it was trained for
  std::size_t original_seq_len = 0;  // what it was trained for; dynamic_ntk, yarn
  std::size_t seq_len = 0;           // the longest sequence there will be; dynamic_ntk
  float yarn_beta_fast = 32.0f, yarn_beta_slow = 1.0f;
  float attention_factor = 0.0f;  // length of rotated vectors; 0 = with yarn 0.1 · ln(factor) + 1, else 1
  std::vector<float> frequency_factors;  // [dim / 2] divisors of the frequencies, or empty: Llama 3, LongRoPE
};

/// Divisors of the frequencies as Llama 3.1 computes them: long wavelengths are divided by `factor`, short
/// ones stay, those between blend (Llama 3.1 model card, "rope_scaling").
std::vector<float> llama3_frequency_factors(std::size_t dim, float theta, float factor, float low_freq_factor,
                                            float high_freq_factor, float original_seq_len);

/// Length of rotated vectors with LongRoPE, when the checkpoint doesn't say it: sqrt(1 + ln(factor) /
/// ln(original_seq_len)), `factor` times longer than trained for (arXiv:2402.13753, Phi-3's configuration).
float longrope_attention_factor(float factor, std::size_t original_seq_len);

/// Angles of a batch's positions: cosines and sines [n_tokens][dim / 2].
struct RopeAngles {
  MatrixView<float> cos;
  MatrixView<float> sin;
};

/// Frequencies of one RopeConfig. Immutable.
class Rope {
 public:
  explicit Rope(const RopeConfig& config);

  /// Into scratch memory of the current scope.
  RopeAngles angles(Compute& compute, std::span<const std::uint32_t> positions) const;
  /// Rotates one head in place.
  void rotate(const Compute& compute, float* head, std::size_t token,
              const RopeAngles& angles) const noexcept;
  std::size_t dim() const noexcept { return config_.dim; }

 private:
  RopeConfig config_;
  std::vector<double> frequencies_;  // [dim / 2]
  float magnitude_ = 1.0f;           // of the rotated vectors (yarn, LongRoPE)
};

/// A rotation with the angles of the batch in hand.
struct Rotation {
  const Rope* rope = nullptr;
  RopeAngles angles;
};

}  // namespace quintet
