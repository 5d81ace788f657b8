#include "kernels/vector.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "random_blocks.h"
#include "tensor/half.h"

namespace quintet::kernels {
namespace {

template <typename F>
void for_each_table(const F& f) {
  for (const VectorTable& table : vector_tables()) {
    if (!table.supported()) continue;
    SCOPED_TRACE(std::string(table.isa));
    f(table);
  }
}

TEST(Vector, NormsAgreeWithDoublePrecision) {
  for_each_table([](const VectorTable& table) {
    for (const std::size_t n : {1u, 7u, 16u, 17u, 576u}) {
      const auto x = random_floats(n, 1), w = random_floats(n, 2), b = random_floats(n, 3);
      double squares = 0.0, mean = 0.0, variance = 0.0;
      for (const float v : x) squares += static_cast<double>(v) * v / static_cast<double>(n);
      for (const float v : x) mean += v / static_cast<double>(n);
      for (const float v : x) variance += (v - mean) * (v - mean) / static_cast<double>(n);
      std::vector<float> y(n), z(n);
      table.rms_norm(x.data(), w.data(), 1e-5f, y.data(), n);
      table.layer_norm(x.data(), w.data(), b.data(), 1e-5f, z.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(y[i], x[i] / std::sqrt(squares + 1e-5) * w[i], 2e-6 * (1 + std::abs(y[i])));
        EXPECT_NEAR(z[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i],
                    5e-6 * (1 + std::abs(z[i])));
      }
    }
  });
}

TEST(Vector, ActivationsAgreeWithDoublePrecisionOverTheirWholeRange) {
  for_each_table([](const VectorTable& table) {
    std::vector<float> x, up;
    for (float v = -120.0f; v <= 120.0f; v += 0.37f) x.push_back(v), up.push_back(1.0f + 0.01f * v);
    const std::size_t n = x.size();
    std::vector<float> y(n);
    table.silu_mul(x.data(), up.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double v = x[i], expected = v / (1.0 + std::exp(-v)) * up[i];
      EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(expected) + 1e-30) << v;
    }
    table.gelu_tanh_mul(x.data(), up.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double v = x[i];
      const double expected =
          0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v))) * up[i];
      EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(v) + 1e-30) << v;
    }
    table.gelu_erf_mul(x.data(), up.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double v = x[i], expected = 0.5 * v * std::erfc(-v / std::sqrt(2.0)) * up[i];
      EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(v) + 1e-30) << v;
    }
    std::vector<float> one(n, 1.0f), alone(n);
    table.gelu_erf_mul(x.data(), one.data(), y.data(), n);
    table.gelu_erf(x.data(), alone.data(), n);
    EXPECT_EQ(y, alone);
    table.gelu_tanh_mul(x.data(), one.data(), y.data(), n);
    table.gelu_tanh(x.data(), alone.data(), n);
    EXPECT_EQ(y, alone);
    table.silu_mul(x.data(), one.data(), y.data(), n);
    table.silu(x.data(), alone.data(), n);
    EXPECT_EQ(y, alone);
    table.softcap(x.data(), 30.0f, y.data(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(y[i], 30.0 * std::tanh(x[i] / 30.0), 1e-5) << x[i];
  });
}

TEST(Vector, KeepsWhatIsNoNumberToItsOwnLane) {
  // NaNs whose lowest bits, taken for an exponent, would give any number; whole vectors and a rest.
  std::vector<float> x = random_floats(53, 1);
  const std::vector<float> sound = x;
  const std::vector<std::pair<std::size_t, std::uint32_t>> broken{
      {0, 0x7FC00000}, {5, 0xFFC00001}, {17, 0x7FFFFFFF}, {31, 0x7F800001}, {50, 0xFFFFFF81}};
  for (const auto& [i, bits] : broken) std::memcpy(&x[i], &bits, sizeof bits);
  const auto is_broken = [&](std::size_t i) { return std::isnan(x[i]); };
  for_each_table([&](const VectorTable& table) {
    const auto check = [&](const char* name, const auto& run) {
      SCOPED_TRACE(name);
      std::vector<float> y(x.size()), expected(x.size());
      run(sound.data(), expected.data());
      run(x.data(), y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (is_broken(i)) {
          EXPECT_TRUE(std::isnan(y[i])) << i << ": " << y[i];
        } else {
          EXPECT_EQ(y[i], expected[i]) << i;
        }
      }
    };
    const std::size_t n = x.size();
    check("silu", [&](const float* from, float* to) { table.silu(from, to, n); });
    check("gelu_tanh", [&](const float* from, float* to) { table.gelu_tanh(from, to, n); });
    check("gelu_erf", [&](const float* from, float* to) { table.gelu_erf(from, to, n); });
    check("softcap", [&](const float* from, float* to) { table.softcap(from, 3.0f, to, n); });
    std::vector<float> probs = x;
    table.softmax(probs.data(), n);
    for (const std::size_t i : {0u, 5u, 17u, 31u, 50u}) EXPECT_TRUE(std::isnan(probs[i])) << i;

    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    std::vector<float> far(20, 0.5f), y(20);
    far[3] = kInfinity;
    far[18] = -kInfinity;
    table.softcap(far.data(), 3.0f, y.data(), far.size());
    EXPECT_EQ(y[3], 3.0f);
    EXPECT_EQ(y[18], -3.0f);
    table.silu(far.data(), y.data(), far.size());
    EXPECT_EQ(y[3], kInfinity);
    far[3] = 0.5f;
    table.softmax(far.data(), far.size());
    EXPECT_EQ(far[18], 0.0f);
    EXPECT_NEAR(far[3], 1.0f / 19.0f, 1e-7f);
  });
}

