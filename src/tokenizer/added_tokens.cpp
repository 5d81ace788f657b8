#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

bool is_space(char32_t c) {
  return (UnicodeClasses::get().of(c) & unicode_class::kWhiteSpace) != 0;
}

/// Where the character before `end` starts.
std::size_t previous_character(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

char32_t character_at(std::string_view text, std::size_t at) {
  return decode_character(text.data() + at, text.data() + text.size()).code_point;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& texts)
    : tokens_(std::move(tokens)) {
  std::vector<std::pair<std::string_view, std::uint32_t>> all;
  std::vector<std::pair<std::string_view, std::uint32_t>> without_special;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    all.emplace_back(texts[i], static_cast<std::uint32_t>(i));
    if (!tokens_[i].is_special) without_special.push_back(all.back());
  }
  all_ = ByteTrie(std::move(all));
  without_special_ = ByteTrie(std::move(without_special));
}

void AddedTokenMatcher::split(std::string_view text, bool with_special, std::vector<Part>& out) const {
  const ByteTrie& trie = with_special ? all_ : without_special_;
  std::size_t open = 0;
  if (!trie.is_empty()) {
    for (std::size_t i = 0; i < text.size();) {
      if (!trie.may_start_with(text[i])) {
        ++i;
        continue;
      }
      const auto found = trie.longest_prefix(text.substr(i));
      if (found.length == 0) {
        ++i;
        continue;
      }
      const AddedToken& token = tokens_[found.value];
      std::size_t begin = i;
      std::size_t end = i + found.length;
      i = end;
      if (token.is_single_word) {
        const bool joins_left =
            begin > 0 && is_word_character(character_at(text, previous_character(text, begin)));
        const bool joins_right = end < text.size() && is_word_character(character_at(text, end));
        if (joins_left || joins_right) continue;
      }
      if (token.lstrip) {
        while (begin > open) {
          const std::size_t at = previous_character(text, begin);
          if (!is_space(character_at(text, at))) break;
          begin = std::max(at, open);
        }
      }
      if (token.rstrip) {
        while (end < text.size() && is_space(character_at(text, end))) {
          end += decode_character(text.data() + end, text.data() + text.size()).length;
        }
      }
      if (open < begin) out.push_back({text.substr(open, begin - open), false, 0});
      out.push_back({{}, true, token.id});
      open = end;
      i = std::max(i, open);
    }
  }
  if (open < text.size()) out.push_back({text.substr(open), false, 0});
}

}  // namespace quintet
