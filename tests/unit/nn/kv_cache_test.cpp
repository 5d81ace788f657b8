#include "nn/kv_cache.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/cpu_features.h"

namespace quintet {
namespace {

/// Attention of one query with everything in `sequence`, head 1 of layer 1.
std::vector<float> attend(const KvCache& cache, const KvSequence& sequence, const std::vector<float>& query) {
  std::vector<float> out(query.size());
  const float* q = query.data();
  float* o = out.data();
  const std::uint32_t first = 0, last = static_cast<std::uint32_t>(sequence.length() - 1);
  kernels::select_vector("").attend(
      {sequence.pages().data(), cache.head_offset(1, 1), cache.shape().head_dim, cache.dtype()},
      {.n = 1, .q = &q, .out = &o, .first = &first, .last = &last});
  return out;
}

std::vector<float> wave(std::size_t n, float step) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(static_cast<float>(i) * step);
  return x;
}

TEST(KvCache, GivesNearlyTheSameAttentionInEveryType) {
  for (const std::size_t head_dim : {8u, 48u, 64u, 80u}) {
    const KvShape shape{.n_layers = 2, .n_kv_heads = 2, .head_dim = head_dim};
    std::vector<float> expected;
    for (const DType dtype : {DType::f32, DType::f16, DType::q8_0}) {
      KvCache cache(shape, dtype, 128);
      KvSequence sequence(cache);
      sequence.reserve(100);
      for (std::size_t p = 0; p < 100; ++p) {
        const float step = 0.1f + 0.01f * static_cast<float>(p);
        cache.store(kernels::select_vector(""), sequence.pages()[p / kernels::kPageTokens], 1, 1,
                    p % kernels::kPageTokens, wave(head_dim, step).data(),
                    wave(head_dim, 2.0f * step).data());
      }
      sequence.advance(100);
      const auto out = attend(cache, sequence, wave(head_dim, 0.7f));
      if (expected.empty()) expected = out;
      const float tolerance = dtype == DType::q8_0 ? 0.02f : 1e-3f;
      for (std::size_t d = 0; d < head_dim; ++d)
        ASSERT_NEAR(out[d], expected[d], tolerance) << dtype_name(dtype) << " dimension " << d;
    }
  }
}

TEST(KvCache, TakesHalfAsMuchMemoryWithEightBits) {
  const KvShape shape{.n_layers = 2, .n_kv_heads = 2, .head_dim = 64};
  EXPECT_EQ(KvCache::bytes_per_page(shape, DType::f16), 2u * 2 * 64 * 64 * 2 * 2);
  EXPECT_EQ(KvCache::bytes_per_page(shape, DType::q8_0),
            2u * 2 * 64 * 64 * 2 * 34 / 32);  // 34 bytes for 32 values
}

TEST(KvCache, KeepsThatSomethingWasNoNumber) {
  const KvShape shape{.n_layers = 2, .n_kv_heads = 2, .head_dim = 8};
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    KvCache cache(shape, DType::q8_0, 64);
    KvSequence sequence(cache);
    sequence.reserve(1);
    auto value = wave(8, 0.3f);
    value[5] = odd;
    cache.store(kernels::select_vector(""), sequence.pages()[0], 1, 1, 0, wave(8, 0.1f).data(), value.data());
    sequence.advance(1);
    EXPECT_FALSE(std::isfinite(attend(cache, sequence, wave(8, 0.2f))[5]));
  }
}

TEST(KvCache, RefusesATypeItCannotHold) {
  EXPECT_THROW(KvCache({.n_layers = 1, .n_kv_heads = 1, .head_dim = 8}, DType::q4_0, 64), InvalidArgument);
}

}  // namespace
}  // namespace quintet
