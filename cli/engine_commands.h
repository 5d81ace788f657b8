#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "inference/sampler.h"

/// Commands that work on a model file and need no database. All print results to standard output and throw
/// Error for what goes wrong; the return value is the exit status.
namespace quintet::cli {

struct EngineArguments {
  std::filesystem::path model;
  std::size_t n_threads = 0;
  std::size_t max_seq_len = 0;
  std::string kv_type = "f16";
  SamplingOptions sampling;
  std::optional<std::uint64_t> seed;  // none = another text each time
};

struct InspectArguments {
  std::filesystem::path path;
  bool as_json = false;
  bool all_tensors = false;
};
int inspect(const InspectArguments& arguments);

struct GenerateArguments {
  EngineArguments engine;
  std::string prompt;  // "-" = standard input
  std::size_t max_tokens = 256;
  std::vector<std::string> stop;
  bool ignore_end = false;
  bool slide = false;
  bool as_json = false;
};
int generate(const GenerateArguments& arguments);

struct ChatArguments {
  EngineArguments engine;
  std::string system;
  std::size_t max_tokens = 0;
};
int chat(const Options& options, const ChatArguments& arguments);

struct BenchArguments {
  EngineArguments engine;
  std::size_t n_prompt = 512;
  std::size_t n_generate = 128;
  std::vector<std::size_t> batch_sizes{1};
  std::size_t n_repeats = 3;
  bool as_json = false;
};
int bench(const BenchArguments& arguments);

struct TokenizeArguments {
  std::filesystem::path model;
  bool decode = false;
  bool no_special = false;
  bool parse_special = false;
  bool as_json = false;
};
int tokenize(const TokenizeArguments& arguments);

struct PerplexityArguments {
  EngineArguments engine;
  std::filesystem::path file;
  std::filesystem::path reference;  // to compare predictions with; empty = perplexity alone
  std::size_t window = 512;
  bool as_json = false;
};
int measure_perplexity(const PerplexityArguments& arguments);

struct EmbedArguments {
  std::filesystem::path model;
  std::vector<std::string> texts;  // none = the lines of standard input
  std::string pooling;             // mean, cls or last; empty = the model's own
  std::string prefix;
  bool no_normalise = false;
  std::size_t n_threads = 0;
};
int embed(const EmbedArguments& arguments);

struct SynthesizeArguments {
  std::string shape;
  std::string type = "q4_0";
  bool is_pure = false;
  std::uint64_t seed = 1;
  std::filesystem::path output;
};
int synthesize(const SynthesizeArguments& arguments);

struct QuantizeArguments {
  std::filesystem::path input, output;
  std::string type = "q4_k_m";
  bool is_pure = false;
  bool allows_requantizing = false;
  std::filesystem::path importance;
  std::size_t n_threads = 0;
  bool as_json = false;
};
int quantize(const QuantizeArguments& arguments);

}  // namespace quintet::cli
