#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "tokenizer/piece_table.h"
#include "tokenizer/pre_tokenizer.h"

namespace quintet {

/// Ids of words met before. Direct-mapped, one cache line an entry, fixed in size; a word that is too long or
/// of too many ids is simply not kept.
class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 30;
  static constexpr std::size_t kMaxIds = 8;

  /// Appends the ids of `word` if they are known.
  bool find(std::string_view word, std::uint64_t hash, std::vector<TokenId>& out) const {
    const Entry& entry = entries_[hash >> kShift];
    if (entry.length != word.size() || std::memcmp(entry.bytes, word.data(), word.size()) != 0) return false;
    out.insert(out.end(), entry.ids, entry.ids + entry.n_ids);
    return true;
  }
  void keep(std::string_view word, std::uint64_t hash, const TokenId* ids, std::size_t n) {
    if (word.empty() || word.size() > kMaxBytes || n > kMaxIds) return;
    Entry& entry = entries_[hash >> kShift];
    entry.length = static_cast<std::uint8_t>(word.size());
    entry.n_ids = static_cast<std::uint8_t>(n);
    std::memcpy(entry.bytes, word.data(), word.size());
    std::copy(ids, ids + n, entry.ids);
  }

 private:
  static constexpr int kBits = 14;
  static constexpr int kShift = 64 - kBits;
  struct alignas(64) Entry {
    std::uint8_t length = 0;
    std::uint8_t n_ids = 0;
    char bytes[kMaxBytes] = {};
    TokenId ids[kMaxIds] = {};
  };
  std::vector<Entry> entries_ = std::vector<Entry>(std::size_t{1} << kBits);
};

/// What one call of encode works with; reused by later calls, never shared by two at a time.
struct EncodeScratch {
  WordCache words;
  bool use_words = true;
  PreTokenizedText text;

  struct Symbol {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t id = 0;
    std::int32_t previous = -1;
    std::int32_t next = -1;
  };
  struct Candidate {
    std::uint32_t rank = 0;
    std::uint32_t position = 0;
    std::uint32_t left = 0;  // ids when the candidate was found; it is stale when they have changed
    std::uint32_t right = 0;
    std::uint32_t result = 0;
  };
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> ranks;
  std::vector<std::uint32_t> results;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::vector<std::pair<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>>> unused_merges;

  struct LatticeNode {
    double score = 0;
    std::int64_t begin = -1;
    std::uint32_t id = 0;
  };
  std::vector<LatticeNode> lattice;
};

/// The part of a tokenizer that turns one stretch of text into ids. Immutable; may be used concurrently, each
/// call with its own scratch.
class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;
  /// Appends the ids of `stretch`.
  virtual void encode(std::string_view stretch, EncodeScratch& scratch, std::vector<TokenId>& out) const = 0;
};

/// Throws CorruptData when `data` lacks what its kind needs. `pieces` are the texts of data.pieces as the
/// model sees them: raw bytes where `is_byte_level`.
std::unique_ptr<TokenizerModel> make_bpe_model(const TokenizerData& data,
                                               const std::vector<std::string>& pieces, bool is_byte_level);
std::unique_ptr<TokenizerModel> make_unigram_model(const TokenizerData& data);
std::unique_ptr<TokenizerModel> make_wordpiece_model(const TokenizerData& data);

}  // namespace quintet
