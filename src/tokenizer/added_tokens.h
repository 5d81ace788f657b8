#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "tokenizer/byte_trie.h"

namespace quintet {

/// Finds added tokens in a text: leftmost first, the longest of those that start at one place. Immutable; may
/// be used concurrently.
class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;
  /// `texts` are what to look for, one for each token (the normalised form of tokens that are looked for
  /// there).
  AddedTokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& texts);

  struct Part {
    std::string_view text;  // of a part without token
    bool is_token = false;
    TokenId id = 0;
  };
  /// Appends the parts of `text` in order; empty ones are left out.
  void split(std::string_view text, bool with_special, std::vector<Part>& out) const;
  bool is_empty() const noexcept { return tokens_.empty(); }

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie all_;
  ByteTrie without_special_;
};

}  // namespace quintet
