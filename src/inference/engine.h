#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "inference/loaded_model.h"
#include "inference/sampler.h"

namespace quintet {

struct EngineOptions {
  std::size_t n_threads = 0;  // 0 = one for each processor
  std::size_t max_seq_len =
      0;  // positions of one sequence; 0 = what the model was trained for, at most 8,192
  std::size_t max_sequences = 4;  // generated together; more wait
  std::size_t max_waiting = 64;   // beyond, generate() throws Exhausted
  std::size_t prefill_chunk =
      256;  // tokens of prompts in one step, so that others' next tokens wait no longer
  DType kv_dtype = DType::f16;

  friend bool operator==(const EngineOptions&, const EngineOptions&) = default;
};

struct GenerationRequest {
  std::vector<TokenId> prompt;  // at least one token
  SamplingOptions sampling;
  std::size_t max_tokens = 0;     // 0 = until the context is full
  std::vector<std::string> stop;  // strings that end the text and are not part of it
  bool ignore_end = false;        // go on after an end token
  bool slide = false;             // when the context is full, forget the older half of the text and go on
  std::size_t n_logprobs = 0;     // alternatives reported for each token
};

enum class FinishReason : std::uint8_t {
  end,          // the model ended its answer
  stop_string,  // one of GenerationRequest::stop
  max_tokens,
  context_full,  // the sequence has as many positions as it may have
  cancelled
};
std::string_view finish_reason_name(FinishReason reason) noexcept;

/// A token that was generated, and the whole characters that it completed.
struct TokenEvent {
  TokenId token = 0;
  std::string text;
  float logprob = 0.0f;                        // with n_logprobs > 0
  std::vector<TokenProbability> alternatives;  // n_logprobs of them, best first
};

struct GenerationResult {
  std::string text;
  std::vector<TokenId> tokens;  // without the end token
  FinishReason reason = FinishReason::end;
  std::size_t n_prompt = 0;
  std::size_t n_cached = 0;      // of the prompt, whose keys and values were there already
  double prefill_seconds = 0.0;  // from the start of work on the prompt to the first token
  double decode_seconds = 0.0;   // from the first token to the last
  double decode_tokens_per_s() const noexcept {
    return decode_seconds > 0.0 && tokens.size() > 1 ? static_cast<double>(tokens.size() - 1) / decode_seconds
                                                     : 0.0;
  }
};

/// Called on the thread that called generate(), in order.
using TokenSink = std::function<void(const TokenEvent&)>;

struct EngineStatus {
  std::size_t n_running = 0;
  std::size_t n_waiting = 0;
  std::uint64_t n_generated = 0;     // tokens since the start
  double recent_tokens_per_s = 0.0;  // of all sequences, over the last seconds
  std::size_t kv_tokens_used = 0;
  std::size_t kv_tokens_total = 0;
};

/// One model and the thread that runs it: takes requests, puts the next tokens of all sequences and parts of
/// new prompts into one batch per step, and hands tokens back. What a finished sequence left in the cache
/// serves a later prompt that begins with the same tokens. May be used by any threads.
class Engine {
 public:
  /// Loads the model; takes seconds. Throws as LoadedModel::load, and InvalidArgument for options that make
  /// no sense.
  Engine(const std::filesystem::path& path, const EngineOptions& options);
  /// Cancels what runs.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const LoadedModel& loaded() const noexcept;
  std::size_t max_seq_len() const noexcept;
  std::string_view isa() const noexcept;
  std::size_t n_threads() const noexcept;
  /// Weights, cache and working memory, in bytes.
  std::size_t memory_bytes() const;
  EngineStatus status() const;

  /// Blocks until the answer is complete. Each token goes to `sink` first; a sink that is slow delays its own
  /// sequence only. `stop` ends it within one step with FinishReason::cancelled. Throws InvalidArgument (an
  /// empty prompt, one longer than the context, sampling options), Exhausted (too many wait), and what `sink`
  /// throws.
  GenerationResult generate(const GenerationRequest& request, const TokenSink& sink = {},
                            std::stop_token stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quintet
