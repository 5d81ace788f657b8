#include "models/memory_needs.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "formats/synthesize.h"
#include "models/encoder.h"
#include "models/hf_source.h"

namespace quintet {
namespace {

namespace fs = std::filesystem;

/// What was said before must be what loading takes.
void expect_what_loading_takes(const fs::path& path, bool is_encoder = false) {
  Compute compute(1);
  const auto source = open_model_source(path);
  const ModelInfo info =
      is_encoder ? load_encoder(*source, compute)->info() : load_model(*source, compute)->info();
  const auto said = static_cast<double>(memory_needs(*source).weight_bytes);
  EXPECT_NEAR(said, static_cast<double>(info.weight_bytes), 0.01 * said) << path;
}

TEST(MemoryNeeds, AreThoseOfTheLoadedModel) {
  const fs::path file = fs::temp_directory_path() / ("qn-memory-" + std::to_string(::getpid()) + ".gguf");
  for (const char* name : {"smollm2-135m", "qwen2.5-0.5b", "minilm-l6"}) {
    const ModelShape* known = find_model_shape(name);
    ASSERT_NE(known, nullptr) << name;
    ModelShape shape = *known;
    shape.n_layers = 2;
    shape.vocab_size = 512;
    for (const bool is_tied : {true, false}) {
      shape.has_tied_embeddings = is_tied;
      for (const char* type : {"f16", "q4_k_m"}) {
        synthesize_model(shape, {.type = type}, file);
        expect_what_loading_takes(file, shape.architecture == "bert");
      }
    }
  }
  fs::remove(file);
}

TEST(MemoryNeeds, OfEncodersHaveNoCache) {
  const fs::path file = fs::temp_directory_path() / ("qn-memory-kv-" + std::to_string(::getpid()) + ".gguf");
  for (const ModelShape& known : model_shapes()) {
    if (known.n_layers == 0 || known.hidden_dim > 1024) continue;
    ModelShape shape = known;
    shape.n_layers = 2;
    shape.vocab_size = 512;
    synthesize_model(shape, {.type = "q8_0"}, file);
    const MemoryNeeds needs = memory_needs(*open_model_source(file));
    const std::size_t expected =
        shape.architecture == "bert" ? 0 : 2 * shape.n_kv_heads * shape.head_dim * 2 * sizeof(std::uint16_t);
    EXPECT_EQ(needs.kv_bytes_per_token, expected) << shape.name;
    EXPECT_EQ(needs.kv_bytes(10), 10 * expected) << shape.name;
    EXPECT_EQ(needs.max_seq_len, shape.max_seq_len) << shape.name;
  }
  fs::remove(file);
}

}  // namespace
}  // namespace quintet
