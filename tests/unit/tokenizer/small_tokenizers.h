#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "formats/tokenizer_files.h"
#include "model_file.h"
#include "tokenizer/bpe_trainer.h"

/// A byte-level BPE of 300 pieces, trained on one sentence; works without files.
inline quintet::TokenizerData small_bpe() {
  quintet::BpeTrainingOptions options;
  options.vocab_size = 300;
  options.special_tokens = {"<|end|>"};
  return quintet::train_bpe(
      {"the quick brown fox jumps over the lazy dog, the cat and the other animals there "
       "in the weather of the north; they are the best of them"},
      options);
}

/// A tokenizer.json with a vocabulary of single letters and two merges; `change` edits it before it is
/// written.
template <typename Change>
std::string small_tokenizer_json(Change change) {
  using namespace quintet;
  JsonObject vocab{{"<unk>", 0}, {"a", 1}, {"b", 2}, {"c", 3}, {"ab", 4}, {"abc", 5}};
  JsonObject model{
      {"type", "BPE"}, {"unk_token", "<unk>"}, {"vocab", vocab}, {"merges", JsonArray{"a b", "ab c"}}};
  JsonObject root{{"version", "1.0"}, {"added_tokens", JsonArray{}}, {"model", model}};
  change(root);
  return to_json(root);
}
inline std::string small_tokenizer_json() {
  return small_tokenizer_json([](quintet::JsonObject&) {});
}
