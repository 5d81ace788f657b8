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

/// The tables that this processor runs, and the AMX kernels on emulated tiles.
inline std::vector<MatmulTable> tested_tables() {
  std::vector<MatmulTable> tables;
  for (const MatmulTable& table : matmul_tables())
    if (table.supported()) tables.push_back(table);
#if defined(__x86_64__)
  if (emulated_amx::supported())
    tables.push_back({"emulated amx", emulated_amx::supported, emulated_amx::matmul_functions,
                      avx512::quantize_row, true});
#endif
  return tables;
}

}  // namespace quintet::kernels
