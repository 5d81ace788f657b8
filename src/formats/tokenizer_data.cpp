#include "formats/tokenizer_data.h"

#include <array>
#include <bit>
#include <cmath>
#include <functional>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

/// GPT-2's rule: printable Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up, in
/// order.
constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<std::int16_t, 0x144> byte{};
  constexpr Alphabet() {
    byte.fill(-1);
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
      character[b] = stands_for_itself(b) ? static_cast<char32_t>(b) : next++;
      byte[character[b]] = static_cast<std::int16_t>(b);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

std::optional<std::string> byte_alphabet_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    char32_t c = first;
    if (first >= 0x80) {
      // Two bytes suffice for the whole alphabet.
      if (i + 1 >= text.size() || first < 0xC2 || first > 0xC5) return std::nullopt;
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((second & 0xC0) != 0x80) return std::nullopt;
      c = static_cast<char32_t>((first & 0x1F) << 6 | (second & 0x3F));
      ++i;
    }
    ++i;
    if (c >= kAlphabet.byte.size() || kAlphabet.byte[c] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[c]);
  }
  return bytes;
}

std::string byte_alphabet_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) append_utf8(text, kAlphabet.character[static_cast<unsigned char>(byte)]);
  return text;
}

PieceIndex::PieceIndex(const std::vector<std::string>& pieces) : pieces_(pieces) {
  slots_.assign(std::bit_ceil(pieces.size() * 2 + 2), 0);
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty()) continue;
    std::size_t i = std::hash<std::string_view>{}(pieces[id]) & (slots_.size() - 1);
    while (slots_[i] != 0 && pieces[slots_[i] - 1] != pieces[id]) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i] == 0) slots_[i] = static_cast<std::uint32_t>(id + 1);
  }
}

std::optional<TokenId> PieceIndex::find(std::string_view piece) const noexcept {
  for (std::size_t i = std::hash<std::string_view>{}(piece) & (slots_.size() - 1);;
       i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i] == 0) return std::nullopt;
    if (pieces_[slots_[i] - 1] == piece) return slots_[i] - 1;
  }
}

BpeMerge make_merge(const PieceIndex& index, std::string_view left, std::string_view right, std::size_t rank,
                    std::string_view continuing_prefix) {
  const auto look_up = [&](std::string_view piece, std::string_view what) {
    const auto id = index.find(piece);
    if (!id) {
      throw CorruptData(cat("tokenizer: merge ", rank, " (\"", left, "\" + \"", right, "\"): ", what, " \"",
                            piece, "\" is not in the vocabulary"));
    }
    return *id;
  };
  BpeMerge merge;
  merge.left = look_up(left, "left part");
  merge.right = look_up(right, "right part");
  const std::string_view joined =
      right.starts_with(continuing_prefix) ? right.substr(continuing_prefix.size()) : right;
  merge.result = look_up(cat(left, joined), "result");
  merge.rank = static_cast<std::uint32_t>(rank);
  return merge;
}

void check_tokenizer_data(const TokenizerData& data, std::string_view source) {
  const auto fail = [source](const std::string& what) { throw CorruptData(cat(source, ": ", what)); };
  const std::size_t n = data.pieces.size();
  if (n == 0) fail("the vocabulary is empty");
  if (n > 0x7FFFFFF0) fail(cat("a vocabulary of ", n, " pieces"));
  if (data.types.size() != n) fail(cat(data.types.size(), " types for ", n, " pieces"));
  const bool needs_scores =
      data.kind == TokenizerKind::sentencepiece_bpe || data.kind == TokenizerKind::unigram;
  if (needs_scores && data.scores.size() != n) fail(cat(data.scores.size(), " scores for ", n, " pieces"));
  for (const double score : data.scores) {
    if (std::isnan(score)) fail("a score is not a number");
  }
  const auto check_id = [&](std::string_view what, TokenId id) {
    if (id >= n) fail(cat(what, " has id ", id, ", the vocabulary ", n, " pieces"));
  };
  for (const BpeMerge& merge : data.merges) {
    for (const TokenId id : {merge.left, merge.right, merge.result}) check_id("a merge", id);
  }
  for (const AddedToken& token : data.added_tokens)
    check_id(cat("the added token \"", token.text, "\""), token.id);
  for (const TokenId id : data.prefix_ids) check_id("a token before the text", id);
  for (const TokenId id : data.suffix_ids) check_id("a token after the text", id);
  const std::pair<std::string_view, std::optional<TokenId>> special[] = {
      {"bos", data.special.bos},   {"eos", data.special.eos}, {"unk", data.special.unk},
      {"sep", data.special.sep},   {"pad", data.special.pad}, {"cls", data.special.cls},
      {"mask", data.special.mask}, {"eot", data.special.eot}};
  for (const auto& [name, id] : special) {
    if (id) check_id(cat("the special token ", name), *id);
  }
  if ((data.kind == TokenizerKind::unigram || data.kind == TokenizerKind::wordpiece) && !data.special.unk) {
    fail("no unknown token");
  }
}

std::optional<std::uint8_t> byte_of_piece(std::string_view piece) noexcept {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : piece.substr(3, 2)) {
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                                  : 16U;
    if (digit == 16) return std::nullopt;
    value = value * 16 + digit;
  }
  return static_cast<std::uint8_t>(value);
}

}  // namespace quintet
