#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/piece_table.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

std::vector<std::string_view> user_defined_pieces(const TokenizerData& data) {
  std::vector<std::string_view> pieces;
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    if (data.types[id] == PieceType::user_defined) pieces.push_back(data.pieces[id]);
  }
  return pieces;
}

/// A WordPiece piece's part of "cleaned up" text: no blank before a full stop, "do not" as "don't" (the rules
/// of the library "tokenizers").
std::string cleaned_up(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules) text = replace_all(std::move(text), from, to);
  return text;
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerData tokenizer_data)
      : data(std::move(tokenizer_data)),
        normalizer(data.normalizers, user_defined_pieces(data)),
        pre_tokenizer(data.pre_tokenizers),
        by_text(data.pieces.size()) {
    make_pieces();
    make_added_tokens();
    switch (data.kind) {
      case TokenizerKind::bpe:
      case TokenizerKind::sentencepiece_bpe:
        model = make_bpe_model(data, model_pieces, pre_tokenizer.is_byte_level());
        break;
      case TokenizerKind::unigram: model = make_unigram_model(data); break;
      case TokenizerKind::wordpiece: model = make_wordpiece_model(data); break;
    }
    model_pieces = {};
  }

  void make_pieces() {
    model_pieces = data.pieces;
    piece_bytes.resize(data.pieces.size());
    is_special.assign(data.pieces.size(), false);
    for (std::size_t id = 0; id < data.pieces.size(); ++id) {
      const std::string& piece = data.pieces[id];
      if (!piece.empty()) by_text.insert(piece, static_cast<std::uint32_t>(id));
      if (data.types[id] == PieceType::control) is_special[id] = true;
      if (pre_tokenizer.is_byte_level()) {
        if (auto bytes = byte_alphabet_decode(piece)) model_pieces[id] = std::move(*bytes);
      }
    }
    is_added.assign(data.pieces.size(), false);
    for (const AddedToken& token : data.added_tokens) {
      is_added[token.id] = true;
      if (token.is_special) is_special[token.id] = true;
    }
    for (std::size_t id = 0; id < data.pieces.size(); ++id)
      piece_bytes[id] = text_of(static_cast<TokenId>(id));
  }

  std::string text_of(TokenId id) const {
    const std::string& piece = data.pieces[id];
    if (data.special.unk == id && !data.decoder.unknown_text.empty()) return data.decoder.unknown_text;
    switch (data.decoder.kind) {
      case DecoderKind::concatenate: return piece;
      case DecoderKind::byte_level: {
        // DeepSeek's added token "ö" is that character, not the byte that it stands for in the alphabet.
        if (is_added[id]) return piece;
        auto bytes = byte_alphabet_decode(piece);
        if (bytes) return std::move(*bytes);
        return piece;
      }
      case DecoderKind::sentencepiece: {
        if (data.byte_fallback || data.types[id] == PieceType::byte) {
          if (const auto byte = byte_of_piece(piece)) return std::string(1, static_cast<char>(*byte));
        }
        return replace_all(piece, "\u2581", " ");
      }
      case DecoderKind::wordpiece: {
        std::string text = !data.continuing_prefix.empty() && piece.starts_with(data.continuing_prefix)
                               ? piece.substr(data.continuing_prefix.size())
                               : " " + piece;
        return data.decoder.clean_up ? cleaned_up(std::move(text)) : text;
      }
      case DecoderKind::word_suffix: return replace_all(piece, data.decoder.word_suffix, " ");
    }
    return piece;
  }

  void make_added_tokens() {
    std::vector<AddedToken> raw;
    std::vector<AddedToken> normalized;
    std::vector<std::string> raw_texts;
    std::vector<std::string> normalized_texts;
    for (const AddedToken& token : data.added_tokens) {
      if (token.text.empty()) continue;
      if (token.is_normalized && !normalizer.is_empty()) {
        normalized_texts.push_back(normalizer.run(token.text));
        normalized.push_back(token);
      } else {
        raw_texts.push_back(token.text);
        raw.push_back(token);
      }
    }
    raw_tokens = AddedTokenMatcher(std::move(raw), raw_texts);
    normalized_tokens = AddedTokenMatcher(std::move(normalized), normalized_texts);
  }

  std::unique_ptr<EncodeScratch> take_scratch() {
    std::unique_ptr<EncodeScratch> scratch;
    {
      const std::lock_guard lock(mutex);
      if (!free_scratch.empty()) {
        scratch = std::move(free_scratch.back());
        free_scratch.pop_back();
      }
    }
    if (scratch == nullptr) scratch = std::make_unique<EncodeScratch>();
    scratch->use_words = use_words.load(std::memory_order_relaxed);
    return scratch;
  }
  void give_back(std::unique_ptr<EncodeScratch> scratch) {
    const std::lock_guard lock(mutex);
    if (free_scratch.size() < kMaxFreeScratch) free_scratch.push_back(std::move(scratch));
  }

  void encode(std::string_view text, EncodeOptions options, std::vector<TokenId>& out) {
    auto scratch = take_scratch();
    if (options.add_special) out.insert(out.end(), data.prefix_ids.begin(), data.prefix_ids.end());
    std::vector<AddedTokenMatcher::Part> parts;
    raw_tokens.split(text, options.parse_special, parts);
    bool is_first = true;
    bool after_token = true;
    for (const auto& part : parts) {
      if (part.is_token) {
        out.push_back(part.id);
        after_token = true;
      } else {
        const bool starts_text = is_first || (data.prefix_each_stretch && after_token);
        if (options.cut.empty() || part.text.find(options.cut) == std::string_view::npos) {
          encode_part(part.text, options, is_first, starts_text, *scratch, out);
        } else {
          EncodeOptions plain = options;
          plain.parse_special = false;  // nor are those found that are looked for in normalised text
          encode_part(replace_all(std::string(part.text), options.cut, ""), plain, is_first, starts_text,
                      *scratch, out);
        }
        after_token = false;
      }
      is_first = false;
    }
    if (options.add_special) out.insert(out.end(), data.suffix_ids.begin(), data.suffix_ids.end());
    give_back(std::move(scratch));
  }

  /// Text without raw tokens: normalised, then searched for the tokens that are looked for there.
  void encode_part(std::string_view text, EncodeOptions options, bool is_first, bool starts_text,
                   EncodeScratch& scratch, std::vector<TokenId>& out) const {
    if (normalizer.is_empty()) {
      encode_normalized(text, is_first, scratch, out);
      return;
    }
    const std::string normalized = normalizer.run(text, starts_text);
    if (normalized_tokens.is_empty()) {
      encode_normalized(normalized, is_first, scratch, out);
      return;
    }
    std::vector<AddedTokenMatcher::Part> parts;
    normalized_tokens.split(normalized, options.parse_special, parts);
    for (const auto& part : parts) {
      if (part.is_token) {
        out.push_back(part.id);
      } else {
        encode_normalized(part.text, is_first, scratch, out);
      }
      is_first = false;
    }
  }

  void encode_normalized(std::string_view text, bool is_first, EncodeScratch& scratch,
                         std::vector<TokenId>& out) const {
    // Pre-tokenizing a few pages at a time keeps the stretches in the cache; a cut is safe only where no
    // pattern looks across it, so that everything is one block here.
    scratch.text.reset(text);
    pre_tokenizer.run(scratch.text, is_first);
    for (const Stretch stretch : scratch.text.stretches) {
      model->encode(scratch.text.text.substr(stretch.begin, stretch.end - stretch.begin), scratch, out);
    }
  }

  /// Appends what `id` adds to a text; `is_first` becomes false once something was added.
  void append_text(TokenId id, bool skip_special, bool& is_first, std::string& out) const {
    if (id >= data.pieces.size()) {
      throw InvalidArgument(cat("decode: token id ", id, ", the vocabulary has ", data.pieces.size()));
    }
    if (skip_special && is_special[id]) return;
    std::string_view bytes = piece_bytes[id];
    if (is_first && bytes.starts_with(' ')) {
      const bool is_unknown_text = data.special.unk == id && !data.decoder.unknown_text.empty();
      const bool strips = !is_unknown_text &&
                          (data.decoder.kind == DecoderKind::wordpiece || data.decoder.strip_leading_space);
      if (strips) bytes.remove_prefix(1);
    }
    out += bytes;
    is_first = bytes.empty() && is_first && data.decoder.strip_all_leading;
  }

  static constexpr std::size_t kMaxFreeScratch = 64;

  TokenizerData data;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::vector<std::string> model_pieces;  // while the model is made
  std::vector<std::string> piece_bytes;
  std::vector<bool> is_special;
  std::vector<bool> is_added;
  PieceTable by_text;
  AddedTokenMatcher raw_tokens;
  AddedTokenMatcher normalized_tokens;
  std::unique_ptr<TokenizerModel> model;
  std::atomic<bool> use_words = true;

  std::mutex mutex;  // guards free_scratch
  std::vector<std::unique_ptr<EncodeScratch>> free_scratch;
};

