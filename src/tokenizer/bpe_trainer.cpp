#include "tokenizer/bpe_trainer.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <memory>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/piece_table.h"
#include "tokenizer/pre_tokenizer.h"

namespace quintet {

namespace {

constexpr std::size_t kWordsBetweenReports = std::size_t{1} << 20;
constexpr std::size_t kMergesBetweenReports = 256;

/// Different words and how often each was met.
class WordCounts {
 public:
  explicit WordCounts(const BpeTrainingOptions& options)
      : options_(options), pre_tokenizer_(known_pre_tokenizer(options.pre_tokenizer).steps) {
    if (!pre_tokenizer_.is_byte_level()) {
      throw InvalidArgument(
          cat("train_bpe: the pre-tokenizer \"", options.pre_tokenizer, "\" does not work on bytes"));
    }
    std::vector<AddedToken> tokens;
    for (const std::string& text : options.special_tokens) {
      if (text.empty()) throw InvalidArgument("train_bpe: an empty special token");
      AddedToken token;
      token.text = text;
      token.is_special = true;
      tokens.push_back(std::move(token));
    }
    special_ = AddedTokenMatcher(std::move(tokens), options.special_tokens);
  }

  void add(std::string_view text) {
    parts_.clear();
    special_.split(text, true, parts_);
    for (const auto& part : parts_) {
      if (part.is_token) continue;
      text_.reset(part.text);
      pre_tokenizer_.run(text_, true);
      std::size_t n_seen = 0;
      for (const Stretch stretch : text_.stretches) {
        const std::string_view word = text_.text.substr(stretch.begin, stretch.end - stretch.begin);
        const auto fresh = static_cast<std::uint32_t>(counts_.size());
        const std::uint32_t id = table_.insert(word, fresh);
        if (id == fresh) {
          counts_.push_back(0);
          words_.emplace_back(word);
        }
        ++counts_[id];
        if (++n_seen % kWordsBetweenReports == 0) check_stop();
      }
    }
    n_bytes_ += text.size();
    check_stop();
    if (options_.on_progress) options_.on_progress({n_bytes_, words_.size(), 0, 0});
  }

  void check_stop() const {
    if (options_.stop.stop_requested()) throw Cancelled("train_bpe: stopped");
  }

  std::uint64_t n_bytes() const { return n_bytes_; }
  const std::vector<std::string>& words() const { return words_; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  const BpeTrainingOptions& options_;
  PreTokenizer pre_tokenizer_;
  AddedTokenMatcher special_;
  std::vector<AddedTokenMatcher::Part> parts_;
  PreTokenizedText text_;
  PieceTable table_;
  std::vector<std::string> words_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t n_bytes_ = 0;
};

/// Pairs of neighbours over all words, kept up to date merge by merge. Invariants: `pairs_[i].count` is the
/// sum over all words of the word's count times the pair's occurrences; a word that holds the pair is in its
/// list (which may also hold words that no longer do); each pair with a count is in the heap with that count
/// or a higher one.
class PairCounts {
 public:
  PairCounts(const WordCounts& words, std::vector<std::string>& tokens) : tokens_(tokens) {
    slots_.assign(1 << 12, 0);
    std::size_t n_symbols = 0;
    for (const std::string& word : words.words()) n_symbols += word.size();
    symbols_.reserve(n_symbols);
    for (std::size_t i = 0; i < words.words().size(); ++i) {
      const std::string& word = words.words()[i];
      words_.push_back({symbols_.size(), static_cast<std::uint32_t>(word.size()), words.counts()[i]});
      for (const char c : word) symbols_.push_back(static_cast<unsigned char>(c));
    }
    for (std::uint32_t w = 0; w < words_.size(); ++w) {
      const std::uint32_t* s = symbols_.data() + words_[w].begin;
      for (std::uint32_t i = 0; i + 1 < words_[w].n; ++i) add(s[i], s[i + 1], words_[w].count, w);
    }
    for (std::uint32_t pair = 0; pair < pairs_.size(); ++pair) heap_.push_back({pairs_[pair].count, pair});
    std::make_heap(heap_.begin(), heap_.end(), less());
    touched_.clear();
  }

  struct Best {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    std::uint64_t count = 0;
  };
  /// The pair to merge next; count 0 when there is none.
  Best best() {
    while (!heap_.empty()) {
      const Entry top = heap_.front();
      const std::uint64_t count = pairs_[top.pair].count;
      if (top.count == count) return {pairs_[top.pair].left, pairs_[top.pair].right, count};
      std::pop_heap(heap_.begin(), heap_.end(), less());
      heap_.pop_back();
      // A pair may be in the heap several times; only the entry that overstates puts the true count in.
      if (count > 0 && count < top.count) push({count, top.pair});
    }
    return {};
  }

