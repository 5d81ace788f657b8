#include <bit>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/packed_matrix.h"
#include "random_blocks.h"
#include "tensor/dequantize.h"

namespace quintet::kernels {
namespace {

constexpr DType kTypes[] = {DType::f32,  DType::f16,    DType::bf16,   DType::q4_0, DType::q4_1, DType::q5_0,
                            DType::q5_1, DType::q8_0,   DType::q2_k,   DType::q3_k, DType::q4_k, DType::q5_k,
                            DType::q6_k, DType::iq4_nl, DType::iq4_xs, DType::mxfp4};

void expect_same_rows(const Tensor& weights, const PackedMatrix& packed) {
  const std::size_t n_cols = weights.shape().back();
  std::vector<float> expected(n_cols), got(n_cols);
  for (std::size_t r = 0; r < weights.shape().n_rows(); ++r) {
    dequantize_row(weights.dtype(), weights.row(r).data(), expected.data(), n_cols);
    dequantize_packed_row(packed, r, got.data());
    for (std::size_t k = 0; k < n_cols; ++k) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got[k]), std::bit_cast<std::uint32_t>(expected[k]))
          << dtype_name(weights.dtype()) << " row " << r << " of " << weights.shape().n_rows() << " column "
          << k << " of " << n_cols;
    }
  }
}

TEST(Pack, KeepsTheBitsOfEveryWeightOfEveryType) {
  for (const DType type : kTypes) {
    const std::size_t block = dtype_info(type).block_size;
    for (const std::size_t n_blocks : {1, 3, 5, 67}) {
      for (const std::size_t n_rows : {1, 15, 16, 37}) {
        const Tensor weights = random_weights(type, n_rows, n_blocks * block, 29);
        PackedMatrix packed(type, n_rows, n_blocks * block);
        pack_panels(weights, packed, 0, packed.n_panels());
        expect_same_rows(weights, packed);
      }
    }
  }
}

TEST(Pack, KeepsScalesThatAreNegativeZeroSubnormalOrTheLargest) {
  for (const DType type : kTypes) {
    if (!dtype_info(type).is_quantized || type == DType::mxfp4) continue;
    const std::size_t n_cols = dtype_info(type).block_size;
    // Every half that is finite, at both places: d and the min of types that have one are halves of the
    // block.
    for (const std::uint16_t half : {0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x7BFF, 0xFBFF, 0x3C00}) {
      Tensor weights = random_weights(type, 16, n_cols, 31);
      const std::size_t at = type == DType::q6_k   ? 208
                             : type == DType::q3_k ? 108
                             : type == DType::q2_k ? 80
                                                   : 0;
      for (std::size_t r = 0; r < 16; ++r)
        std::memcpy(weights.mutable_bytes().data() + r * weights.row_size_bytes() + at, &half, sizeof half);
      PackedMatrix packed(type, 16, n_cols);
      pack_panels(weights, packed, 0, 1);
      expect_same_rows(weights, packed);
    }
  }
}

TEST(Pack, KeepsEveryExponentOfMxfp4) {
  Tensor weights = random_weights(DType::mxfp4, 256, 32, 37);
  for (std::size_t r = 0; r < 256; ++r)
    weights.mutable_bytes()[r * weights.row_size_bytes()] = static_cast<std::byte>(r);
  PackedMatrix packed(DType::mxfp4, 256, 32);
  pack_panels(weights, packed, 0, packed.n_panels());
  expect_same_rows(weights, packed);
}

TEST(Pack, LiesInAnArenaAsInMemoryOfItsOwn) {
  StorageArena arena;
  const Tensor weights = random_weights(DType::q4_k, 40, 512, 41);
  PackedMatrix first(DType::q4_k, 40, 512, arena), second(DType::q4_k, 40, 512, arena);
  pack_panels(weights, second, 0, second.n_panels());
  pack_panels(weights, first, 0, first.n_panels());
  expect_same_rows(weights, first);
  expect_same_rows(weights, second);
}

TEST(Pack, RefusesColumnsThatAreNoWholeBlocksAndTypesThatAreNoWeights) {
  EXPECT_THROW(PackedMatrix(DType::q4_k, 16, 128), InvalidArgument);
  EXPECT_THROW(PackedMatrix(DType::i32, 16, 128), Unsupported);
}

}  // namespace
}  // namespace quintet::kernels
