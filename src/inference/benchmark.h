#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "models/encoder.h"

namespace quintet {

struct BenchmarkOptions {
  std::size_t n_prompt = 512;               // tokens of a prompt; 0 = no prefill
  std::size_t n_generate = 128;             // tokens generated after it; 0 = no decode
  std::vector<std::size_t> batch_sizes{1};  // sequences that decode together
  std::size_t n_repeats = 3;
  std::size_t prefill_chunk = 512;  // tokens of a prompt that go through the model together
  DType kv_dtype = DType::f16;
};

/// Median and spread of the repeats.
struct Rate {
  double median = 0.0;  // tokens per second
  double least = 0.0;
  double most = 0.0;
};

struct BatchRate {
  std::size_t batch_size = 1;
  Rate rate;  // of all sequences together
};

struct BenchmarkReport {
  Rate prefill;
  std::vector<BatchRate> decode;
};

/// Times the forward pass on made-up tokens. Decoding starts on empty sequences, as llama-bench does. Throws
/// Cancelled when `stop` is requested.
BenchmarkReport run_benchmark(const Model& model, Compute& compute, const BenchmarkOptions& options,
                              std::stop_token stop = {});

/// The same of an encoder: texts of n_prompt tokens, each number of batch_sizes of them together; how tokens
/// become one vector is not timed.
std::vector<BatchRate> run_encoder_benchmark(const Encoder& encoder, Compute& compute,
                                             const BenchmarkOptions& options, std::stop_token stop = {});

/// The most memory this process has had in use, in bytes.
std::size_t peak_memory_bytes();

}  // namespace quintet