TEST(Vector, SoftmaxSumsToOneAndReturnsTheLogarithmOfTheSum) {
  for_each_table([](const VectorTable& table) {
    auto x = random_floats(1003, 9);
    for (float& v : x) v *= 10.0f;
    const auto before = x;
    double sum = 0.0;
    for (const float v : before) sum += std::exp(static_cast<double>(v));
    EXPECT_NEAR(table.softmax(x.data(), x.size()), std::log(sum), 1e-5);
    double total = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(x[i], std::exp(static_cast<double>(before[i])) / sum, 1e-6);
      total += x[i];
    }
    EXPECT_NEAR(total, 1.0, 1e-5);
  });
}

TEST(Vector, RotatesPairsWhereverTheyLie) {
  for_each_table([](const VectorTable& table) {
    for (const std::size_t n : {2u, 8u, 16u, 34u, 64u, 80u, 128u}) {
      const auto x = random_floats(n, 1), angles = random_floats(n / 2, 2);
      std::vector<float> cos(n / 2), sin(n / 2), halves = x, pairs = x;
      for (std::size_t i = 0; i < n / 2; ++i) {
        cos[i] = std::cos(angles[i]);
        sin[i] = std::sin(angles[i]);
      }
      table.rope_half(halves.data(), cos.data(), sin.data(), n);
      table.rope_pairs(pairs.data(), cos.data(), sin.data(), n);
      for (std::size_t i = 0; i < n / 2; ++i) {
        const auto expect_rotated = [&](float a, float b, float rotated_a, float rotated_b) {
          EXPECT_NEAR(rotated_a, static_cast<double>(a) * cos[i] - static_cast<double>(b) * sin[i], 1e-6)
              << n;
          EXPECT_NEAR(rotated_b, static_cast<double>(a) * sin[i] + static_cast<double>(b) * cos[i], 1e-6)
              << n;
        };
        expect_rotated(x[i], x[i + n / 2], halves[i], halves[i + n / 2]);
        expect_rotated(x[2 * i], x[2 * i + 1], pairs[2 * i], pairs[2 * i + 1]);
      }
    }
  });
}

