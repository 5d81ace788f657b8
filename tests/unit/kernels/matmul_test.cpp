#include "kernels/matmul.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/packed_matrix.h"
#include "random_blocks.h"
#include "tensor/dequantize.h"
#include "testing/tested_tables.h"

namespace quintet::kernels {
namespace {

constexpr DType kTypes[] = {DType::f32,  DType::f16,    DType::bf16,   DType::q4_0, DType::q4_1, DType::q5_0,
                            DType::q5_1, DType::q8_0,   DType::q2_k,   DType::q3_k, DType::q4_k, DType::q5_k,
                            DType::q6_k, DType::iq4_nl, DType::iq4_xs, DType::mxfp4};

/// Rows of activations in every form, with what the kernels can see of them in double precision.
struct Activations {
  std::size_t n_rows, n_cols;
  std::vector<float> floats;
  HalfForm form;
  std::vector<float> rounded;
  std::vector<std::uint16_t> halves;
  std::vector<std::int8_t> codes;
  std::vector<float> scales, scaled_sums;
  std::vector<std::int32_t> negative_sums;

  Activations(const MatmulTable& table, std::size_t rows, std::size_t cols, const std::vector<float>& x)
      : n_rows(rows),
        n_cols(cols),
        floats(rows * cols),
        form(table.half_form),
        rounded(rows * (cols + kBlock)),
        halves(rows * (cols + kBlock)),
        codes(rows * (cols + kBlock)),
        scales(rows * cols / kBlock),
        scaled_sums(scales.size()),
        negative_sums(scales.size() * 2) {
    for (std::size_t t = 0; t < rows; ++t) {
      std::vector<std::int8_t> q(cols);
      std::vector<float> d(cols / kBlock), ds(cols / kBlock);
      std::vector<std::int32_t> sums(cols / kBlock * 2);
      if (cols % kBlock == 0)
        table.quantize_row(x.data() + t * cols, cols, q.data(), d.data(), sums.data(), ds.data());
      for (std::size_t k = 0; k < cols; ++k) {
        floats[k * rows + t] = x[t * cols + k];
        halves[half_index(form, rows, t, k)] = f32_to_bf16(x[t * cols + k]);
        rounded[half_index(form, rows, t, k)] = bf16_to_f32(f32_to_bf16(x[t * cols + k]));
        codes[code_index(rows, t, k)] = q[k];
      }
      for (std::size_t b = 0; b < d.size(); ++b) {
        scales[b * rows + t] = d[b];
        scaled_sums[b * rows + t] = ds[b];
        negative_sums[2 * b * rows + t] = sums[2 * b];
        negative_sums[(2 * b + 1) * rows + t] = sums[2 * b + 1];
      }
    }
  }
  ActivationTile tile(DType weight_type) const {
    const bool is_rounded = weight_type == DType::bf16 && form == HalfForm::floats;
    return {(is_rounded ? rounded : floats).data(),
            halves.data(),
            codes.data(),
            scales.data(),
            negative_sums.data(),
            scaled_sums.data()};
  }
  double seen(DType weight_type, std::size_t t, std::size_t k) const {
    switch (weight_type) {
      case DType::f32:
      case DType::f16: return floats[k * n_rows + t];
      case DType::bf16: return bf16_to_f32(halves[half_index(form, n_rows, t, k)]);
      default: return static_cast<double>(codes[code_index(n_rows, t, k)]) * scales[k / kBlock * n_rows + t];
    }
  }
};

PackedMatrix pack(const Tensor& weights) {
  PackedMatrix packed(weights.dtype(), weights.shape()[0], weights.shape()[1]);
  pack_panels(weights, packed, 0, packed.n_panels());
  return packed;
}

TEST(Matmul, AgreesWithDequantizedWeightsInDoublePrecisionForEveryTypeTileAndInstructionSet) {
  for (const DType type : kTypes) {
    const std::size_t block = dtype_info(type).block_size;
    for (const std::size_t n_cols : {block == 1 ? std::size_t{67} : block, std::size_t{512}}) {
      const Tensor weights = random_weights(type, 21, n_cols, 7);
      const PackedMatrix packed = pack(weights);
      ASSERT_EQ(packed.n_panels(), 2u);
      std::vector<float> plain(21 * n_cols);
      for (std::size_t r = 0; r < 21; ++r)
        dequantize_row(type, weights.row(r).data(), plain.data() + r * n_cols, n_cols);
      for (const MatmulTable& table : tested_tables()) {
        for (std::size_t i = 0; i < 5; ++i) {
          if (table.functions(type).tile[i] == nullptr) continue;
          const std::size_t n_rows = std::size_t{1} << i;
          const Activations x(table, n_rows, n_cols, random_floats(n_rows * n_cols, 3));
          for (std::size_t p = 0; p < 2; ++p) {
            float y[kMaxTile * 20];
            table.functions(type).tile[i](packed.panel(p), x.tile(type), y, 20);
            for (std::size_t t = 0; t < n_rows; ++t) {
              for (std::size_t r = 0; r < kPanelRows; ++r) {
                double sum = 0.0, magnitude = 0.0;
                for (std::size_t k = 0; k < n_cols && p * kPanelRows + r < 21; ++k) {
                  const double product = plain[(p * kPanelRows + r) * n_cols + k] * x.seen(type, t, k);
                  sum += product;
                  magnitude += std::abs(product);
                }
                // f32 sums of n terms are off by a few units of 2^-24 of their magnitude.
                EXPECT_NEAR(y[t * 20 + r], sum, 1e-5 * magnitude + 1e-6)
                    << dtype_name(type) << " " << table.isa << " rows " << n_rows << " row " << p * 16 + r;
              }
            }
          }
        }
      }
    }
  }
}

TEST(Matmul, GivesTheSameBitsForQuantizedWeightsOnEveryInstructionSetAndInEveryTile) {
  for (const DType type : kTypes) {
    if (!dtype_info(type).is_quantized) continue;
    const std::size_t n_cols = 512;
    const PackedMatrix packed = pack(random_weights(type, 16, n_cols, 11));
    const std::vector<float> x = random_floats(kMaxTile * n_cols, 5);
    float expected[kMaxTile][kPanelRows];
    for (std::size_t t = 0; t < kMaxTile; ++t) {
      const std::vector<float> row(x.begin() + static_cast<std::ptrdiff_t>(t * n_cols),
                                   x.begin() + static_cast<std::ptrdiff_t>((t + 1) * n_cols));
      const MatmulTable& ref = matmul_tables().back();
      ref.functions(type).tile[0](packed.panel(0), Activations(ref, 1, n_cols, row).tile(type), expected[t],
                                  kPanelRows);
    }
    for (const MatmulTable& table : tested_tables()) {
      for (std::size_t i = 0; i < 5; ++i) {
        if (table.functions(type).tile[i] == nullptr) continue;
        const std::size_t n_rows = std::size_t{1} << i;
        float y[kMaxTile][kPanelRows];
        table.functions(type).tile[i](packed.panel(0), Activations(table, n_rows, n_cols, x).tile(type), y[0],
                                      kPanelRows);
        for (std::size_t t = 0; t < n_rows; ++t)
          for (std::size_t r = 0; r < kPanelRows; ++r)
            EXPECT_EQ(y[t][r], expected[t][r]) << dtype_name(type) << " " << table.isa << " rows " << n_rows;
      }
    }
  }
}

TEST(Matmul, GivesARowOfBf16TheSameBitsInEveryTile) {
  for (const std::size_t n_cols : {67u, 512u}) {
    const PackedMatrix packed = pack(random_weights(DType::bf16, 16, n_cols, 11));
    const std::vector<float> x = random_floats(kMaxTile * n_cols, 5);
    for (const MatmulTable& table : tested_tables()) {
      const MatmulFunctions functions = table.functions(DType::bf16);
      std::vector<float> expected;
      for (std::size_t i = 5; i-- > 0;) {
        if (functions.tile[i] == nullptr) continue;
        const std::size_t n_rows = std::size_t{1} << i;
        float y[kMaxTile * kPanelRows];
        functions.tile[i](packed.panel(0), Activations(table, n_rows, n_cols, x).tile(DType::bf16), y,
                          kPanelRows);
        if (expected.empty()) expected.assign(y, y + n_rows * kPanelRows);
        for (std::size_t j = 0; j < n_rows * kPanelRows; ++j)
          EXPECT_EQ(y[j], expected[j]) << table.isa << " rows " << n_rows;
      }
    }
  }
}

TEST(QuantizeRow, GivesTheSameBytesOnEveryInstructionSet) {
  std::vector<float> x = random_floats(1024, 17);
  for (std::size_t i = 0; i < 32; ++i) x[i] = 0.0f;                                // zeros
  for (std::size_t i = 32; i < 64; ++i) x[i] = 1e-40f;                             // too small to be scaled
  for (std::size_t i = 64; i < 96; ++i) x[i] *= 1e30f;                             // large
  for (std::size_t i = 96; i < 128; ++i) x[i] = static_cast<float>(i % 4) - 0.5f;  // ties
  std::vector<std::int8_t> expected(1024);
  std::vector<float> scales(32), scaled(32);
  std::vector<std::int32_t> sums(64);
  ref::quantize_row(x.data(), 1024, expected.data(), scales.data(), sums.data(), scaled.data());
  for (std::size_t i = 0; i < 1024; ++i)
    EXPECT_NEAR(static_cast<double>(expected[i]) * scales[i / 32], x[i], 0.5001 * scales[i / 32] + 2e-40);
  for (const MatmulTable& table : tested_tables()) {
    std::vector<std::int8_t> codes(1024);
    std::vector<float> d(32), ds(32);
    std::vector<std::int32_t> negative(64);
    table.quantize_row(x.data(), 1024, codes.data(), d.data(), negative.data(), ds.data());
    EXPECT_EQ(codes, expected) << table.isa;
    EXPECT_EQ(d, scales) << table.isa;
    EXPECT_EQ(negative, sums) << table.isa;
    EXPECT_EQ(ds, scaled) << table.isa;
  }
}

TEST(QuantizeRow, GivesABlockWithANanOrAnInfinityAScaleOfNanOnEveryInstructionSet) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto bits = [](const std::vector<float>& values) {
    std::vector<std::uint32_t> result;
    for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
    return result;
  };
  for (const float hostile : {kNan, -kNan, kInfinity, -kInfinity}) {
    for (std::size_t at = 0; at < kBlock; ++at) {
      std::vector<float> x = random_floats(3 * kBlock, 23);
      x[kBlock + at] = hostile;
      x[2 * kBlock + at] = std::numeric_limits<float>::max();
      std::vector<std::uint32_t> scales, scaled_sums;
      std::vector<std::int8_t> codes;
      for (const MatmulTable& table : tested_tables()) {
        std::vector<std::int8_t> q(3 * kBlock, 1);
        std::vector<float> d(3), ds(3);
        std::vector<std::int32_t> negative(6, 1);
        table.quantize_row(x.data(), 3 * kBlock, q.data(), d.data(), negative.data(), ds.data());
        EXPECT_TRUE(std::isfinite(d[0]) && std::isnan(d[1]) && std::isfinite(d[2])) << table.isa;
        EXPECT_TRUE(std::isnan(ds[1])) << table.isa;
        EXPECT_EQ(q[2 * kBlock + at], 127) << table.isa;
        for (std::size_t i = kBlock; i < 2 * kBlock; ++i) EXPECT_EQ(q[i], 0) << table.isa;
        EXPECT_TRUE(negative[2] == 0 && negative[3] == 0) << table.isa;
        if (codes.empty()) {
          codes = q;
          scales = bits(d);
          scaled_sums = bits(ds);
        }
        EXPECT_EQ(q, codes) << table.isa;
        EXPECT_EQ(bits(d), scales) << table.isa;
        EXPECT_EQ(bits(ds), scaled_sums) << table.isa;
      }
    }
  }
}

TEST(Matmul, GivesNoFiniteNumberForARowWithAnInfinityAndLeavesTheRowBesideItAlone) {
  for (const DType type : kTypes) {
    const std::size_t n_cols = 512;
    const PackedMatrix packed = pack(random_weights(type, 16, n_cols, 13));
    std::vector<float> x = random_floats(2 * n_cols, 5);
    x[40] = std::numeric_limits<float>::infinity();
    for (const MatmulTable& table : tested_tables()) {
      float y[2][kPanelRows];
      table.functions(type).tile[1](packed.panel(0), Activations(table, 2, n_cols, x).tile(type), y[0],
                                    kPanelRows);
      for (std::size_t r = 0; r < kPanelRows; ++r) {
        EXPECT_FALSE(std::isfinite(y[0][r])) << dtype_name(type) << " " << table.isa;
        EXPECT_TRUE(std::isfinite(y[1][r])) << dtype_name(type) << " " << table.isa;
      }
    }
  }
}

TEST(SelectMatmul, TakesTheBestOrTheOneThatWasNamed) {
  EXPECT_TRUE(select_matmul("").supported());
  EXPECT_EQ(select_matmul("ref").isa, "ref");
  try {
    select_matmul("mmx");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("mmx"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("ref"), std::string::npos);
  }
}

}  // namespace
}  // namespace quintet::kernels
