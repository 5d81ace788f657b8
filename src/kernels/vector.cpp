#include "kernels/vector.h"

#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "kernels/matmul.h"

namespace quintet::kernels {

namespace {

VectorTable named(VectorTable table, std::string_view isa, bool (*supported)() noexcept) {
  table.isa = isa;
  table.supported = supported;
  return table;
}

}  // namespace

std::span<const VectorTable> vector_tables() noexcept {
  static const std::vector<VectorTable> tables = {
#if defined(__x86_64__)
      named(avx512::vector_table(), "avx512", avx512::supported),
      named(avx2::vector_table(), "avx2", avx2::supported),
#endif
      named(ref::vector_table(), "ref", []() noexcept { return true; }),
  };
  return tables;
}

const VectorTable& select_vector(std::string_view isa) {
  for (const VectorTable& table : vector_tables())
    if (table.supported() && (isa.empty() || isa == table.isa)) return table;
  throw InvalidArgument(cat("QUINTET_ISA=", isa, " is unknown or not supported by this processor"));
}

}  // namespace quintet::kernels