  void merge(const Best& best, std::uint32_t result) {
    const std::uint32_t pair = find(best.left, best.right);
    const std::vector<std::uint32_t> holders = std::move(pairs_[pair].words);
    pairs_[pair].words = {};
    touched_.clear();
    for (const std::uint32_t w : holders) merge_in_word(w, best, result);
    pairs_[pair].count = 0;
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const std::uint32_t changed : touched_) {
      if (pairs_[changed].count > 0) push({pairs_[changed].count, changed});
    }
  }

 private:
  struct Word {
    std::size_t begin = 0;
    std::uint32_t n = 0;
    std::uint64_t count = 0;
  };
  struct Pair {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    std::uint64_t count = 0;
    std::vector<std::uint32_t> words;
  };
  struct Entry {
    std::uint64_t count = 0;
    std::uint32_t pair = 0;
  };

  /// Heap order: rarer first, then by the bytes of the pair.
  struct Less {
    const PairCounts* counts;
    bool operator()(const Entry& a, const Entry& b) const {
      if (a.count != b.count) return a.count < b.count;
      const Pair& pa = counts->pairs_[a.pair];
      const Pair& pb = counts->pairs_[b.pair];
      const int by_left = counts->tokens_[pa.left].compare(counts->tokens_[pb.left]);
      return by_left != 0 ? by_left < 0 : counts->tokens_[pa.right] < counts->tokens_[pb.right];
    }
  };
  Less less() const { return {this}; }
  void push(Entry entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), less());
  }

  void merge_in_word(std::uint32_t w, const Best& best, std::uint32_t result) {
    Word& word = words_[w];
    std::uint32_t* const s = symbols_.data() + word.begin;
    std::uint32_t out = 0;
    for (std::uint32_t i = 0; i < word.n;) {
      if (i + 1 >= word.n || s[i] != best.left || s[i + 1] != best.right) {
        s[out++] = s[i++];
        continue;
      }
      if (out > 0) {
        remove(s[out - 1], best.left, word.count);
        add(s[out - 1], result, word.count, w);
      }
      if (i + 2 < word.n) {
        // The next pair may itself be merged: then its neighbour's turn corrects what is added here.
        remove(best.right, s[i + 2], word.count);
        add(result, s[i + 2], word.count, w);
      }
      s[out++] = result;
      i += 2;
    }
    word.n = out;
  }

  void add(std::uint32_t left, std::uint32_t right, std::uint64_t count, std::uint32_t word) {
    Pair& pair = pairs_[find_or_add(left, right)];
    pair.count += count;
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
    if (touched_.empty() || touched_.back() != last_found_) touched_.push_back(last_found_);
  }
  void remove(std::uint32_t left, std::uint32_t right, std::uint64_t count) {
    const std::uint32_t pair = find(left, right);
    if (pair != kNone) pairs_[pair].count -= std::min(count, pairs_[pair].count);
  }

  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::size_t start(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = static_cast<std::uint64_t>(left) << 32 | right;
    return static_cast<std::size_t>(((key ^ key >> 29) * 0x9E3779B97F4A7C15) >> 20) & (slots_.size() - 1);
  }
  std::uint32_t find(std::uint32_t left, std::uint32_t right) const {
    for (std::size_t i = start(left, right);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == 0) return kNone;
      const Pair& pair = pairs_[slots_[i] - 1];
      if (pair.left == left && pair.right == right) return slots_[i] - 1;
    }
  }
  std::uint32_t find_or_add(std::uint32_t left, std::uint32_t right) {
    last_found_ = find(left, right);
    if (last_found_ != kNone) return last_found_;
    if (2 * (pairs_.size() + 1) > slots_.size()) {
      slots_.assign(slots_.size() * 2, 0);
      for (std::uint32_t i = 0; i < pairs_.size(); ++i) place(i);
    }
    last_found_ = static_cast<std::uint32_t>(pairs_.size());
    pairs_.push_back({left, right, 0, {}});
    place(last_found_);
    return last_found_;
  }
  void place(std::uint32_t pair) {
    std::size_t i = start(pairs_[pair].left, pairs_[pair].right);
    while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = pair + 1;
  }

  std::vector<std::string>& tokens_;  // the bytes of each symbol
  std::vector<std::uint32_t> symbols_;
  std::vector<Word> words_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> slots_;
  std::vector<Entry> heap_;
  std::vector<std::uint32_t> touched_;
  std::uint32_t last_found_ = kNone;
};

/// GPT-2's order of the 256 bytes: those that stand for themselves first.
std::vector<unsigned char> bytes_in_order() {
  std::vector<unsigned char> order;
  for (const bool is_itself : {true, false}) {
    for (unsigned b = 0; b < 256; ++b) {
      const bool stands = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      if (stands == is_itself) order.push_back(static_cast<unsigned char>(b));
    }
  }
  return order;
}

