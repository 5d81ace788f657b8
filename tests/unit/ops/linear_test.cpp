#include "ops/linear.h"

#include <gtest/gtest.h>

#include "../kernels/random_blocks.h"
#include "core/error.h"
#include "testing/tested_tables.h"

namespace quintet {
namespace {

using kernels::random_floats;
using kernels::random_weights;

TEST(Linear, GivesARowTheSameBitsHoweverManyStandBesideIt) {
  StorageArena arena;
  constexpr std::size_t kMost = 37, kOut = 100;  // tiles of every size, and a panel with fewer rows
  for (const kernels::MatmulTable& table : kernels::tested_tables()) {
    Compute compute(2, table, kernels::select_vector(""));
    for (const DType type : {DType::f32, DType::bf16, DType::q4_0, DType::q8_0, DType::q6_k, DType::q4_k}) {
      const std::size_t n_cols = type == DType::bf16 ? 300 : 512;
      const auto weight = pack_matrix(compute, random_weights(type, kOut, n_cols, 3), arena);
      const auto x = random_floats(kMost * n_cols, 4), bias = random_floats(kOut, 5);
      std::vector<float> alone(kMost * kOut);
      for (std::size_t t = 0; t < kMost; ++t)
        linear(compute, MatrixView<const float>(x.data() + t * n_cols, 1, n_cols),
               LinearPart{&weight, bias, MatrixView<float>(alone.data() + t * kOut, 1, kOut)});
      for (const std::size_t n_rows : {2u, 8u, 15u, 16u, 33u, 37u}) {
        std::vector<float> together(n_rows * kOut);
        linear(compute, MatrixView<const float>(x.data(), n_rows, n_cols),
               LinearPart{&weight, bias, MatrixView<float>(together.data(), n_rows, kOut)});
        for (std::size_t i = 0; i < together.size(); ++i)
          ASSERT_EQ(together[i], alone[i]) << table.isa << ' ' << dtype_name(type) << " rows " << n_rows;
      }
    }
  }
}

TEST(Linear, MultipliesSeveralMatricesOfDifferentTypesAtOnce) {
  StorageArena arena;
  for (const kernels::MatmulTable& table : kernels::tested_tables()) {
    Compute compute(2, table, kernels::select_vector(""));
    const auto x = random_floats(20 * 256, 4);
    const MatrixView<const float> rows(x.data(), 20, 256);
    std::vector<kernels::PackedMatrix> weights;
    std::vector<std::vector<float>> alone, together;
    for (const DType type : {DType::q4_k, DType::bf16, DType::q6_k, DType::f16}) {
      weights.push_back(pack_matrix(compute, random_weights(type, 48, 256, 9), arena));
      alone.emplace_back(20 * 48);
      together.emplace_back(20 * 48);
    }
    std::vector<LinearPart> parts;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      linear(compute, rows, LinearPart{&weights[i], {}, MatrixView<float>(alone[i].data(), 20, 48)});
      parts.push_back({&weights[i], {}, MatrixView<float>(together[i].data(), 20, 48)});
    }
    linear(compute, rows, parts);
    EXPECT_EQ(alone, together) << table.isa;
  }
}

TEST(Linear, SaysWhichShapesDoNotFit) {
  StorageArena arena;
  Compute compute(1);
  const auto weight = pack_matrix(compute, random_weights(DType::q4_0, 32, 64, 3), arena);
  std::vector<float> x(32), y(32);
  try {
    linear(compute, MatrixView<const float>(x.data(), 1, 32),
           LinearPart{&weight, {}, MatrixView<float>(y.data(), 1, 32)});
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("weight [32, 64]"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace quintet
