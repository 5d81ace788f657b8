// AVX-VNNI: processors with AVX2 and vpdpbusd but no AVX-512, as Intel's desktops since 2021.
#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/matmul.h"

#define QN_ISA avxvnni
#define QN_TARGET gnu::target("avx2,fma,f16c,avxvnni")
#define QN_HAS_VNNI 1
#include "kernels/x86/matmul_256.inc"

namespace quintet::kernels::avxvnni {

bool supported() noexcept {
  return cpu_features().has_avx_vnni;
}

}  // namespace quintet::kernels::avxvnni

#endif  // __x86_64__
