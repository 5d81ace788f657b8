// Vector loops for any processor.
#include "kernels/vector.h"

#include <cstdint>

#define QN_ISA ref
#define QN_QUERIES 2
#define QN_SCORE_VECTORS 1

#include "kernels/vector_loops.inc"