Tokenizer::Tokenizer(TokenizerData data) {
  check_tokenizer_data(data, "tokenizer");
  impl_ = std::make_unique<Impl>(std::move(data));
}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::open(const std::filesystem::path& path) {
  return Tokenizer(read_tokenizer(path));
}

const TokenizerData& Tokenizer::data() const noexcept {
  return impl_->data;
}

void Tokenizer::encode_to(std::string_view text, EncodeOptions options, std::vector<TokenId>& out) const {
  impl_->encode(text, options, out);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<TokenId> ids;
  impl_->encode(text, options, ids);
  return ids;
}

std::size_t Tokenizer::count_tokens(std::string_view text, EncodeOptions options) const {
  return encode(text, options).size();
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  std::string out;
  bool is_first = !options.continues;
  for (const TokenId id : ids) impl_->append_text(id, options.skip_special, is_first, out);
  if (data().decoder.kind == DecoderKind::word_suffix && out.ends_with(' ')) out.pop_back();
  return out;
}

std::string_view Tokenizer::piece(TokenId id) const {
  if (id >= vocab_size()) {
    throw InvalidArgument(cat("tokenizer: token id ", id, ", the vocabulary has ", vocab_size()));
  }
  return data().pieces[id];
}

const std::string& Tokenizer::piece_bytes(TokenId id) const {
  piece(id);
  return impl_->piece_bytes[id];
}

