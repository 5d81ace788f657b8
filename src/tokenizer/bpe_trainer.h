#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"

namespace quintet {

struct BpeTrainingProgress {
  std::uint64_t n_bytes_read = 0;
  std::size_t n_words = 0;   // different ones
  std::size_t n_merges = 0;  // 0 while the corpus is read
  std::size_t n_merges_wanted = 0;
};

struct BpeTrainingOptions {
  /// Special tokens, the 256 bytes and the merges together.
  std::size_t vocab_size = 0;
  /// The first ids. They cut the corpus and are no part of it.
  std::vector<std::string> special_tokens;
  /// A name of known_pre_tokenizer (formats/tokenizer_files.h).
  std::string pre_tokenizer = "gpt-2";
  /// A pair that is rarer is not merged.
  std::uint64_t min_frequency = 1;
  /// Called now and then from the calling thread.
  std::function<void(const BpeTrainingProgress&)> on_progress;
  std::stop_token stop;
};

/// Puts the next part of a corpus into `text`; false when there is none. No word goes from one part into the
/// next.
using CorpusReader = std::function<bool(std::string& text)>;

/// Byte-level BPE (arXiv:1508.07909 on bytes): the most frequent pair of neighbours is merged, again and
/// again; of equally frequent ones the pair that is greater as a pair of byte strings. Memory grows with the
/// different words, not with the corpus. Throws InvalidArgument when the vocabulary has no room for the
/// bytes, Cancelled when `stop` was requested. The vocabulary comes out smaller when the corpus has no pairs
/// left.
TokenizerData train_bpe(const CorpusReader& corpus, const BpeTrainingOptions& options);
/// Each text is one part.
TokenizerData train_bpe(const std::vector<std::string_view>& texts, const BpeTrainingOptions& options);

/// Reads a file in parts of about `part_bytes`, cut where the patterns of known_pre_tokenizer cut: before
/// white space that follows an ASCII letter, or behind one of `special_tokens`. Throws NotFound.
CorpusReader read_corpus_file(const std::filesystem::path& path, std::vector<std::string> special_tokens = {},
                              std::size_t part_bytes = std::size_t{16} << 20);

}  // namespace quintet
