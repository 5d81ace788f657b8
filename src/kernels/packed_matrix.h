#pragma once

#include <cstddef>
#include <memory>

#include "kernels/matmul.h"
#include "tensor/tensor.h"

namespace quintet::kernels {

/// A weight matrix [n_rows, n_cols] in the layout of packed_format.h. Rows beyond n_rows, up to a whole
/// panel, are zeros. A handle: copies share the memory. Immutable once packed.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// Room for a matrix; pack_panels() fills it. Throws Unsupported for a type that is no weight type and
  /// InvalidArgument when n_cols is not a multiple of the type's block.
  PackedMatrix(DType dtype, std::size_t n_rows, std::size_t n_cols);
  /// The same in memory of `arena`.
  PackedMatrix(DType dtype, std::size_t n_rows, std::size_t n_cols, StorageArena& arena);

  DType dtype() const noexcept { return dtype_; }
  std::size_t n_rows() const noexcept { return n_rows_; }
  std::size_t n_cols() const noexcept { return n_cols_; }
  std::size_t n_panels() const noexcept { return (n_rows_ + kPanelRows - 1) / kPanelRows; }
  std::size_t size_bytes() const noexcept { return n_panels() * panel_bytes_; }
  bool is_empty() const noexcept { return storage_ == nullptr; }

  PanelView panels(std::size_t first, std::size_t n) const noexcept {
    const std::uint8_t* begin = data_ + first * panel_bytes_;
    return {begin, begin + code_bytes_, n_cols_, panel_bytes_, n};
  }
  PanelView panel(std::size_t p) const noexcept { return panels(p, 1); }
  std::uint8_t* mutable_panel(std::size_t p) noexcept { return data_ + p * panel_bytes_; }
  std::size_t code_bytes() const noexcept { return code_bytes_; }

 private:
  void set_sizes();

  std::shared_ptr<Storage> storage_;  // that data_ lies in
  std::uint8_t* data_ = nullptr;
  DType dtype_ = DType::f32;
  std::size_t n_rows_ = 0;
  std::size_t n_cols_ = 0;
  std::size_t code_bytes_ = 0;   // of one panel
  std::size_t panel_bytes_ = 0;  // codes and scales, a multiple of 64
};

/// Can a matrix of this type be multiplied with?
bool is_matmul_type(DType type) noexcept;

/// Bytes that a packed matrix will take, for saying beforehand whether it fits.
std::size_t packed_bytes(DType dtype, std::size_t n_rows, std::size_t n_cols);

/// Fills panels [begin, end) from `weights` [n_rows, n_cols], whose type is packed.dtype(). Different panels
/// may be filled by different threads.
void pack_panels(const Tensor& weights, PackedMatrix& packed, std::size_t begin, std::size_t end);

/// Row `row` < n_rows as floats, n_cols of them: the bits that dequantize_row() makes of the file's row. It
/// reads a sixteenth of a panel's every cache line, so it is for looking rows up, not for running through
/// all.
void dequantize_packed_row(const PackedMatrix& packed, std::size_t row, float* out) noexcept;

}  // namespace quintet::kernels
