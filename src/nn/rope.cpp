#include "nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

/// Index of the pair that turns `n_turns` times within the trained length (arXiv:2309.00071, section 3.2).
double pair_of_turns(double n_turns, const RopeConfig& config) {
  const auto dim = static_cast<double>(config.dim);
  const auto length = static_cast<double>(config.original_seq_len);
  return dim * std::log(length / (n_turns * 2.0 * std::numbers::pi)) / (2.0 * std::log(config.theta));
}

/// theta · (factor · seq_len / original_seq_len - (factor - 1))^(dim / (dim - 2)) for sequences that are
/// longer than trained for: the slowest pair then turns as if they were not ("NTK-aware", in the words of
/// arXiv:2309.00071, section 3.1).
double scaled_theta(const RopeConfig& config) {
  const auto theta = static_cast<double>(config.theta);
  if (config.scaling != RopeScaling::dynamic_ntk || config.seq_len <= config.original_seq_len ||
      config.dim <= 2)
    return theta;
  const auto dim = static_cast<double>(config.dim);
  const double stretch =
      config.factor * static_cast<double>(config.seq_len) / static_cast<double>(config.original_seq_len) -
      (config.factor - 1.0);
  return theta * std::pow(stretch, dim / (dim - 2.0));
}

}  // namespace

std::vector<float> llama3_frequency_factors(std::size_t dim, float theta, float factor, float low_freq_factor,
                                            float high_freq_factor, float original_seq_len) {
  std::vector<float> factors(dim / 2);
  const double longest = static_cast<double>(original_seq_len) / low_freq_factor;
  const double shortest = static_cast<double>(original_seq_len) / high_freq_factor;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    const double wavelength = 2.0 * std::numbers::pi / frequency;
    if (wavelength < shortest) {
      factors[i] = 1.0f;
    } else if (wavelength > longest) {
      factors[i] = factor;
    } else {
      const double smooth = (original_seq_len / wavelength - low_freq_factor) /
                            static_cast<double>(high_freq_factor - low_freq_factor);
      factors[i] = static_cast<float>(1.0 / ((1.0 - smooth) / factor + smooth));
    }
  }
  return factors;
}

float longrope_attention_factor(float factor, std::size_t original_seq_len) {
  if (factor <= 1.0f || original_seq_len < 2) return 1.0f;
  return static_cast<float>(std::sqrt(1.0 + std::log(static_cast<double>(factor)) /
                                                std::log(static_cast<double>(original_seq_len))));
}

Rope::Rope(const RopeConfig& config) : config_(config) {
  const std::size_t n_pairs = config.dim / 2;
  if (config.dim % 2 != 0)
    throw InvalidArgument(cat("rope: ", config.dim, " dimensions can't be rotated in pairs"));
  if (!config.frequency_factors.empty() && config.frequency_factors.size() != n_pairs) {
    throw InvalidArgument(
        cat("rope: ", config.frequency_factors.size(), " frequency factors for ", n_pairs, " pairs"));
  }
  const double theta = scaled_theta(config);
  for (std::size_t i = 0; i < n_pairs; ++i) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.dim));
    if (!config.frequency_factors.empty()) frequency /= config.frequency_factors[i];
    frequencies_.push_back(frequency);
  }
  switch (config.scaling) {
    case RopeScaling::none:
    case RopeScaling::dynamic_ntk: break;
    case RopeScaling::linear:
      for (double& frequency : frequencies_) frequency /= config.factor;
      break;
    case RopeScaling::yarn: {
      // Fast pairs stay, slow ones are interpolated, with a ramp between (arXiv:2309.00071, eq. 23-25).
      const double low = std::max(0.0, std::floor(pair_of_turns(config.yarn_beta_fast, config)));
      const double high = std::min(static_cast<double>(config.dim) - 1.0,
                                   std::ceil(pair_of_turns(config.yarn_beta_slow, config)));
      for (std::size_t i = 0; i < n_pairs; ++i) {
        const double ramp =
            std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
        frequencies_[i] = frequencies_[i] / config.factor * ramp + frequencies_[i] * (1.0 - ramp);
      }
      magnitude_ = 0.1f * std::log(std::max(1.0f, config.factor)) + 1.0f;
      break;
    }
  }
  if (config.attention_factor > 0.0f) magnitude_ = config.attention_factor;
}

RopeAngles Rope::angles(Compute& compute, std::span<const std::uint32_t> positions) const {
  const std::size_t n_pairs = frequencies_.size();
  RopeAngles angles{compute.scratch.take_matrix(positions.size(), n_pairs),
                    compute.scratch.take_matrix(positions.size(), n_pairs)};
  for (std::size_t t = 0; t < positions.size(); ++t) {
    for (std::size_t i = 0; i < n_pairs; ++i) {
      const double angle = static_cast<double>(positions[t]) * frequencies_[i];
      angles.cos.row(t)[i] = static_cast<float>(std::cos(angle)) * magnitude_;
      angles.sin.row(t)[i] = static_cast<float>(std::sin(angle)) * magnitude_;
    }
  }
  return angles;
}

void Rope::rotate(const Compute& compute, float* head, std::size_t token,
                  const RopeAngles& angles) const noexcept {
  const auto function =
      config_.layout == RopeLayout::halves ? compute.vector.rope_half : compute.vector.rope_pairs;
  function(head, angles.cos.row(token).data(), angles.sin.row(token).data(), config_.dim);
}

}  // namespace quintet
