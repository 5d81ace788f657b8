#include "tensor/dtype.h"

#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet {
namespace {

TEST(DType, IsFoundByNameWhateverTheCase) {
  EXPECT_EQ(find_dtype("q4_k"), DType::q4_k);
  EXPECT_EQ(find_dtype("Q4_K"), DType::q4_k);
  EXPECT_EQ(find_dtype("BF16"), DType::bf16);
  EXPECT_EQ(find_dtype("q4"), std::nullopt);
  for (int i = 0; i <= static_cast<int>(DType::mxfp4); ++i) {
    const auto type = static_cast<DType>(i);
    EXPECT_EQ(find_dtype(dtype_name(type)), type);
  }
}

TEST(DType, RowsAreWholeBlocks) {
  EXPECT_EQ(row_bytes(DType::f32, 3), 12u);
  EXPECT_EQ(row_bytes(DType::q4_0, 64), 36u);
  EXPECT_EQ(row_bytes(DType::q6_k, 512), 420u);
  EXPECT_EQ(row_bytes(DType::q6_k, 0), 0u);
  EXPECT_THROW(row_bytes(DType::q4_0, 33), InvalidArgument);
  EXPECT_THROW(row_bytes(DType::q4_k, 128), InvalidArgument);
}

TEST(DType, RowsTooLargeToCountAreRefused) {
  EXPECT_THROW(row_bytes(DType::f64, std::numeric_limits<std::size_t>::max() / 4), InvalidArgument);
  EXPECT_THROW(row_bytes(DType::f16, std::numeric_limits<std::size_t>::max()), InvalidArgument);
}

}  // namespace
}  // namespace quintet
