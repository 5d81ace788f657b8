#include "kernels/matmul.h"

#include "core/error.h"
#include "core/text.h"
#include "kernels/cpu_features.h"

namespace quintet::kernels {

namespace {

bool always() noexcept {
  return true;
}

const MatmulTable kTables[] = {
#if defined(__x86_64__)
    {"amx", amx::supported, amx::matmul_functions, avx512::quantize_row, HalfForm::blocks},
    {"avx512", avx512::supported, avx512::matmul_functions, avx512::quantize_row,
     cpu_features().has_avx512_bf16 ? HalfForm::pairs : HalfForm::floats},
    {"avxvnni", avxvnni::supported, avxvnni::matmul_functions, avx2::quantize_row},
    {"avx2", avx2::supported, avx2::matmul_functions, avx2::quantize_row},
#endif
    {"ref", always, ref::matmul_functions, ref::quantize_row},
};

}  // namespace

std::span<const MatmulTable> matmul_tables() noexcept {
  return kTables;
}

const MatmulTable& select_matmul(std::string_view isa) {
  for (const MatmulTable& table : kTables)
    if (table.supported() && (isa.empty() || isa == table.isa)) return table;
  std::string known;
  for (const MatmulTable& table : kTables)
    if (table.supported()) known += cat(known.empty() ? "" : ", ", table.isa);
  throw InvalidArgument(
      cat("QUINTET_ISA=", isa, " is unknown or not supported by this processor; there are ", known));
}

}  // namespace quintet::kernels
