#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/model.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

/// What an unknown character costs below the least likely piece, as in SentencePiece.
constexpr double kUnknownPenalty = 10.0;

/// The segmentation of the highest sum of log probabilities (arXiv:1804.10959), found from left to right.
/// Sums are rounded as the original rounds them, since ties and near ties decide segmentations.
class UnigramModel final : public TokenizerModel {
 public:
  explicit UnigramModel(const TokenizerData& data)
      : is_float_(data.scores_are_float), fuse_unknown_(data.fuse_unknown), types_(data.types) {
    if (!data.special.unk) throw CorruptData("unigram tokenizer: no unknown token");
    unknown_ = *data.special.unk;
    double lowest = std::numeric_limits<double>::max();
    double highest = std::numeric_limits<double>::lowest();
    std::vector<std::pair<std::string_view, std::uint32_t>> entries;
    scores_.resize(data.pieces.size());
    for (std::size_t id = 0; id < data.pieces.size(); ++id) {
      const PieceType type = data.types[id];
      scores_[id] = is_float_ ? static_cast<float>(data.scores[id]) : data.scores[id];
      if (type == PieceType::added) continue;
      const bool counts = !is_float_ || type == PieceType::normal;
      if (counts) {
        lowest = std::min(lowest, scores_[id]);
        highest = std::max(highest, scores_[id]);
      }
      const bool is_matched = is_float_ ? type == PieceType::normal || type == PieceType::user_defined
                                        : type != PieceType::unused;
      if (is_matched) entries.emplace_back(data.pieces[id], static_cast<std::uint32_t>(id));
    }
    if (lowest > highest) lowest = highest = 0;
    unknown_score_ =
        is_float_ ? static_cast<float>(static_cast<float>(lowest) - static_cast<float>(kUnknownPenalty))
                  : lowest - kUnknownPenalty;
    highest_ = highest;
    trie_ = ByteTrie(std::move(entries));
    if (data.byte_fallback) {
      std::array<bool, 256> seen{};
      for (std::size_t id = 0; id < data.pieces.size(); ++id) {
        if (const auto byte = byte_of_piece(data.pieces[id])) {
          byte_ids_[*byte] = static_cast<TokenId>(id);
          seen[*byte] = true;
        }
      }
      has_byte_fallback_ = std::all_of(seen.begin(), seen.end(), [](bool b) { return b; });
    }
  }

  void encode(std::string_view stretch, EncodeScratch& scratch, std::vector<TokenId>& out) const override {
    auto& best = scratch.lattice;
    best.assign(stretch.size() + 1, {});
    for (std::size_t at = 0; at < stretch.size();) {
      const double here = best[at].score;
      const std::uint32_t character =
          decode_character(stretch.data() + at, stretch.data() + stretch.size()).length;
      bool has_single = false;
      std::uint32_t node = 0;
      for (std::size_t i = at; i < stretch.size(); ++i) {
        node = trie_.child(node, stretch[i]);
        if (node == ByteTrie::kNoNode) break;
        const std::uint32_t id = trie_.value(node);
        if (id == ByteTrie::kNoValue) continue;
        const std::size_t length = i + 1 - at;
        const bool is_user_defined = is_float_ && types_[id] == PieceType::user_defined;
        const double score = is_user_defined ? static_cast<double>(length) * highest_ - 0.1 : scores_[id];
        offer(best[i + 1], score + here, at, id);
        has_single = has_single || length == character;
      }
      if (!has_single) {
        const double sum =
            is_float_ ? static_cast<float>(unknown_score_) + static_cast<float>(here) : unknown_score_ + here;
        offer(best[at + character], sum, at, unknown_);
      }
      at += character;
    }
    emit(stretch, scratch, out);
  }

 private:
  using Node = EncodeScratch::LatticeNode;

  void offer(Node& node, double score, std::size_t begin, std::uint32_t id) const noexcept {
    if (node.begin >= 0 && !(score > node.score)) return;
    node.score = is_float_ ? static_cast<float>(score) : score;
    node.begin = static_cast<std::int64_t>(begin);
    node.id = id;
  }

  void emit(std::string_view stretch, EncodeScratch& scratch, std::vector<TokenId>& out) const {
    const std::size_t n_before = out.size();
    const auto& best = scratch.lattice;
    bool previous_is_unknown = false;
    // From the end; reversed below.
    for (std::size_t end = stretch.size(); end > 0;) {
      const Node& node = best[end];
      const auto begin = static_cast<std::size_t>(node.begin);
      const bool is_unknown = node.id == unknown_;
      if (is_unknown && has_byte_fallback_) {
        for (std::size_t i = end; i-- > begin;)
          out.push_back(byte_ids_[static_cast<unsigned char>(stretch[i])]);
      } else if (!is_unknown || !previous_is_unknown || !fuse_unknown_) {
        out.push_back(node.id);
      }
      previous_is_unknown = is_unknown;
      end = begin;
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(n_before), out.end());
  }

  bool is_float_;
  bool fuse_unknown_;
  bool has_byte_fallback_ = false;
  TokenId unknown_ = 0;
  double unknown_score_ = 0;
  double highest_ = 0;
  std::vector<PieceType> types_;
  std::vector<double> scores_;
  std::array<TokenId, 256> byte_ids_{};
  ByteTrie trie_;
};

}  // namespace

std::unique_ptr<TokenizerModel> make_unigram_model(const TokenizerData& data) {
  return std::make_unique<UnigramModel>(data);
}

}  // namespace quintet
