#include "tensor/tensor.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::ElementsAre;

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

TEST(Tensor, IsMadeFromValues) {
  const Tensor tensor = Tensor::from(kSix, Shape{2, 3});
  EXPECT_EQ(tensor.size_bytes(), 24u);
  EXPECT_EQ(tensor.row_size_bytes(), 12u);
  EXPECT_THAT(tensor.matrix().row(1), ElementsAre(4, 5, 6));
  EXPECT_EQ(tensor.row(1).data(), tensor.bytes().data() + 12);
  EXPECT_THROW(Tensor::from(kSix, Shape{2, 2}), InvalidArgument);
}

TEST(Tensor, SharesWhatItIsCopiedFromUnlessCloned) {
  Tensor tensor = Tensor::from(kSix, Shape{6});
  const Tensor copy = tensor;
  const Tensor clone = tensor.clone();
  tensor.mutable_f32()[0] = 9;
  EXPECT_EQ(copy.f32()[0], 9);
  EXPECT_EQ(clone.f32()[0], 1);
}

TEST(Tensor, SlicesAlongTheFirstAxis) {
  const Tensor tensor = Tensor::from(kSix, Shape{3, 2});
  const Tensor slice = tensor.slice(1, 3);
  EXPECT_EQ(slice.shape(), Shape({2, 2}));
  EXPECT_THAT(slice.f32(), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(slice.slice(1, 2).f32(), ElementsAre(5, 6));
  EXPECT_EQ(tensor.slice(1, 1).shape().n_elements(), 0u);
  EXPECT_THROW(tensor.slice(2, 1), InvalidArgument);
  EXPECT_THROW(tensor.slice(0, 4), InvalidArgument);
  EXPECT_THROW(Tensor::from(std::vector<float>{1}, Shape{}).slice(0, 0), InvalidArgument);
}

TEST(Tensor, TakesAnotherShapeOfAsManyElements) {
  const Tensor tensor = Tensor::from(kSix, Shape{3, 2}).slice(1, 3);
  EXPECT_THAT(tensor.reshaped(Shape{4}).f32(), ElementsAre(3, 4, 5, 6));
  EXPECT_THROW(tensor.reshaped(Shape{5}), InvalidArgument);
}

TEST(Tensor, LiesInsideItsStorage) {
  const auto storage = allocate_storage(100);
  EXPECT_EQ(Tensor(storage, 96, DType::f32, Shape{1}).size_bytes(), 4u);
  EXPECT_THROW(Tensor(storage, 97, DType::f32, Shape{1}), InvalidArgument);
  EXPECT_THROW(Tensor(storage, 101, DType::f32, Shape{0}), InvalidArgument);
  EXPECT_THROW(Tensor(storage, 0, DType::f32, Shape{26}), InvalidArgument);
  const std::size_t large = std::size_t{1} << 31;
  EXPECT_THROW(Tensor(storage, 0, DType::f32, Shape({large, large})), InvalidArgument);
  EXPECT_THROW(Tensor::zeros(DType::q4_0, Shape{2, 16}), InvalidArgument);  // 32 elements, but rows of 16
}

TEST(Tensor, OfAnotherTypeGivesNoFloats) {
  Tensor tensor = Tensor::zeros(DType::f16, Shape{4});
  EXPECT_THROW(tensor.f32(), InvalidArgument);
  EXPECT_THROW(tensor.mutable_matrix(), InvalidArgument);
}

TEST(Tensor, InAMappedFileCantBeChanged) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", std::string(16, '\0'));
  Tensor tensor(map_file(folder / "f"), 0, DType::f32, Shape{4});
  EXPECT_EQ(tensor.f32()[3], 0);
  EXPECT_THROW(tensor.mutable_bytes(), InvalidArgument);
}

}  // namespace
}  // namespace quintet
