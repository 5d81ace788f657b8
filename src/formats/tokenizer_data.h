#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace quintet {

using TokenId = std::uint32_t;

/// How pieces are found in a stretch of text.
enum class TokenizerKind : std::uint8_t {
  bpe,                // a list of merges, lowest rank first
  sentencepiece_bpe,  // any two neighbours whose concatenation is a piece, highest score first
  unigram,            // the segmentation of the highest sum of scores
  wordpiece           // the longest match from the left, word by word
};

/// 1 to 6 are numbered as in GGUF ("tokenizer.ggml.token_type") and in SentencePiece's model files.
enum class PieceType : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,       // stands for itself only where special tokens are parsed: <s>, <|im_end|>
  user_defined = 4,  // always found first, never split
  unused = 5,
  byte = 6,  // "<0x0A>"
  added = 7  // an added token that the model itself does not know
};

// ---- Normalisers: text to text

enum class UnicodeForm : std::uint8_t { nfc, nfd, nfkc, nfkd };

struct NormalizeUnicode {
  UnicodeForm form = UnicodeForm::nfc;
};
struct NormalizeLowercase {};
/// Removes combining marks (categories Mn, Mc, Me).
struct NormalizeStripAccents {};
/// `content` before a text that is not empty.
struct NormalizePrepend {
  std::string content;
};
struct NormalizeReplace {
  std::string pattern;
  bool is_regex = false;
  std::string content;
};
/// Removes white space at the ends.
struct NormalizeStrip {
  bool left = true;
  bool right = true;
};
/// Control characters removed, white space made blanks, blanks around CJK characters, accents, case.
struct NormalizeBert {
  bool clean_text = true;
  bool space_cjk = true;
  bool strip_accents = true;
  bool lowercase = true;
};
/// A charsmap as the library "tokenizers" applies it: to grapheme clusters, then to their characters.
struct NormalizeCharsmap {
  std::string charsmap;
};
/// SentencePiece's normaliser: longest prefixes through the charsmap, then its rules for blanks.
struct NormalizeSentencePiece {
  std::string charsmap;  // "" changes nothing
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool treat_whitespace_as_suffix = false;
};
using NormalizerStep =
    std::variant<NormalizeUnicode, NormalizeLowercase, NormalizeStripAccents, NormalizePrepend,
                 NormalizeReplace, NormalizeStrip, NormalizeBert, NormalizeCharsmap, NormalizeSentencePiece>;

// ---- Pre-tokenizers: text to stretches that no piece crosses

/// What becomes of the stretch that matched a pattern.
enum class SplitBehavior : std::uint8_t {
  removed,
  isolated,
  merged_with_previous,
  merged_with_next,
  contiguous
};

/// Bytes become the 256 printable characters of GPT-2's alphabet; `use_regex` splits by GPT-2's pattern
/// first.
struct SplitByteLevel {
  bool add_prefix_space = false;
  bool use_regex = true;
};
struct SplitPattern {
  std::string pattern;
  bool is_regex = true;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // the pattern describes the stretches to keep
};
struct SplitDigits {
  bool individual = false;
};
struct SplitPunctuation {
  SplitBehavior behavior = SplitBehavior::isolated;
};
/// \w+|[^\w\s]+, blanks dropped.
struct SplitWordsAndSymbols {};
struct SplitWhitespace {};
/// White space dropped, each punctuation character alone.
struct SplitBert {};
enum class PrependScheme : std::uint8_t { always, first, never };
/// Blanks become `replacement`, which also starts each stretch when `split`.
struct SplitMetaspace {
  std::string replacement = "\u2581";
  PrependScheme prepend = PrependScheme::always;
  bool split = true;
};
using PreTokenizerStep = std::variant<SplitByteLevel, SplitPattern, SplitDigits, SplitPunctuation,
                                      SplitWordsAndSymbols, SplitWhitespace, SplitBert, SplitMetaspace>;

/// How pieces become text again.
enum class DecoderKind : std::uint8_t {
  concatenate,    // pieces as they are
  byte_level,     // the characters of GPT-2's alphabet are bytes
  sentencepiece,  // "▁" is a blank, "<0x0A>" a byte
  wordpiece,      // "##x" continues a word, all else starts one
  word_suffix     // a suffix such as "</w>" ends a word
};

