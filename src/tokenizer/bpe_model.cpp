#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/model.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;
constexpr std::string_view kMark = "\u2581";

/// (left, right) to (rank, result), open addressing.
class PairTable {
 public:
  struct Found {
    std::uint32_t rank = kNone;
    std::uint32_t result = kNone;
  };

  void reserve(std::size_t n) {
    slots_.resize(std::bit_ceil(n + n / 2 + 16));
    shift_ = 64 - std::countr_zero(slots_.size());
  }
  /// Keeps the lower rank of two for the same pair.
  void insert(std::uint32_t left, std::uint32_t right, Found found) {
    if (2 * (n_ + 1) > slots_.size() + slots_.size() / 2) grow();
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = start(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].key == kFree) {
        slots_[i] = {key, found};
        ++n_;
        return;
      }
      if (slots_[i].key == key) {
        if (found.rank < slots_[i].found.rank) slots_[i].found = found;
        return;
      }
    }
  }
  Found find(std::uint32_t left, std::uint32_t right) const noexcept {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = start(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].key == key) return slots_[i].found;
      if (slots_[i].key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kFree;
    Found found;
  };
  static std::uint64_t key_of(std::uint32_t left, std::uint32_t right) noexcept {
    return static_cast<std::uint64_t>(left) << 32 | right;
  }
  std::size_t start(std::uint64_t key) const noexcept {
    const std::uint64_t mixed = (key ^ key >> 29) * 0x9E3779B97F4A7C15;
    return static_cast<std::size_t>(mixed >> shift_);
  }
  void grow() {
    std::vector<Slot> old;
    old.swap(slots_);
    n_ = 0;
    reserve(old.size() * 2);
    for (const Slot& slot : old) {
      if (slot.key != kFree) {
        insert(static_cast<std::uint32_t>(slot.key >> 32), static_cast<std::uint32_t>(slot.key), slot.found);
      }
    }
  }

  std::vector<Slot> slots_;
  std::size_t n_ = 0;
  int shift_ = 0;
};

std::uint32_t character_length(std::string_view text, std::size_t at) noexcept {
  return decode_character(text.data() + at, text.data() + text.size()).length;
}

/// Up to this many symbols the lowest rank is found by looking at all of them; above, by a heap.
constexpr std::size_t kMaxScanned = 48;

