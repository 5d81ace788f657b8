#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"

namespace quintet {

struct EncodeOptions {
  /// Puts the tokens before and after the text that the model was trained with (<s>, [CLS] … [SEP]).
  bool add_special = true;
  /// Finds special tokens written in the text ("<|im_end|>"). Off for text from users: it then is plain text.
  bool parse_special = false;
  /// Taken out of the text after special tokens were looked for: standing inside what looks like one, it
  /// makes it plain text. Empty = nothing.
  std::string_view cut{};
};

struct DecodeOptions {
  /// Leaves special tokens out of the text.
  bool skip_special = false;
  /// The ids go on after other text: a blank before the first word is part of it.
  bool continues = false;
};

/// Text to ids and back, exactly as the tokenizer that the file was written for. Immutable: const methods may
/// run concurrently. Text may hold any bytes, NUL and ill-formed UTF-8 included.
class Tokenizer {
 public:
  /// Throws CorruptData or Unsupported when `data` describes no tokenizer.
  explicit Tokenizer(TokenizerData data);
  /// Reads whatever `path` is, a file or a model's folder: see formats/tokenizer_files.h.
  static Tokenizer open(const std::filesystem::path& path);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;
  /// As encode, but behind what is in `out` already.
  void encode_to(std::string_view text, EncodeOptions options, std::vector<TokenId>& out) const;
  std::size_t count_tokens(std::string_view text, EncodeOptions options = {}) const;

  /// The text that `ids` stand for, as bytes: pieces may hold half a character each. Throws InvalidArgument
  /// naming an id that is out of range.
  std::string decode(std::span<const TokenId> ids, DecodeOptions options = {}) const;

  std::size_t vocab_size() const noexcept { return data().pieces.size(); }
  /// The piece as written in the file ("Ġthe", "▁the", "##ing"); throws InvalidArgument when `id` is out of
  /// range.
  std::string_view piece(TokenId id) const;
  /// The bytes that the piece adds to a text in which it is not the first ("the" with its blank, "\n" for
  /// "<0x0A>").
  const std::string& piece_bytes(TokenId id) const;
  /// The id of a piece or an added token, as written in the file.
  std::optional<TokenId> find(std::string_view piece) const noexcept;
  /// A token that is never text: <s>, <|im_end|>, [SEP].
  bool is_special(TokenId id) const;
  const SpecialIds& special_ids() const noexcept { return data().special; }
  const TokenizerData& data() const noexcept;

  /// For measuring: encode without and with the memory of words met before. On by default; never changes a
  /// result.
  void set_word_cache(bool is_on) noexcept;

 private:
  friend class TextStream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Ids to text as they come, in whole characters: bytes of a character are held back until it is complete.
/// What `push` and `finish` returned together is what Tokenizer::decode gives. Refers to the tokenizer. One
/// thread at a time.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer, DecodeOptions options = {});

  /// The text that `id` completes, often "". Throws InvalidArgument when `id` is out of range.
  std::string push(TokenId id);
  /// The rest: bytes that never became a character.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  DecodeOptions options_;
  std::string held_;
  bool is_first_;
};

}  // namespace quintet
