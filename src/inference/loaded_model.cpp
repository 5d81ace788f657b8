#include "inference/loaded_model.h"

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "core/text.h"
#include "formats/checkpoint.h"
#include "models/hf_source.h"
#include "models/memory_needs.h"

namespace quintet {

namespace {

/// Tokens that end an answer in the formats that are around, beside those that the file names.
constexpr std::string_view kEndTokens[] = {"<|eot_id|>",    "<|eom_id|>",    "<|im_end|>",      "<|end|>",
                                           "<|endoftext|>", "<end_of_turn>", "<|end_of_text|>", "</s>"};

std::vector<TokenId> end_tokens_of(const Tokenizer& tokenizer) {
  std::vector<TokenId> tokens;
  const auto add = [&tokens](std::optional<TokenId> token) {
    if (token && std::find(tokens.begin(), tokens.end(), *token) == tokens.end()) tokens.push_back(*token);
  };
  add(tokenizer.special_ids().eos);
  add(tokenizer.special_ids().eot);
  for (const std::string_view piece : kEndTokens)
    if (const auto token = tokenizer.find(piece); token && tokenizer.is_special(*token)) add(token);
  return tokens;
}

/// The format whose marks the vocabulary has, for a model that brings no template.
std::string_view likely_template(const Tokenizer& tokenizer) {
  const auto has = [&tokenizer](std::string_view piece) { return tokenizer.find(piece).has_value(); };
  if (has("<|im_start|>")) return "chatml";
  if (has("<|start_header_id|>")) return "llama3";
  if (has("<start_of_turn>")) return "gemma";
  if (has("[INST]")) return "mistral";
  return "chatml";
}

std::size_t default_max_seq_len(const ModelSource& source) {
  constexpr std::int64_t kMost = 8'192;  // of a long context, the cache's memory would be the surprise
  const std::int64_t trained = source.integer("context_length").value_or(kMost);
  return static_cast<std::size_t>(trained > 0 ? std::min(kMost, trained) : kMost);
}

std::string gigabytes(std::size_t bytes) {
  return cat(static_cast<double>(bytes / 10'000'000) / 100.0, " GB");
}

/// Said before loading, when it can be known: a machine that swaps is worse than an error.
void require_memory(const Checkpoint& checkpoint) {
  const MemoryNeeds needs = memory_needs(*make_model_source(checkpoint));
  const std::size_t needed = needs.weight_bytes;
  const std::size_t available = available_memory_bytes();
  if (available == 0 || needed <= available) return;
  throw Exhausted(cat(checkpoint.path().filename().string(), " needs ", gigabytes(needed), " of memory and ",
                      gigabytes(available), " are free; a model of at most ", gigabytes(available),
                      " would fit: one with fewer parameters, or the same in a smaller type such as q4_k_m"));
}

}  // namespace

std::size_t available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::size_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    std::getline(file, unit);
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  return 0;
}

LoadedModel LoadedModel::load(const std::filesystem::path& path, Compute& compute, std::size_t max_seq_len) {
  {
    const Checkpoint checkpoint = Checkpoint::open(path);
    if (checkpoint.tensors().empty()) {
      throw InvalidArgument(
          cat(path.string(), " holds a vocabulary and no weights: it can tokenize but not generate"));
    }
    require_memory(checkpoint);
  }
  Tokenizer tokenizer = Tokenizer::open(path);
  const std::string& source = tokenizer.data().chat_template;
  ChatTemplate chat_template = !source.empty() ? ChatTemplate::parse(source, path.filename().string())
                                               : ChatTemplate::builtin(likely_template(tokenizer));
  const auto model_source = open_model_source(path);
  if (max_seq_len == 0) max_seq_len = default_max_seq_len(*model_source);
  auto model = load_model(*model_source, compute, {.max_seq_len = max_seq_len});
  if (tokenizer.vocab_size() > model->info().vocab_size) {
    throw CorruptData(cat(path.string(), ": the tokenizer has ", tokenizer.vocab_size(),
                          " tokens, the embedding ", model->info().vocab_size, " rows"));
  }
  auto end_tokens = end_tokens_of(tokenizer);
  return LoadedModel{
      path,       std::move(model), std::move(tokenizer), std::move(chat_template), std::move(end_tokens),
      max_seq_len};
}

JsonObject LoadedModel::template_variables() const {
  JsonObject variables;
  const auto add = [&](std::string_view name, std::optional<TokenId> token) {
    if (token) variables[name] = std::string(tokenizer.piece(*token));
  };
  add("bos_token", tokenizer.special_ids().bos);
  add("eos_token", tokenizer.special_ids().eos);
  add("unk_token", tokenizer.special_ids().unk);
  add("pad_token", tokenizer.special_ids().pad);
  return variables;
}

}  // namespace quintet
