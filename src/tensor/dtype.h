#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quintet {

/// Element types of tensors. The quantized ones store blocks of `dtype_block_size` weights; the layout of
/// each block is in blocks.h.
enum class DType : std::uint8_t {
  f32,
  f16,
  bf16,
  i8,
  i16,
  i32,
  i64,
  f64,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4
};

/// What a type costs: `block_bytes` hold `block_size` consecutive elements of a row.
struct DTypeInfo {
  std::string_view name;  // as on the command line and in listings: "q4_k", "bf16"
  std::size_t block_size = 1;
  std::size_t block_bytes = 0;
  bool is_quantized = false;
};

const DTypeInfo& dtype_info(DType type) noexcept;

inline std::string_view dtype_name(DType type) noexcept {
  return dtype_info(type).name;
}

/// By its name, whatever the case.
std::optional<DType> find_dtype(std::string_view name) noexcept;

/// Bytes of `n` consecutive elements. Throws InvalidArgument when `n` is not a multiple of the block size or
/// the size overflows.
std::size_t row_bytes(DType type, std::size_t n);

}  // namespace quintet
