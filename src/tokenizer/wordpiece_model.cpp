#include <algorithm>
#include <string>

#include "core/error.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/model.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

/// The longest piece from the left, again and again; a word of which some part is no piece is unknown as a
/// whole (arXiv:1609.08144; BERT's WordpieceTokenizer).
class WordPieceModel final : public TokenizerModel {
 public:
  explicit WordPieceModel(const TokenizerData& data) : max_characters_(data.max_word_characters) {
    if (!data.special.unk) throw CorruptData("wordpiece tokenizer: no unknown token");
    unknown_ = *data.special.unk;
    std::vector<std::pair<std::string_view, std::uint32_t>> first;
    std::vector<std::pair<std::string_view, std::uint32_t>> rest;
    for (std::size_t id = 0; id < data.pieces.size(); ++id) {
      const std::string_view piece = data.pieces[id];
      if (data.types[id] == PieceType::added) continue;
      first.emplace_back(piece, static_cast<std::uint32_t>(id));
      if (piece.starts_with(data.continuing_prefix)) {
        rest.emplace_back(piece.substr(data.continuing_prefix.size()), static_cast<std::uint32_t>(id));
      }
    }
    first_ = ByteTrie(std::move(first));
    rest_ = ByteTrie(std::move(rest));
  }

  void encode(std::string_view word, EncodeScratch& scratch, std::vector<TokenId>& out) const override {
    const bool may_keep = scratch.use_words && word.size() <= WordCache::kMaxBytes;
    const std::uint64_t hash = may_keep ? hash_bytes(word) : 0;
    if (may_keep && scratch.words.find(word, hash, out)) return;
    const std::size_t n_before = out.size();
    if (!match(word, out)) {
      out.resize(n_before);
      out.push_back(unknown_);
    }
    if (may_keep) scratch.words.keep(word, hash, out.data() + n_before, out.size() - n_before);
  }

 private:
  bool match(std::string_view word, std::vector<TokenId>& out) const {
    if (word.size() > max_characters_) {
      std::size_t n = 0;
      for (const char c : word) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      if (n > max_characters_) return false;
    }
    for (std::size_t at = 0; at < word.size();) {
      const auto found = (at == 0 ? first_ : rest_).longest_prefix(word.substr(at));
      if (found.length == 0) return false;
      out.push_back(found.value);
      at += found.length;
    }
    return true;
  }

  std::size_t max_characters_;
  TokenId unknown_ = 0;
  ByteTrie first_;
  ByteTrie rest_;
};

}  // namespace

std::unique_ptr<TokenizerModel> make_wordpiece_model(const TokenizerData& data) {
  return std::make_unique<WordPieceModel>(data);
}

}  // namespace quintet
