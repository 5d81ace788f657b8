#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"
#include "tensor/view.h"

namespace quintet {

/// A typed, row-major, contiguous array on shared storage. Copying a Tensor copies the handle, not the
/// elements; clone() copies the elements. Reading from several threads is safe, writing is the writer's
/// business.
class Tensor {
 public:
  Tensor() = default;
  /// A view of `storage` from `offset` bytes on. Throws InvalidArgument when it does not fit in.
  Tensor(std::shared_ptr<Storage> storage, std::size_t offset, DType dtype, const Shape& shape);

  /// Zeros on the heap.
  static Tensor zeros(DType dtype, const Shape& shape);
  static Tensor from(std::span<const float> values, const Shape& shape);

  DType dtype() const noexcept { return dtype_; }
  const Shape& shape() const noexcept { return shape_; }
  std::size_t size_bytes() const noexcept { return size_bytes_; }
  bool is_empty() const noexcept { return storage_ == nullptr; }

  std::span<const std::byte> bytes() const noexcept { return {data_, size_bytes_}; }
  std::span<std::byte> mutable_bytes();
  const std::shared_ptr<Storage>& storage() const noexcept { return storage_; }

  /// Bytes of one row along the last axis.
  std::size_t row_size_bytes() const { return row_bytes(dtype_, shape_.back()); }
  std::span<const std::byte> row(std::size_t r) const {
    return bytes().subspan(r * row_size_bytes(), row_size_bytes());
  }

  /// The elements of an f32 tensor. Throws InvalidArgument for another type.
  std::span<const float> f32() const;
  std::span<float> mutable_f32();
  /// [n_rows, last extent] of an f32 tensor.
  MatrixView<const float> matrix() const;
  MatrixView<float> mutable_matrix();

  /// The same elements in another shape. Throws InvalidArgument when their number differs.
  Tensor reshaped(const Shape& shape) const;
  /// Rows `begin` to `end` along the first axis, sharing storage.
  Tensor slice(std::size_t begin, std::size_t end) const;
  Tensor clone() const;

 private:
  std::shared_ptr<Storage> storage_;
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  DType dtype_ = DType::f32;
  Shape shape_;
};

}  // namespace quintet
