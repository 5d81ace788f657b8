// Vector loops for AVX2: 16 registers of 8 floats hold the scores of 3 queries at 16 positions.
#include <cstdint>

#if defined(__x86_64__)
#include "kernels/vector.h"

#define QN_ISA avx2
#define QN_QUERIES 3
#define QN_SCORE_VECTORS 1

#pragma clang attribute push([[gnu::target("avx2,fma,f16c")]], apply_to = function)
#include "kernels/vector_loops.inc"
#pragma clang attribute pop

#endif  // __x86_64__
