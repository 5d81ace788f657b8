#include "kernels/cpu_features.h"

#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace quintet::kernels {

namespace {

CpuFeatures detect() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();  // asks xgetbv too
  features.has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  features.has_avx512_vnni = features.has_avx2 && __builtin_cpu_supports("avx512f") &&
                             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  features.has_avx512_bf16 = features.has_avx512_vnni && __builtin_cpu_supports("avx512bf16");
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    features.has_amx_bf16 = (edx >> 22 & 1) != 0;
    features.has_amx_int8 = (edx >> 25 & 1) != 0;
  }
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0)
    features.has_avx_vnni = features.has_avx2 && (eax >> 4 & 1) != 0;
#endif
  return features;
}

}  // namespace

const CpuFeatures& cpu_features() noexcept {
  static const CpuFeatures features = detect();
  return features;
}

std::string wanted_isa() {
  const char* wanted = std::getenv("QUINTET_ISA");
  return wanted == nullptr ? "" : wanted;
}

}  // namespace quintet::kernels
