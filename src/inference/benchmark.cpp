#include "inference/benchmark.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <sys/resource.h>

#include "core/error.h"

namespace quintet {

namespace {

using Clock = std::chrono::steady_clock;

Rate rate_of(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  const std::size_t n = rates.size();
  const double median = n % 2 == 1 ? rates[n / 2] : (rates[n / 2 - 1] + rates[n / 2]) / 2.0;
  return {median, rates.front(), rates.back()};
}

std::uint32_t made_up_token(std::size_t i, std::size_t vocab_size) {
  return static_cast<std::uint32_t>((i * 7919 + 13) % vocab_size);
}

void stop_if_wanted(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Cancelled("the benchmark was stopped");
}

double prefill_rate(const Model& model, Compute& compute, const BenchmarkOptions& options,
                    const std::stop_token& stop) {
  KvCache cache(model.info().kv, options.kv_dtype, options.n_prompt);
  KvSequence sequence(cache);
  sequence.reserve(options.n_prompt);
  std::vector<std::uint32_t> tokens(options.n_prompt);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = made_up_token(i, model.info().vocab_size);
  std::vector<float> logits(model.info().vocab_size);
  const auto begin = Clock::now();
  for (std::size_t at = 0; at < tokens.size(); at += options.prefill_chunk) {
    stop_if_wanted(stop);
    const std::size_t n = std::min(options.prefill_chunk, tokens.size() - at);
    const BatchSequence piece{&sequence, 0, n};
    const auto last = static_cast<std::uint32_t>(n - 1);
    const bool is_last = at + n == tokens.size();
    model.forward(compute,
                  {std::span(tokens).subspan(at, n), std::span(&piece, 1), std::span(&last, is_last ? 1 : 0)},
                  MatrixView<float>(logits.data(), is_last ? 1 : 0, logits.size()));
    sequence.advance(n);
  }
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  return static_cast<double>(options.n_prompt) / seconds.count();
}

double decode_rate(const Model& model, Compute& compute, const BenchmarkOptions& options,
                   std::size_t batch_size, const std::stop_token& stop) {
  const std::size_t pages = (options.n_generate + kernels::kPageTokens - 1) / kernels::kPageTokens;
  KvCache cache(model.info().kv, options.kv_dtype, batch_size * pages * kernels::kPageTokens);
  std::vector<std::unique_ptr<KvSequence>> sequences;
  std::vector<BatchSequence> pieces;
  std::vector<std::uint32_t> tokens(batch_size);
  std::vector<std::uint32_t> wanted(batch_size);
  for (std::size_t s = 0; s < batch_size; ++s) {
    sequences.push_back(std::make_unique<KvSequence>(cache));
    sequences.back()->reserve(options.n_generate);
    pieces.push_back({sequences.back().get(), s, 1});
    wanted[s] = static_cast<std::uint32_t>(s);
  }
  std::vector<float> logits(batch_size * model.info().vocab_size);
  const MatrixView<float> view(logits.data(), batch_size, model.info().vocab_size);
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < options.n_generate; ++i) {
    stop_if_wanted(stop);
    for (std::size_t s = 0; s < batch_size; ++s)
      tokens[s] = made_up_token(i * 31 + s, model.info().vocab_size);
    model.forward(compute, {tokens, pieces, wanted}, view);
    for (auto& sequence : sequences) sequence->advance(1);
  }
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  return static_cast<double>(batch_size * options.n_generate) / seconds.count();
}

double encoding_rate(const Encoder& encoder, Compute& compute, const BenchmarkOptions& options,
                     std::size_t n_texts, const std::stop_token& stop) {
  stop_if_wanted(stop);
  const std::size_t pages = (options.n_prompt + kernels::kPageTokens - 1) / kernels::kPageTokens;
  KvCache cache(encoder.info().kv, options.kv_dtype, n_texts * pages * kernels::kPageTokens);
  std::vector<std::unique_ptr<KvSequence>> sequences;
  std::vector<BatchSequence> pieces;
  std::vector<std::uint32_t> tokens(n_texts * options.n_prompt);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = made_up_token(i, encoder.info().vocab_size);
  for (std::size_t t = 0; t < n_texts; ++t) {
    sequences.push_back(std::make_unique<KvSequence>(cache));
    sequences.back()->reserve(options.n_prompt);
    pieces.push_back({sequences.back().get(), t * options.n_prompt, options.n_prompt});
  }
  const Scratch::Scope scope(compute.scratch);
  const auto hidden = compute.scratch.take_matrix(tokens.size(), encoder.info().dim);
  const auto begin = Clock::now();
  encoder.forward(compute, {tokens, pieces, {}}, hidden);
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  return static_cast<double>(tokens.size()) / seconds.count();
}

}  // namespace

std::vector<BatchRate> run_encoder_benchmark(const Encoder& encoder, Compute& compute,
                                             const BenchmarkOptions& options, std::stop_token stop) {
  if (options.n_repeats == 0) throw InvalidArgument("a benchmark needs at least one repeat");
  if (options.n_prompt == 0) throw InvalidArgument("a text to be encoded has at least one token");
  std::vector<BatchRate> report;
  for (const std::size_t n_texts : options.batch_sizes) {
    if (n_texts == 0) throw InvalidArgument("a batch has at least one text");
    encoding_rate(encoder, compute, options, n_texts, stop);
    std::vector<double> rates;
    for (std::size_t i = 0; i < options.n_repeats; ++i)
      rates.push_back(encoding_rate(encoder, compute, options, n_texts, stop));
    report.push_back({n_texts, rate_of(std::move(rates))});
  }
  return report;
}

BenchmarkReport run_benchmark(const Model& model, Compute& compute, const BenchmarkOptions& options,
                              std::stop_token stop) {
  if (options.n_repeats == 0) throw InvalidArgument("a benchmark needs at least one repeat");
  if (options.prefill_chunk == 0) throw InvalidArgument("a prompt can't be cut into parts of 0 tokens");
  BenchmarkReport report;
  if (options.n_prompt > 0) {
    prefill_rate(model, compute, options, stop);  // pages, caches and scratch memory come into being
    std::vector<double> rates;
    for (std::size_t i = 0; i < options.n_repeats; ++i)
      rates.push_back(prefill_rate(model, compute, options, stop));
    report.prefill = rate_of(std::move(rates));
  }
  for (const std::size_t batch_size : options.batch_sizes) {
    if (options.n_generate == 0) break;
    if (batch_size == 0) throw InvalidArgument("a batch has at least one sequence");
    BenchmarkOptions warm_up = options;
    warm_up.n_generate = std::min<std::size_t>(4, options.n_generate);
    decode_rate(model, compute, warm_up, batch_size, stop);
    std::vector<double> rates;
    for (std::size_t i = 0; i < options.n_repeats; ++i)
      rates.push_back(decode_rate(model, compute, options, batch_size, stop));
    report.decode.push_back({batch_size, rate_of(std::move(rates))});
  }
  return report;
}

std::size_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace quintet
