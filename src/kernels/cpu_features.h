#pragma once

#include <string>

namespace quintet::kernels {

/// What this processor and the system it runs under offer, asked once. A feature that the system does not
/// save for a thread counts as absent.
struct CpuFeatures {
  bool has_avx_vnni = false;     // vpdpbusd on 256 bits, without AVX-512
  bool has_avx2 = false;         // with FMA and F16C
  bool has_avx512_vnni = false;  // with F, BW, DQ and VL
  bool has_avx512_bf16 = false;
  bool has_amx_int8 = false;
  bool has_amx_bf16 = false;
};
const CpuFeatures& cpu_features() noexcept;

/// The instruction set that was asked for in QUINTET_ISA, or "".
std::string wanted_isa();

}  // namespace quintet::kernels
