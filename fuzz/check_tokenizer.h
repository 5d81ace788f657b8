#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/tokenizer.h"

/// What must hold for every tokenizer that was made, whatever the file said, and for every text.
inline void check_tokenizer(const quintet::Tokenizer& tokenizer, std::string_view text) {
  using namespace quintet;
  const auto require = [](bool claim) {
    if (!claim) std::abort();
  };
  for (const bool parse_special : {false, true}) {
    std::vector<TokenId> ids;
    try {
      ids = tokenizer.encode(text, {.add_special = parse_special, .parse_special = parse_special});
    } catch (const Exhausted&) {
      return;  // a pattern that needs too many steps
    }
    for (const TokenId id : ids) require(id < tokenizer.vocab_size());
    const std::string whole = tokenizer.decode(ids);
    TextStream decoder(tokenizer);
    std::string streamed;
    for (const TokenId id : ids) {
      const std::string part = decoder.push(id);
      streamed += part;
    }
    streamed += decoder.finish();
    require(streamed == whole);
  }
}
