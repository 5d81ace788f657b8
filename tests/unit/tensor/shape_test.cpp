#include "tensor/shape.h"

#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet {
namespace {

TEST(Shape, CountsElementsAndRows) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape.n_elements(), 24u);
  EXPECT_EQ(shape.n_rows(), 6u);
  EXPECT_EQ(shape.back(), 4u);
  EXPECT_EQ(shape.to_string(), "[2, 3, 4]");
  EXPECT_EQ(shape, Shape({2, 3, 4}));
  EXPECT_FALSE(shape == Shape({2, 3}));
}

TEST(Shape, OfRankZeroIsAScalar) {
  const Shape scalar;
  EXPECT_EQ(scalar.n_elements(), 1u);
  EXPECT_EQ(scalar.n_rows(), 1u);
  EXPECT_EQ(scalar.to_string(), "[]");
}

TEST(Shape, MayBeEmpty) {
  EXPECT_EQ(Shape({0, 5}).n_elements(), 0u);
  EXPECT_EQ(Shape({5, 0}).n_rows(), 0u);
}

TEST(Shape, RefusesMoreElementsThanCanBeCounted) {
  const std::size_t large = std::size_t{1} << 40;
  EXPECT_THROW(Shape({large, large}), InvalidArgument);
  EXPECT_THROW(Shape({std::numeric_limits<std::size_t>::max(), 2}), InvalidArgument);
  EXPECT_EQ(Shape({std::numeric_limits<std::size_t>::max()}).n_elements(),
            std::numeric_limits<std::size_t>::max());
}

TEST(Shape, RefusesTooManyExtents) {
  EXPECT_EQ(Shape({1, 1, 1, 1, 1, 1}).rank(), 6u);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1}), InvalidArgument);
}

}  // namespace
}  // namespace quintet
