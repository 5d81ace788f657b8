// The AMX kernels, compiled once more with tiles in memory, for machines without AMX.
#if defined(__x86_64__)
#define QN_EMULATE_TILES
#include "kernels/x86/matmul_amx.cpp"  // NOLINT(bugprone-suspicious-include)
#endif
