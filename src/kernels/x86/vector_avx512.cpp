// Vector loops for AVX-512: 32 registers of 16 floats hold the scores of 6 queries at 64 positions.
#include <cstdint>

#if defined(__x86_64__)
#include "kernels/vector.h"

#define QN_ISA avx512
#define QN_QUERIES 6
#define QN_SCORE_VECTORS 4

#pragma clang attribute push([[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]], \
                             apply_to = function)
#include "kernels/vector_loops.inc"
#pragma clang attribute pop

#endif  // __x86_64__
