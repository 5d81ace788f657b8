#pragma once

#include <vector>

#include "kernels/matmul.h"

namespace quintet::kernels {

#if defined(__x86_64__)
namespace emulated_amx {
bool supported() noexcept;
MatmulFunctions matmul_functions(DType type) noexcept;
}  // namespace emulated_amx
#endif

/// The tables that this processor runs, those of a processor without AVX512-BF16, and the AMX kernels
/// on emulated tiles.
inline std::vector<MatmulTable> tested_tables() {
  std::vector<MatmulTable> tables;
  for (const MatmulTable& table : matmul_tables())
    if (table.supported()) tables.push_back(table);
#if defined(__x86_64__)
  const auto without_bf16 = [](DType type) noexcept {
    return type == DType::bf16 ? avx512::bf16_functions_by_f32() : avx512::matmul_functions(type);
  };
  if (avx512::supported())
    tables.push_back({"avx512 without bf16", avx512::supported, without_bf16, avx512::quantize_row});
  if (emulated_amx::supported())
    tables.push_back({"emulated amx", emulated_amx::supported, emulated_amx::matmul_functions,
                      avx512::quantize_row, HalfForm::blocks});
#endif
  return tables;
}

}  // namespace quintet::kernels