struct DecoderData {
  DecoderKind kind = DecoderKind::concatenate;
  bool strip_leading_space = false;  // sentencepiece: one blank before the first piece is not text
  bool clean_up = false;             // wordpiece: "word ." becomes "word."
  std::string word_suffix;
  std::string unknown_text;  // what the unknown token becomes; "" = its own text
  bool strip_all_leading =
      false;  // sentencepiece: pieces that are but a blank are no text before the first one either
};

/// A token found in the text before everything else.
struct AddedToken {
  std::string text;
  TokenId id = 0;
  bool is_special = false;      // found only where special tokens are parsed, left out of plain text
  bool lstrip = false;          // takes the white space before it along
  bool rstrip = false;          // takes the white space after it along
  bool is_normalized = false;   // looked for in the normalised text instead of the raw one
  bool is_single_word = false;  // only between characters that are no part of a word
};

/// `left` and `right` next to each other become `result`; the lowest rank goes first.
struct BpeMerge {
  TokenId left = 0;
  TokenId right = 0;
  TokenId result = 0;
  std::uint32_t rank = 0;
};

struct SpecialIds {
  std::optional<TokenId> bos, eos, unk, sep, pad, cls, mask, eot;
};

/// All that a tokenizer file says, whatever its format. A plain value: `Tokenizer` (src/tokenizer) is built
/// from it. Readers leave it consistent: every id is below `pieces.size()`, `types` and `scores` are as long
/// as `pieces`.
struct TokenizerData {
  TokenizerKind kind = TokenizerKind::bpe;
  std::vector<std::string> pieces;  // by id, as written in the file; "" for an id that nothing uses
  std::vector<PieceType> types;
  std::vector<double> scores;  // empty where the kind needs none
  std::vector<BpeMerge> merges;
  std::vector<AddedToken> added_tokens;
  SpecialIds special;

  std::vector<NormalizerStep> normalizers;
  std::vector<PreTokenizerStep> pre_tokenizers;
  std::string pre_tokenizer_name;  // as GGUF names it, "" elsewhere
  DecoderData decoder;

  std::vector<TokenId> prefix_ids;  // what encoding "with special tokens" puts before and after the text
  std::vector<TokenId> suffix_ids;

  bool byte_fallback = false;       // an unknown character becomes pieces of type byte
  bool fuse_unknown = true;         // neighbouring unknown characters become one unknown token
  bool ignore_merges = false;       // bpe: a stretch that is a piece is that piece, whatever the merges say
  bool scores_are_float = true;     // unigram: sums in f32 as SentencePiece does, in f64 as "tokenizers" does
  bool prefix_each_stretch = true;  // sentencepiece: the dummy prefix also follows an added token
  std::string continuing_prefix;    // "##" of wordpiece, rarely of bpe
  std::string word_suffix;          // bpe: "</w>"
  std::size_t max_word_characters = 100;  // wordpiece: a longer word is unknown

  std::string chat_template;  // Jinja source of the default template, "" when there is none
  std::vector<std::pair<std::string, std::string>> named_chat_templates;
};

/// GPT-2's printable stand-ins for bytes (github.com/openai/gpt-2, encoder.py): text to bytes, or nothing
/// when a character is not in the alphabet.
std::optional<std::string> byte_alphabet_decode(std::string_view text);
std::string byte_alphabet_encode(std::string_view bytes);

/// Pieces by their text, for readers that refer to pieces by name. Of equal texts the first one counts.
class PieceIndex {
 public:
  explicit PieceIndex(const std::vector<std::string>& pieces);
  std::optional<TokenId> find(std::string_view piece) const noexcept;

 private:
  const std::vector<std::string>& pieces_;
  std::vector<std::uint32_t> slots_;
};

/// Looks all three pieces up; the result is `left` and `right` without its `continuing_prefix`. Throws
/// CorruptData naming the merge and the piece that is missing.
BpeMerge make_merge(const PieceIndex& index, std::string_view left, std::string_view right, std::size_t rank,
                    std::string_view continuing_prefix = "");

/// Checks what the comment on TokenizerData promises. Throws CorruptData naming `source`.
void check_tokenizer_data(const TokenizerData& data, std::string_view source);

/// One character piece of a SentencePiece byte token: "<0x0A>" gives 10.
std::optional<std::uint8_t> byte_of_piece(std::string_view piece) noexcept;

}  // namespace quintet
