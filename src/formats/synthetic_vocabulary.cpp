#include "core/error.h"
#include "core/text.h"
#include "formats/synthesize.h"

namespace quintet {

namespace {

constexpr std::string_view kLetters = "etaoinshrdlucmfwypvbgkjqxz";  // frequent ones first, as merges are
constexpr std::string_view kSpecial[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};

/// The character that stands for a byte in a byte-level vocabulary: itself when it is printable Latin-1, else
/// one from U+0100 on, counted through the bytes that aren't.
std::vector<std::string> byte_characters() {
  std::vector<std::string> characters(256);
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(characters[static_cast<std::size_t>(byte)],
                is_printable ? static_cast<char32_t>(byte) : next++);
  }
  return characters;
}

}  // namespace

SyntheticBpe synthetic_bpe(std::size_t size) {
  if (size < 256 + std::size(kSpecial) + 1)
    throw InvalidArgument(cat("a byte-level vocabulary of ", size, " tokens is too small"));
  const std::size_t n_normal = size - std::size(kSpecial);
  SyntheticBpe result;
  result.tokens = byte_characters();
  const std::string space = result.tokens[' '];
  const auto merge = [&](const std::string& left, const std::string& right) {
    if (result.tokens.size() == n_normal) return;
    result.merges.push_back(cat(left, " ", right));
    result.tokens.push_back(left + right);
  };
  // Words of one letter more in each round, at the start of a word and within.
  std::vector<std::string> within;
  std::vector<std::string> starts;
  for (const char letter : kLetters) {
    within.emplace_back(1, letter);
    starts.push_back(cat(space, letter));
    merge(space, std::string(1, letter));
  }
  while (result.tokens.size() < n_normal && within.size() < 100'000) {
    std::vector<std::string> longer_starts;
    std::vector<std::string> longer_within;
    for (const char letter : kLetters) {
      const std::string end(1, letter);
      for (std::size_t i = 0; i < within.size(); ++i) {
        merge(starts[i], end);
        longer_starts.push_back(starts[i] + end);
        merge(within[i], end);
        longer_within.push_back(within[i] + end);
      }
    }
    starts = std::move(longer_starts);
    within = std::move(longer_within);
  }
  if (result.tokens.size() < n_normal)
    throw InvalidArgument(cat("a synthetic vocabulary of ", size, " tokens is too large"));
  result.types.assign(n_normal, 1);
  for (const std::string_view special : kSpecial) {
    result.tokens.emplace_back(special);
    result.types.push_back(3);
  }
  result.end_of_text = static_cast<std::uint32_t>(n_normal);
  result.end_of_turn = static_cast<std::uint32_t>(n_normal + 2);
  return result;
}

}  // namespace quintet
