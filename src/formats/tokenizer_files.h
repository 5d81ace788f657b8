#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/tokenizer_data.h"

namespace quintet {

/// The readers of tokenizer files. All throw CorruptData naming what is wrong where, Unsupported for a kind
/// of tokenizer that is not known here, and return data that `check_tokenizer_data` accepts. Files are
/// hostile: sizes are checked before they are used and nothing grows beyond a small multiple of the file.

/// A tokenizer file or a model's folder: *.gguf, tokenizer.json, tokenizer.model or *.model, *.tiktoken,
/// vocab.txt; of a folder the first that is there of tokenizer.json, tokenizer.model, vocab.json with
/// merges.txt, encoder.json with vocab.bpe, vocab.txt. Files beside it (tokenizer_config.json,
/// special_tokens_map.json, chat_template.jinja, chat_template.json) add special tokens and the chat
/// template. Throws NotFound naming what was looked for.
TokenizerData read_tokenizer(const std::filesystem::path& path);

/// "tokenizer.ggml.*" of a GGUF file; a vocabulary-only file will do. Every text is copied.
TokenizerData read_gguf_tokenizer(const GgufFile& file);

/// Hugging Face's tokenizer.json; the other two may be "".
TokenizerData read_tokenizer_json(std::string_view json, std::string_view tokenizer_config_json = "",
                                  std::string_view special_tokens_map_json = "");

/// GPT-2's pair of files: pieces to ids as JSON, and a merge per line, lowest rank first.
/// `pre_tokenizer` is a name of known_pre_tokenizer.
TokenizerData read_bpe_files(std::string_view vocab_json, std::string_view merges_text,
                             std::string_view pre_tokenizer = "gpt-2",
                             std::string_view tokenizer_config_json = "");

/// SentencePiece's tokenizer.model (sentencepiece_model.proto), BPE or unigram.
TokenizerData read_sentencepiece_model(std::string_view bytes, std::string_view tokenizer_config_json = "");

/// A tiktoken file: base64 of a piece, a blank and its rank, by line. `encoding` chooses pattern and special
/// tokens: "cl100k_base", "o200k_base", "r50k_base", "p50k_base"; any other name has cl100k's pattern and no
/// special tokens.
TokenizerData read_tiktoken(std::string_view text, std::string_view encoding);

/// BERT's vocab.txt: a piece per line.
TokenizerData read_wordpiece_vocab(std::string_view text, std::string_view tokenizer_config_json = "");

/// What tokenizer_config.json and special_tokens_map.json add: special tokens by name, added tokens, whether
/// <s> and
/// </s> are put around the text, the chat templates. Does nothing for "".
void apply_tokenizer_config(TokenizerData& data, std::string_view json);

/// The member "chat_template" alone, of tokenizer_config.json or chat_template.json. Does nothing for "".
void apply_chat_templates(TokenizerData& data, std::string_view json);

/// The splitting that GGUF names in tokenizer.ggml.pre.
struct KnownPreTokenizer {
  std::vector<PreTokenizerStep> steps;
  bool ignore_merges = false;
  bool add_bos = false;
  bool is_nfc = false;  // the model's own tokenizer composes characters first (llama.cpp does not)
  bool is_character_level = false;  // pieces are text with "▁" for blanks, not bytes
};
/// Throws Unsupported naming those that are known.
KnownPreTokenizer known_pre_tokenizer(std::string_view name);
/// All names, of those that mean the same the best-known first.
std::vector<std::string_view> known_pre_tokenizer_names();

}  // namespace quintet
