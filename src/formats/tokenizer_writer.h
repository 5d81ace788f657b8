#pragma once

#include <string>

#include "formats/tokenizer_data.h"

namespace quintet {

/// Files that other programs read. All throw Unsupported for what the format cannot say.

/// Hugging Face's tokenizer.json, for BPE; read_tokenizer_json gives the same tokenizer back.
std::string to_tokenizer_json(const TokenizerData& data);
/// GPT-2's pair of files: pieces to ids, and a merge per line behind "#version: 0.2".
std::string to_vocab_json(const TokenizerData& data);
std::string to_merges_text(const TokenizerData& data);

}  // namespace quintet