/// Merges neighbours, lowest rank first and leftmost among equals. Three kinds share it: byte-level BPE
/// (symbols are bytes), BPE over characters, and SentencePiece's BPE, whose merges are all ways to cut a
/// piece in two, ranked by the piece's score.
class BpeModel final : public TokenizerModel {
 public:
  BpeModel(const TokenizerData& data, const std::vector<std::string>& pieces, bool is_byte_level)
      : is_byte_level_(is_byte_level),
        is_sentencepiece_(data.kind == TokenizerKind::sentencepiece_bpe),
        ignore_merges_(data.ignore_merges),
        fuse_unknown_(data.fuse_unknown),
        unknown_(data.special.unk),
        continuing_prefix_(data.continuing_prefix),
        word_suffix_(data.word_suffix),
        n_pieces_(pieces.size()),
        table_(pieces.size()) {
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      if (pieces[id].empty() || !may_be_merged(data.types[id])) continue;
      table_.insert(pieces[id], static_cast<std::uint32_t>(id));
    }
    find_byte_pieces(data, pieces);
    if (is_sentencepiece_) {
      add_all_cuts(data, pieces);
    } else {
      pairs_.reserve(data.merges.size());
      for (const BpeMerge& merge : data.merges)
        pairs_.insert(merge.left, merge.right, {merge.rank, merge.result});
    }
    if (is_byte_level_) {
      make_byte_pairs();
    } else {
      find_borders(pieces);
    }
  }

  void encode(std::string_view stretch, EncodeScratch& scratch, std::vector<TokenId>& out) const override {
    if (is_byte_level_ || !word_suffix_.empty() || !continuing_prefix_.empty()) {
      encode_word(stretch, scratch, out);
      return;
    }
    const std::size_t n_before = out.size();
    // No merge crosses a border at which no piece has these two neighbours, so that the words between borders
    // can be encoded one by one.
    std::size_t begin = 0;
    std::size_t previous = 0;
    for (std::size_t i = 0; i < stretch.size();) {
      const std::uint32_t length = character_length(stretch, i);
      if (i > begin && !may_join(stretch, previous, i)) {
        encode_word(stretch.substr(begin, i - begin), scratch, out);
        begin = i;
      }
      previous = i;
      i += length;
    }
    if (begin < stretch.size()) encode_word(stretch.substr(begin), scratch, out);
    if (fuse_unknown_ && unknown_ && !has_byte_fallback_) {
      const auto fresh = out.begin() + static_cast<std::ptrdiff_t>(n_before);
      out.erase(
          std::unique(fresh, out.end(), [this](TokenId a, TokenId b) { return a == b && a == *unknown_; }),
          out.end());
    }
  }

 private:
  static bool may_be_merged(PieceType type) noexcept {
    return type == PieceType::normal || type == PieceType::user_defined || type == PieceType::unused;
  }

  void encode_word(std::string_view word, EncodeScratch& scratch, std::vector<TokenId>& out) const {
    if (word.size() > WordCache::kMaxBytes || !scratch.use_words) {
      merge_word(word, scratch, out);
      return;
    }
    const std::uint64_t hash = hash_bytes(word);
    if (scratch.words.find(word, hash, out)) return;
    const std::size_t n_before = out.size();
    merge_word(word, scratch, out);
    scratch.words.keep(word, hash, out.data() + n_before, out.size() - n_before);
  }

  void merge_word(std::string_view word, EncodeScratch& scratch, std::vector<TokenId>& out) const {
    if (ignore_merges_) {
      if (const std::uint32_t id = table_.find(word); id != kNone) {
        out.push_back(id);
        return;
      }
    }
    if (is_byte_level_ && word_suffix_.empty() && continuing_prefix_.empty() && word.size() <= kMaxScanned) {
      merge_bytes(word, scratch, out);
      return;
    }
    make_symbols(word, scratch);
    if (scratch.symbols.size() <= kMaxScanned && !has_unused_) {
      scratch.ids.clear();
      for (const auto& symbol : scratch.symbols) scratch.ids.push_back(symbol.id);
      // Unknown symbols need their bytes afterwards, which the scan below forgets: the heap keeps them.
      if (std::all_of(scratch.ids.begin(), scratch.ids.end(),
                      [this](std::uint32_t id) { return id < n_pieces_; })) {
        merge_scanned(scratch, false);
        out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
        return;
      }
    }
    merge_by_heap(scratch);
    emit(word, scratch, out);
  }

  // ---- short words

  void merge_bytes(std::string_view word, EncodeScratch& scratch, std::vector<TokenId>& out) const {
    scratch.ids.resize(word.size());
    bool all_known = true;
    for (std::size_t i = 0; i < word.size(); ++i) {
      scratch.ids[i] = byte_ids_[static_cast<unsigned char>(word[i])];
      all_known = all_known && scratch.ids[i] != kNone;
    }
    if (!all_known) {
      make_symbols(word, scratch);
      merge_by_heap(scratch);
      emit(word, scratch, out);
      return;
    }
    const std::size_t n = word.size();
    scratch.ranks.resize(n);
    scratch.results.resize(n);
    for (std::size_t i = 0; i + 1 < n; ++i) {
      const auto& found =
          byte_pairs_[static_cast<unsigned char>(word[i]) << 8 | static_cast<unsigned char>(word[i + 1])];
      scratch.ranks[i] = found.rank;
      scratch.results[i] = found.result;
    }
    merge_scanned(scratch, true);
    out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
  }

  /// Merges scratch.ids in place; ranks[i] and results[i] belong to the pair (i, i + 1).
  void merge_scanned(EncodeScratch& scratch, bool has_ranks) const {
    auto& ids = scratch.ids;
    auto& ranks = scratch.ranks;
    auto& results = scratch.results;
    std::size_t n = ids.size();
    if (n < 2) return;
    const auto look_up = [&](std::size_t i) {
      const auto found = pairs_.find(ids[i], ids[i + 1]);
      ranks[i] = found.rank;
      results[i] = found.result;
    };
    if (!has_ranks) {
      ranks.resize(n);
      results.resize(n);
      for (std::size_t i = 0; i + 1 < n; ++i) look_up(i);
    }
    while (n > 1) {
      std::size_t best = 0;
      std::uint32_t best_rank = ranks[0];
      for (std::size_t i = 1; i + 1 < n; ++i) {
        if (ranks[i] < best_rank) {
          best_rank = ranks[i];
          best = i;
        }
      }
      if (best_rank == kNone) break;
      ids[best] = results[best];
      --n;
      for (std::size_t i = best + 1; i < n; ++i) {
        ids[i] = ids[i + 1];
        ranks[i] = ranks[i + 1];
        results[i] = results[i + 1];
      }
      if (best + 1 < n) {
        look_up(best);
      } else {
        ranks[best] = kNone;
      }
      if (best > 0) look_up(best - 1);
    }
    ids.resize(n);
  }

  // ---- long words, and those with unknown characters

  void make_symbols(std::string_view word, EncodeScratch& scratch) const {
    auto& symbols = scratch.symbols;
    symbols.clear();
    const auto add = [&symbols](std::size_t begin, std::size_t end, std::uint32_t id) {
      const auto n = static_cast<std::int32_t>(symbols.size());
      symbols.push_back(
          {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), id, n - 1, n + 1});
    };
    if (word.size() > 0x7FFFFFFF) throw Exhausted("tokenize: a word of more than 2 GiB");
    std::string key;
    for (std::size_t i = 0; i < word.size();) {
      if (is_sentencepiece_ && user_defined_.may_start_with(word[i])) {
        if (const auto found = user_defined_.longest_prefix(word.substr(i)); found.length > 0) {
          add(i, i + found.length, found.value | kFrozen);
          i += found.length;
          continue;
        }
      }
      const std::uint32_t length = is_byte_level_ ? 1 : character_length(word, i);
      std::uint32_t id;
      if (is_byte_level_) {
        id = byte_ids_[static_cast<unsigned char>(word[i])];
      } else {
        const std::string_view character = word.substr(i, length);
        id = table_.find(character);
        if (id == kNone && is_sentencepiece_) id = extra_characters_.find(character);
      }
      if (!word_suffix_.empty() || !continuing_prefix_.empty()) {
        key = i > 0 ? continuing_prefix_ : "";
        key += word.substr(i, length);
        if (i + length == word.size()) key += word_suffix_;
        id = table_.find(key);
      }
      add(i, i + length, id);
      i += length;
    }
    if (!symbols.empty()) symbols.back().next = -1;
  }

  void merge_by_heap(EncodeScratch& scratch) const {
    auto& symbols = scratch.symbols;
    auto& heap = scratch.heap;
    heap.clear();
    scratch.unused_merges.clear();
    using Candidate = EncodeScratch::Candidate;
    const auto later = [](const Candidate& a, const Candidate& b) {
      return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
    };
    const auto candidate = [&](std::int32_t left) -> std::optional<Candidate> {
      if (left < 0 || symbols[left].next < 0) return std::nullopt;
      const std::uint32_t a = symbols[left].id;
      const std::uint32_t b = symbols[symbols[left].next].id;
      const auto found = pairs_.find(a, b);
      if (found.rank == kNone) return std::nullopt;
      if (has_unused_ && is_unused_[found.result]) scratch.unused_merges.push_back({found.result, {a, b}});
      return Candidate{found.rank, static_cast<std::uint32_t>(left), a, b, found.result};
    };
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (const auto found = candidate(static_cast<std::int32_t>(i))) heap.push_back(*found);
    }
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), later);
      const Candidate best = heap.back();
      heap.pop_back();
      auto& left = symbols[best.position];
      if (left.id != best.left || left.end == left.begin || left.next < 0) continue;
      auto& right = symbols[left.next];
      if (right.id != best.right) continue;
      left.id = best.result;
      left.end = right.end;
      right.begin = right.end;  // gone
      left.next = right.next;
      if (right.next >= 0) symbols[right.next].previous = static_cast<std::int32_t>(best.position);
      for (const std::int32_t at : {left.previous, static_cast<std::int32_t>(best.position)}) {
        if (const auto found = candidate(at)) {
          heap.push_back(*found);
          std::push_heap(heap.begin(), heap.end(), later);
        }
      }
    }
  }

  void emit(std::string_view word, const EncodeScratch& scratch, std::vector<TokenId>& out) const {
    bool previous_is_unknown = false;
    for (std::int32_t i = scratch.symbols.empty() ? -1 : 0; i >= 0; i = scratch.symbols[i].next) {
      const auto& symbol = scratch.symbols[i];
      const bool is_known = symbol.id != kNone && (symbol.id & ~kFrozen) < n_pieces_;
      if (is_known) {
        emit_known(symbol.id & ~kFrozen, scratch, out);
        previous_is_unknown = false;
        continue;
      }
      const std::string_view bytes = word.substr(symbol.begin, symbol.end - symbol.begin);
      if (has_byte_fallback_) {
        for (const char c : bytes) out.push_back(fallback_ids_[static_cast<unsigned char>(c)]);
        previous_is_unknown = false;
      } else if (unknown_) {
        if (!previous_is_unknown || !fuse_unknown_) out.push_back(*unknown_);
        previous_is_unknown = true;
      }
    }
  }

  /// A piece of type "unused" is given back as the two that it was made of.
  void emit_known(std::uint32_t id, const EncodeScratch& scratch, std::vector<TokenId>& out) const {
    if (has_unused_ && is_unused_[id]) {
      for (auto merge = scratch.unused_merges.rbegin(); merge != scratch.unused_merges.rend(); ++merge) {
        if (merge->first != id) continue;
        for (const std::uint32_t part : {merge->second.first, merge->second.second}) {
          if (part < n_pieces_) {
            emit_known(part, scratch, out);
          } else if (unknown_) {
            out.push_back(*unknown_);
          }
        }
        return;
      }
    }
    out.push_back(id);
  }

  // ---- construction

  void find_byte_pieces(const TokenizerData& data, const std::vector<std::string>& pieces) {
    byte_ids_.fill(kNone);
    fallback_ids_.fill(0);
    std::size_t n_bytes = 0;
    std::array<bool, 256> seen{};
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      if (is_byte_level_ && pieces[id].size() == 1 && may_be_merged(data.types[id])) {
        auto& slot = byte_ids_[static_cast<unsigned char>(pieces[id][0])];
        if (slot == kNone) slot = static_cast<std::uint32_t>(id);
      }
      if (!data.byte_fallback) continue;
      if (const auto byte = byte_of_piece(data.pieces[id]); byte && !seen[*byte]) {
        seen[*byte] = true;
        fallback_ids_[*byte] = static_cast<std::uint32_t>(id);
        ++n_bytes;
      }
    }
    has_byte_fallback_ = n_bytes == 256;
    std::vector<std::pair<std::string_view, std::uint32_t>> user_defined;
    is_unused_.assign(pieces.size(), false);
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      if (data.types[id] == PieceType::user_defined) user_defined.emplace_back(pieces[id], id);
      if (data.types[id] == PieceType::unused && is_sentencepiece_) is_unused_[id] = has_unused_ = true;
    }
    user_defined_ = ByteTrie(std::move(user_defined));
  }

  void add_all_cuts(const TokenizerData& data, const std::vector<std::string>& pieces) {
    // Ranks by falling score; equal scores share one.
    std::vector<std::uint32_t> order;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      if (!pieces[id].empty() && may_be_merged(data.types[id]))
        order.push_back(static_cast<std::uint32_t>(id));
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return data.scores[a] > data.scores[b]; });
    pairs_.reserve(order.size() * 4);
    std::uint32_t rank = 0;
    std::uint32_t n_extra = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::uint32_t id = order[i];
      if (i > 0 && data.scores[id] != data.scores[order[i - 1]]) rank = static_cast<std::uint32_t>(i);
      const std::string_view piece = pieces[id];
      if (table_.find(piece) != id) continue;  // a second piece of the same text
      // A single character that is no piece still merges into one that is.
      const auto part_id = [&](std::string_view part) {
        std::uint32_t found = table_.find(part);
        if (found == kNone && character_length(part, 0) == part.size()) {
          found = extra_characters_.insert(part, static_cast<std::uint32_t>(n_pieces_ + n_extra));
          if (found == n_pieces_ + n_extra) ++n_extra;
        }
        return found;
      };
      for (std::size_t cut = character_length(piece, 0); cut < piece.size();
           cut += character_length(piece, cut)) {
        const std::uint32_t left = part_id(piece.substr(0, cut));
        if (left == kNone) continue;
        const std::uint32_t right = part_id(piece.substr(cut));
        if (right != kNone) pairs_.insert(left, right, {rank, id});
      }
    }
  }

  void make_byte_pairs() {
    byte_pairs_.resize(65536);
    for (std::size_t a = 0; a < 256; ++a) {
      for (std::size_t b = 0; b < 256; ++b) {
        if (byte_ids_[a] != kNone && byte_ids_[b] != kNone)
          byte_pairs_[a << 8 | b] = pairs_.find(byte_ids_[a], byte_ids_[b]);
      }
    }
  }

  /// The last byte of a character, or 0xFF (no byte of UTF-8) for SentencePiece's blank, which is far more
  /// frequent at borders than other characters of its first and last byte.
  static std::uint8_t last_of(std::string_view text, std::size_t at, std::size_t end) noexcept {
    return text.compare(at, kMark.size(), kMark) == 0 ? 0xFF : static_cast<std::uint8_t>(text[end - 1]);
  }
  static std::uint8_t first_of(std::string_view text, std::size_t at) noexcept {
    return text.compare(at, kMark.size(), kMark) == 0 ? 0xFF : static_cast<std::uint8_t>(text[at]);
  }

  void find_borders(const std::vector<std::string>& pieces) {
    joins_.assign(65536, false);
    for (const std::string& piece : pieces) {
      std::size_t previous = 0;
      for (std::size_t i = 0; i < piece.size(); i += character_length(piece, i)) {
        if (i > 0) joins_[last_of(piece, previous, i) << 8 | first_of(piece, i)] = true;
        previous = i;
      }
    }
  }

  bool may_join(std::string_view text, std::size_t previous, std::size_t at) const noexcept {
    return joins_[last_of(text, previous, at) << 8 | first_of(text, at)];
  }

  static constexpr std::uint32_t kFrozen = 1U << 31;  // user-defined: never merged

  bool is_byte_level_;
  bool is_sentencepiece_;
  bool ignore_merges_;
  bool fuse_unknown_;
  bool has_byte_fallback_ = false;
  bool has_unused_ = false;
  std::optional<TokenId> unknown_;
  std::string continuing_prefix_;
  std::string word_suffix_;
  std::size_t n_pieces_;
  PieceTable table_;
  PieceTable extra_characters_;
  ByteTrie user_defined_;
  PairTable pairs_;
  std::array<std::uint32_t, 256> byte_ids_{};
  std::array<std::uint32_t, 256> fallback_ids_{};
  std::vector<PairTable::Found> byte_pairs_;
  std::vector<bool> is_unused_;
  std::vector<bool> joins_;
};

}  // namespace

std::unique_ptr<TokenizerModel> make_bpe_model(const TokenizerData& data,
                                               const std::vector<std::string>& pieces, bool is_byte_level) {
  return std::make_unique<BpeModel>(data, pieces, is_byte_level);
}

}  // namespace quintet