TEST(Vector, RoundsToF16AsTheScalarDoes) {
  std::vector<float> x = random_floats(1000, 7);
  for (std::size_t i = 0; i < 300; ++i) x[i] *= std::ldexp(1.0f, static_cast<int>(i % 60) - 40);
  x.insert(x.end(),
           {0.0f, -0.0f, 65504.0f, 65519.0f, 65520.0f, 1e9f, -1e9f, 5.9604645e-8f, 2.98e-8f, 1.00048828125f});
  for_each_table([&](const VectorTable& table) {
    std::vector<std::uint16_t> halves(x.size());
    table.to_f16(x.data(), halves.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(halves[i], f32_to_f16(x[i])) << x[i];
  });
}

/// A cache of one head and as many pages as needed, filled with random keys and values.
struct Cache {
  std::size_t head_dim, length;
  DType dtype;
  std::vector<float> keys, values;  // [length][head_dim], as the cache holds them
  std::vector<std::vector<std::byte>> memory;
  std::vector<const std::byte*> pages;

  Cache(std::size_t dim, std::size_t n, DType type)
      : head_dim(dim),
        length(n),
        dtype(type),
        keys(random_floats(n * dim, 21)),
        values(random_floats(n * dim, 22)) {
    const KvHeadLayout layout = kv_head_layout(type, dim);
    for (std::size_t begin = 0; begin < n; begin += kPageTokens) {
      auto& page = memory.emplace_back(layout.size, std::byte{0xFF});  // NaNs where nothing is
      std::fill(page.begin() + static_cast<std::ptrdiff_t>(layout.values), page.end(), std::byte{});
      const auto put_half = [&](std::size_t at, float value) {
        const std::uint16_t half = f32_to_f16(value);
        std::memcpy(page.data() + at, &half, 2);
        return f16_to_f32(half);
      };
      const auto put = [&](std::size_t first, std::size_t element, float scale, float& value) {
        if (type == DType::f32) {
          std::memcpy(page.data() + first + element * 4, &value, 4);
        } else if (type == DType::f16) {
          value = put_half(first + element * 2, value);
        } else {
          const auto code = static_cast<std::int8_t>(std::lround(value / scale));
          page[first + element] = static_cast<std::byte>(code);
          value = scale * static_cast<float>(code);
        }
      };
      for (std::size_t slot = 0; slot < std::min(kPageTokens, n - begin); ++slot)
        for (std::size_t d = 0; d < dim; ++d) {
          const std::size_t block = d / kKvBlock;
          float key_scale = 0.0f, value_scale = 0.0f;
          if (type == DType::q8_0) {  // any will do that codes fit into
            key_scale = put_half(layout.key_scales + (block * kPageTokens + slot) * 2,
                                 0.05f + 0.001f * static_cast<float>(slot));
            value_scale = put_half(layout.value_scales + (slot * layout.n_blocks + block) * 2,
                                   0.05f + 0.01f * static_cast<float>(block));
          }
          put(0, d * kPageTokens + slot, key_scale, keys[(begin + slot) * dim + d]);
          put(layout.values, slot * layout.padded_dim + d, value_scale, values[(begin + slot) * dim + d]);
        }
    }
    for (const auto& page : memory) pages.push_back(page.data());
  }
};

TEST(Attend, AgreesWithAttentionInDoublePrecision) {
  for_each_table([](const VectorTable& table) {
    for (const DType dtype : {DType::f16, DType::f32, DType::q8_0})
      for (const std::size_t head_dim : {8u, 16u, 64u, 80u, 128u})
        for (const std::size_t length : {1u, 63u, 64u, 65u, 200u})
          for (const float softcap : {0.0f, 20.0f})
            for (const bool has_sinks : {false, true}) {
              const Cache cache(head_dim, length, dtype);
              const std::size_t n = 7;
              const auto q = random_floats(n * head_dim, 33);
              std::vector<float> out(n * head_dim), sinks(n, 0.7f);
              std::vector<const float*> q_rows;
              std::vector<float*> out_rows;
              std::vector<std::uint32_t> first, last;
              for (std::size_t i = 0; i < n; ++i) {
                q_rows.push_back(q.data() + i * head_dim);
                out_rows.push_back(out.data() + i * head_dim);
                last.push_back(static_cast<std::uint32_t>((length - 1) * (i + 1) / n));
                first.push_back(i % 2 == 0 ? 0 : last.back() - std::min<std::uint32_t>(last.back(), 70));
              }
              table.attend({cache.pages.data(), 0, head_dim, dtype},
                           {.n = n,
                            .q = q_rows.data(),
                            .out = out_rows.data(),
                            .first = first.data(),
                            .last = last.data(),
                            .softcap = softcap,
                            .sinks = has_sinks ? sinks.data() : nullptr});
              for (std::size_t i = 0; i < n; ++i) {
                std::vector<double> weights;
                double sum = has_sinks ? std::exp(0.7) : 0.0;
                for (std::size_t p = first[i]; p <= last[i]; ++p) {
                  double score = 0.0;
                  for (std::size_t d = 0; d < head_dim; ++d)
                    score += static_cast<double>(q[i * head_dim + d]) * cache.keys[p * head_dim + d];
                  if (softcap > 0.0f) score = softcap * std::tanh(score / softcap);
                  weights.push_back(std::exp(score));
                  sum += weights.back();
                }
                for (std::size_t d = 0; d < head_dim; ++d) {
                  double expected = 0.0;
                  for (std::size_t p = first[i]; p <= last[i]; ++p)
                    expected += weights[p - first[i]] / sum * cache.values[p * head_dim + d];
                  ASSERT_NEAR(out[i * head_dim + d], expected, 2e-4)
                      << dtype_name(dtype) << " head_dim " << head_dim << " length " << length << " query "
                      << i;
                }
              }
            }
  });
}

TEST(Attend, GivesAQueryTheSameBitsWhateverStandsBesideIt) {
  for_each_table([](const VectorTable& table) {
    for (const DType dtype : {DType::f16, DType::q8_0}) {
      const Cache cache(64, 150, dtype);
      const auto q = random_floats(9 * 64, 44);
      std::vector<float> together(9 * 64), alone(9 * 64);
      std::vector<const float*> q_rows;
      std::vector<float*> out_rows;
      const std::vector<std::uint32_t> first(9, 0);
      std::vector<std::uint32_t> last;
      for (std::uint32_t i = 0; i < 9; ++i) {
        q_rows.push_back(q.data() + i * 64);
        out_rows.push_back(together.data() + i * 64);
        last.push_back(10 + i * 17);
      }
      const KvHeadView kv{cache.pages.data(), 0, 64, dtype};
      table.attend(
          kv,
          {.n = 9, .q = q_rows.data(), .out = out_rows.data(), .first = first.data(), .last = last.data()});
      for (std::size_t i = 0; i < 9; ++i) {
        float* out = alone.data() + i * 64;
        table.attend(kv, {.n = 1, .q = &q_rows[i], .out = &out, .first = &first[i], .last = &last[i]});
      }
      EXPECT_EQ(together, alone);
    }
  });
}

}  // namespace
}  // namespace quintet::kernels
