// How fast text becomes ids, by family of tokenizer, with and without the memory of words met before.
//
// Reads the real vocabularies of the test data (QUINTET_TEST_DATA, or ../shared/data from the working
// directory) and encodes wikitext-2's test text; bytes_per_second is the figure. Before it is timed, each
// tokenizer must give the text back.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include <benchmark/benchmark.h>

#include "core/files.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer.h"

using namespace quintet;

namespace {

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};

std::filesystem::path data_root() {
  const char* named = std::getenv("QUINTET_TEST_DATA");
  return named != nullptr ? named : "../shared/data";
}

void encode_text(benchmark::State& state, const std::function<Tokenizer()>& open, const std::string& text,
                 bool cached, bool is_lossless) {
  Tokenizer tokenizer = open();
  tokenizer.set_word_cache(cached);
  std::vector<TokenId> ids;
  tokenizer.encode_to(text, kPlain, ids);
  if (is_lossless && tokenizer.decode(ids) != text) {
    state.SkipWithError("decode(encode(text)) is not text");
    return;
  }
  for (auto _ : state) {
    ids.clear();
    tokenizer.encode_to(text, kPlain, ids);
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(ids.size());
}

void decode_text(benchmark::State& state, const std::function<Tokenizer()>& open, const std::string& text) {
  const Tokenizer tokenizer = open();
  const auto ids = tokenizer.encode(text, kPlain);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(text.size()));
}

void train(benchmark::State& state, const std::string& text) {
  BpeTrainingOptions options;
  options.vocab_size = 10'000;
  const std::vector<std::string_view> texts{text};
  for (auto _ : state) benchmark::DoNotOptimize(train_bpe(texts, options));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(text.size()));
}

}  // namespace

int main(int argc, char** argv) {
  const auto root = data_root() / "tokenizers";
  if (!std::filesystem::is_directory(root)) {
    std::cerr << "no test data at " << root << ": set QUINTET_TEST_DATA\n";
    return 1;
  }
  static const std::string text = read_file(data_root() / "text/wikitext-2/test.txt");
  static const std::string letters(1 << 20, 'a');
  static const std::string blanks(1 << 20, ' ');
  const auto bpe = [&](const std::string& folder, const std::string& vocab, const std::string& merges,
                       const std::string& name) {
    return [=] {
      return Tokenizer(
          read_bpe_files(read_file(root / folder / vocab), read_file(root / folder / merges), name));
    };
  };
  struct Family {
    std::string name;
    std::function<Tokenizer()> open;
    bool is_lossless = true;
  };
  const std::string gpt2 = "cs336/fixtures";
  std::vector<Family> families{
      {"gpt-2", bpe(gpt2, "gpt2_vocab.json", "gpt2_merges.txt", "gpt-2")},
      {"llama-3", bpe("llama3.2", "encoder.json", "vocab.bpe", "llama-bpe")},
      {"qwen2", bpe("qwen2.5-0.5b-instruct", "vocab.json", "merges.txt", "qwen2")},
      {"cl100k", [=] { return Tokenizer::open(root / "tiktoken/cl100k_base.tiktoken"); }},
      {"starcoder", [=] { return Tokenizer::open(root / "llama.cpp/ggml-vocab-starcoder.gguf"); }},
      {"deepseek-llm", [=] { return Tokenizer::open(root / "llama.cpp/ggml-vocab-deepseek-llm.gguf"); }},
      {"llama-2", [=] { return Tokenizer::open(root / "llama2/tokenizer.model"); }},
      {"t5", [=] { return Tokenizer::open(root / "t5/t5_tokenizer.json"); }, false},
      {"minilm", [=] { return Tokenizer::open(root / "minilm/tokenizer.json"); }, false}};
  // Patterns alone, on GPT-2's vocabulary.
  for (const std::string name : {"gpt-4o", "tekken", "deepseek-v3", "falcon", "bloom"}) {
    families.push_back({"gpt-2 split as " + name, bpe(gpt2, "gpt2_vocab.json", "gpt2_merges.txt", name)});
  }
  for (const Family& family : families) {
    for (const bool cached : {true, false}) {
      benchmark::RegisterBenchmark(("encode/" + family.name + (cached ? "/cached" : "/uncached")).c_str(),
                                   encode_text, family.open, std::cref(text), cached, family.is_lossless)
          ->Unit(benchmark::kMillisecond);
    }
  }
  for (const std::size_t i : {0U, 1U, 6U, 7U}) {
    benchmark::RegisterBenchmark(("encode 1 MiB of a/" + families[i].name).c_str(), encode_text,
                                 families[i].open, std::cref(letters), true, false)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("encode 1 MiB of blanks/" + families[i].name).c_str(), encode_text,
                                 families[i].open, std::cref(blanks), true, false)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("decode/llama-3", decode_text, families[1].open, std::cref(text))
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("train 10000", train, std::cref(text))->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