std::optional<TokenId> Tokenizer::find(std::string_view piece) const noexcept {
  const std::uint32_t id = impl_->by_text.find(piece);
  return id == PieceTable::kNone ? std::nullopt : std::optional<TokenId>(id);
}

bool Tokenizer::is_special(TokenId id) const {
  piece(id);
  return impl_->is_special[id];
}

void Tokenizer::set_word_cache(bool is_on) noexcept {
  impl_->use_words.store(is_on, std::memory_order_relaxed);
}

TextStream::TextStream(const Tokenizer& tokenizer, DecodeOptions options)
    : tokenizer_(&tokenizer), options_(options), is_first_(!options.continues) {}

std::string TextStream::push(TokenId id) {
  tokenizer_->impl_->append_text(id, options_.skip_special, is_first_, held_);
  // Hold back the start of a character that later bytes may complete; a byte that can never be part of one
  // goes out.
  std::size_t keep_from = held_.size();
  for (std::size_t back = 1; back <= 3 && back <= held_.size(); ++back) {
    const auto c = static_cast<unsigned char>(held_[held_.size() - back]);
    if ((c & 0xC0) == 0x80) continue;
    const std::size_t length = c >= 0xF0 && c <= 0xF4   ? 4
                               : (c & 0xF0) == 0xE0     ? 3
                               : c >= 0xC2 && c <= 0xDF ? 2
                                                        : 1;
    if (length > back) keep_from = held_.size() - back;
    break;
  }
  if (tokenizer_->data().decoder.kind == DecoderKind::word_suffix && keep_from == held_.size() &&
      held_.ends_with(' ')) {
    --keep_from;  // the last word's blank is not text
  }
  std::string out = held_.substr(0, keep_from);
  held_.erase(0, keep_from);
  return out;
}

std::string TextStream::finish() {
  if (tokenizer_->data().decoder.kind == DecoderKind::word_suffix && held_ == " ") held_.clear();
  is_first_ = !options_.continues;
  return std::exchange(held_, {});
}

}  // namespace quintet
