#include "ops/compute.h"

#include <algorithm>
#include <string>

#include "kernels/cpu_features.h"

namespace quintet {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{8} << 20;
constexpr std::size_t kAlignment = 64;

std::string isa_or_wanted(std::string_view isa) {
  return isa.empty() ? kernels::wanted_isa() : std::string(isa);
}

/// Tiles and AVX-VNNI multiply matrices; everything else on such processors is AVX-512 and AVX2.
std::string_view vector_isa(std::string_view isa) {
  return isa == "amx" ? "avx512" : isa == "avxvnni" ? "avx2" : isa;
}

}  // namespace

std::byte* Scratch::take_bytes(std::size_t n_bytes) {
  const std::size_t rounded = (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (chunk_ < chunks_.size() && chunks_[chunk_]->size() - used_ < rounded) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    chunks_.push_back(allocate_storage(std::max(kChunkBytes, rounded)));
    used_ = 0;
  }
  std::byte* taken = chunks_[chunk_]->data() + used_;
  used_ += rounded;
  return taken;
}

Compute::Compute(std::size_t n_threads, std::string_view isa)
    : team(n_threads),
      matmul(kernels::select_matmul(isa_or_wanted(isa))),
      vector(kernels::select_vector(vector_isa(isa_or_wanted(isa)))) {}

Compute::Compute(std::size_t n_threads, const kernels::MatmulTable& matmul_table,
                 const kernels::VectorTable& vector_table)
    : team(n_threads), matmul(matmul_table), vector(vector_table) {}

}  // namespace quintet
