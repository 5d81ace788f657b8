#include "tensor/tensor.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

std::size_t tensor_bytes(DType dtype, const Shape& shape) {
  if (shape.n_elements() == 0) return 0;
  const std::size_t row = row_bytes(dtype, shape.back());
  if (shape.n_rows() > std::numeric_limits<std::size_t>::max() / row) {
    throw InvalidArgument(
        cat("a tensor ", shape.to_string(), " of ", dtype_name(dtype), " is larger than any memory"));
  }
  return shape.n_rows() * row;
}

void require_f32(DType dtype) {
  if (dtype != DType::f32)
    throw InvalidArgument(cat("wanted an f32 tensor, this one is ", dtype_name(dtype)));
}

}  // namespace

Tensor::Tensor(std::shared_ptr<Storage> storage, std::size_t offset, DType dtype, const Shape& shape)
    : storage_(std::move(storage)), size_bytes_(tensor_bytes(dtype, shape)), dtype_(dtype), shape_(shape) {
  if (offset > storage_->size() || storage_->size() - offset < size_bytes_) {
    throw InvalidArgument(cat("a tensor ", shape.to_string(), " of ", dtype_name(dtype), " needs ",
                              size_bytes_, " bytes from ", offset, " on; there are ", storage_->size(),
                              " in all"));
  }
  data_ = storage_->data() + offset;
}

Tensor Tensor::zeros(DType dtype, const Shape& shape) {
  return Tensor(allocate_storage(tensor_bytes(dtype, shape)), 0, dtype, shape);
}

Tensor Tensor::from(std::span<const float> values, const Shape& shape) {
  if (values.size() != shape.n_elements()) {
    throw InvalidArgument(
        cat("a tensor ", shape.to_string(), " can't be made from ", values.size(), " values"));
  }
  Tensor tensor = zeros(DType::f32, shape);
  std::ranges::copy(values, tensor.mutable_f32().begin());
  return tensor;
}

std::span<std::byte> Tensor::mutable_bytes() {
  if (storage_ != nullptr && !storage_->is_writable())
    throw InvalidArgument("a tensor in a mapped file can't be changed");
  return {data_, size_bytes_};
}

std::span<const float> Tensor::f32() const {
  require_f32(dtype_);
  return {reinterpret_cast<const float*>(data_), shape_.n_elements()};
}

std::span<float> Tensor::mutable_f32() {
  require_f32(dtype_);
  return {reinterpret_cast<float*>(mutable_bytes().data()), shape_.n_elements()};
}

MatrixView<const float> Tensor::matrix() const {
  return {f32().data(), shape_.n_rows(), shape_.back()};
}

MatrixView<float> Tensor::mutable_matrix() {
  return {mutable_f32().data(), shape_.n_rows(), shape_.back()};
}

Tensor Tensor::reshaped(const Shape& shape) const {
  if (shape.n_elements() != shape_.n_elements()) {
    throw InvalidArgument(cat("a tensor ", shape_.to_string(), " can't become ", shape.to_string()));
  }
  return Tensor(storage_, static_cast<std::size_t>(data_ - storage_->data()), dtype_, shape);
}

Tensor Tensor::slice(std::size_t begin, std::size_t end) const {
  if (shape_.rank() == 0 || begin > end || end > shape_[0]) {
    throw InvalidArgument(
        cat("rows ", begin, " to ", end, " can't be cut from a tensor ", shape_.to_string()));
  }
  std::size_t extents[Shape::kMaxRank] = {};
  std::ranges::copy(shape_.extents(), extents);
  const std::size_t rest_bytes = shape_[0] == 0 ? 0 : size_bytes_ / shape_[0];
  extents[0] = end - begin;
  return Tensor(storage_, static_cast<std::size_t>(data_ - storage_->data()) + begin * rest_bytes, dtype_,
                Shape(std::span(extents, shape_.rank())));
}

Tensor Tensor::clone() const {
  Tensor copy = zeros(dtype_, shape_);
  std::ranges::copy(bytes(), copy.mutable_bytes().begin());
  return copy;
}

}  // namespace quintet
