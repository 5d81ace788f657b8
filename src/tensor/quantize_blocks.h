#pragma once

#include "tensor/blocks.h"

/// One block of each quantized type from its weights x (finite, in the type's range) and their importance w
/// (> 0, about 1 on average). Called by quantize_row alone.
namespace quintet {

void quantize_block(const float* x, const float* w, BlockQ4_0& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ4_1& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ5_0& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ5_1& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ8_0& block) noexcept;
void quantize_block(const float* x, const float* w, BlockIQ4_NL& block) noexcept;
void quantize_block(const float* x, const float* w, BlockMXFP4& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ2_K& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ3_K& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ4_K& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ5_K& block) noexcept;
void quantize_block(const float* x, const float* w, BlockQ6_K& block) noexcept;
void quantize_block(const float* x, const float* w, BlockIQ4_XS& block) noexcept;

}  // namespace quintet
