#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace quintet {

/// Row-major [rows, cols] view of memory owned elsewhere; `stride` counts elements, not bytes.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  MatrixView() = default;
  MatrixView(T* d, std::size_t r, std::size_t c) noexcept : MatrixView(d, r, c, c) {}
  MatrixView(T* d, std::size_t r, std::size_t c, std::size_t s) noexcept
      : data(d), rows(r), cols(c), stride(s) {}
  template <typename U>
    requires std::is_same_v<const U, T> && (!std::is_const_v<U>)
  MatrixView(const MatrixView<U>& other) noexcept
      : MatrixView(other.data, other.rows, other.cols, other.stride) {}

  std::span<T> row(std::size_t r) const noexcept { return {data + r * stride, cols}; }
  /// Rows [begin, begin + n).
  MatrixView rows_from(std::size_t begin, std::size_t n) const noexcept {
    return {data + begin * stride, n, cols, stride};
  }
};

}  // namespace quintet
