#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/model.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace quintet {

/// A model as people have it: weights, vocabulary and the format of its conversations, out of one file or
/// folder. Immutable once loaded.
struct LoadedModel {
  std::filesystem::path path;
  std::unique_ptr<const Model> model;
  Tokenizer tokenizer;
  ChatTemplate chat_template;       // the file's; else one of ours stands in
  std::vector<TokenId> end_tokens;  // any of them ends an answer
  std::size_t max_seq_len = 0;      // of one sequence, and what rotations were chosen for

  /// `max_seq_len`: the longest sequence that will be run; 0 = what the model was trained for, at most 8,192.
  /// Throws NotFound, CorruptData, Unsupported or Exhausted (not enough memory, with what would fit), before
  /// much is done.
  static LoadedModel load(const std::filesystem::path& path, Compute& compute, std::size_t max_seq_len = 0);

  /// Variables that templates read beside the messages.
  JsonObject template_variables() const;
};

/// Memory that the system could give to a program now, in bytes; 0 where it does not say.
std::size_t available_memory_bytes();

}  // namespace quintet