TokenizerData start_data(const BpeTrainingOptions& options, std::vector<TokenId>& byte_ids) {
  TokenizerData data;
  data.kind = TokenizerKind::bpe;
  for (const std::string& text : options.special_tokens) {
    AddedToken token;
    token.text = text;
    token.id = static_cast<TokenId>(data.pieces.size());
    token.is_special = true;
    data.added_tokens.push_back(std::move(token));
    data.pieces.push_back(text);
    data.types.push_back(PieceType::control);
  }
  byte_ids.resize(256);
  for (const unsigned char b : bytes_in_order()) {
    byte_ids[b] = static_cast<TokenId>(data.pieces.size());
    data.pieces.push_back(byte_alphabet_encode(std::string_view(reinterpret_cast<const char*>(&b), 1)));
    data.types.push_back(PieceType::normal);
  }
  KnownPreTokenizer known = known_pre_tokenizer(options.pre_tokenizer);
  data.pre_tokenizers = std::move(known.steps);
  data.pre_tokenizer_name = options.pre_tokenizer;
  data.decoder.kind = DecoderKind::byte_level;
  return data;
}

}  // namespace

TokenizerData train_bpe(const CorpusReader& corpus, const BpeTrainingOptions& options) {
  const std::size_t n_fixed = options.special_tokens.size() + 256;
  if (options.vocab_size < n_fixed || options.vocab_size > (1U << 24)) {
    throw InvalidArgument(cat("train_bpe: a vocabulary of ", options.vocab_size, ", expected at least ",
                              n_fixed, " (256 bytes and the special tokens) and at most ", 1U << 24));
  }
  WordCounts words(options);
  std::string text;
  while (corpus(text)) words.add(text);

  std::vector<TokenId> ids;  // by symbol: the 256 bytes, then the merges
  TokenizerData data = start_data(options, ids);
  std::vector<std::string> tokens;
  tokens.reserve(options.vocab_size);
  for (unsigned b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  PairCounts pairs(words, tokens);
  const std::size_t n_wanted = options.vocab_size - n_fixed;
  while (data.merges.size() < n_wanted) {
    const auto best = pairs.best();
    if (best.count == 0 || best.count < options.min_frequency) break;
    const auto symbol = static_cast<std::uint32_t>(tokens.size());
    tokens.push_back(tokens[best.left] + tokens[best.right]);
    const auto id = static_cast<TokenId>(data.pieces.size());
    ids.push_back(id);
    data.pieces.push_back(byte_alphabet_encode(tokens.back()));
    data.types.push_back(PieceType::normal);
    data.merges.push_back(
        {ids[best.left], ids[best.right], id, static_cast<std::uint32_t>(data.merges.size())});
    pairs.merge(best, symbol);
    if (data.merges.size() % kMergesBetweenReports == 0) {
      words.check_stop();
      if (options.on_progress) {
        options.on_progress({words.n_bytes(), words.words().size(), data.merges.size(), n_wanted});
      }
    }
  }
  if (options.on_progress)
    options.on_progress({words.n_bytes(), words.words().size(), data.merges.size(), n_wanted});
  check_tokenizer_data(data, "train_bpe");
  return data;
}

TokenizerData train_bpe(const std::vector<std::string_view>& texts, const BpeTrainingOptions& options) {
  std::size_t next = 0;
  return train_bpe(
      [&](std::string& text) {
        if (next == texts.size()) return false;
        text = texts[next++];
        return true;
      },
      options);
}

CorpusReader read_corpus_file(const std::filesystem::path& path, std::vector<std::string> special_tokens,
                              std::size_t part_bytes) {
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) throw NotFound(cat("train_bpe: cannot read ", path.string()));
  auto rest = std::make_shared<std::string>();
  return [file, rest, special_tokens = std::move(special_tokens), part_bytes](std::string& text) {
    for (;;) {
      const std::size_t n_before = rest->size();
      rest->resize(n_before + part_bytes);
      file->read(rest->data() + n_before, static_cast<std::streamsize>(part_bytes));
      rest->resize(n_before + static_cast<std::size_t>(file->gcount()));
      if (rest->size() == n_before) {  // the end of the file
        text = std::exchange(*rest, {});
        return !text.empty();
      }
      std::size_t cut = 0;
      for (const std::string& token : special_tokens) {
        const std::size_t at = rest->rfind(token);
        if (at != std::string::npos) cut = std::max(cut, at + token.size());
      }
      for (std::size_t i = rest->size() - 1; i > cut; --i) {
        const char c = (*rest)[i];
        const char before = (*rest)[i - 1];
        const bool is_letter = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z');
        if (is_letter && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
          cut = i;
          break;
        }
      }
      if (cut == 0) continue;  // no place to cut: read more
      text = rest->substr(0, cut);
      rest->erase(0, cut);
      return true;
    }
  };
}

}  // namespace quintet
