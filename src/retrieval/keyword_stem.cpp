#include "retrieval/keyword_stem.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace quintet::retrieval {

namespace {

bool is_consonant(std::string_view word, std::size_t i) {
  switch (word[i]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u': return false;
    case 'y': return i == 0 || !is_consonant(word, i - 1);
    default: return true;
  }
}

/// m in the paper: how often a vowel is followed by a consonant.
std::size_t measure(std::string_view stem) {
  std::size_t m = 0;
  for (std::size_t i = 1; i < stem.size(); ++i)
    if (is_consonant(stem, i) && !is_consonant(stem, i - 1)) ++m;
  return m;
}

bool has_vowel(std::string_view stem) {
  for (std::size_t i = 0; i < stem.size(); ++i)
    if (!is_consonant(stem, i)) return true;
  return false;
}

bool ends_doubled(std::string_view word) {
  const std::size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && is_consonant(word, n - 1);
}

/// *o in the paper: consonant, vowel, consonant other than w, x and y.
bool ends_cvc(std::string_view word) {
  const std::size_t n = word.size();
  return n >= 3 && is_consonant(word, n - 1) && !is_consonant(word, n - 2) && is_consonant(word, n - 3) &&
         word[n - 1] != 'w' && word[n - 1] != 'x' && word[n - 1] != 'y';
}

struct Rule {
  std::string_view ending;
  std::string_view replacement;
};

/// The first rule whose ending fits decides; it acts when the rest has m > `above`.
void apply_longest(std::string& word, std::span<const Rule> rules, std::size_t above) {
  for (const Rule& rule : rules) {
    if (!word.ends_with(rule.ending)) continue;
    const std::size_t rest = word.size() - rule.ending.size();
    if (measure(std::string_view(word).substr(0, rest)) > above) {
      word.resize(rest);
      word += rule.replacement;
    }
    return;
  }
}

// Longer endings stand before those they end in.
constexpr std::array<Rule, 21> kStep2 = {
    {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
     {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
     {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
     {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
     {"logi", "log"}}};
constexpr std::array<Rule, 7> kStep3 = {{{"icate", "ic"},
                                         {"ative", ""},
                                         {"alize", "al"},
                                         {"iciti", "ic"},
                                         {"ical", "ic"},
                                         {"ful", ""},
                                         {"ness", ""}}};
constexpr std::array<Rule, 18> kStep4 = {{{"ement", ""},
                                          {"ance", ""},
                                          {"ence", ""},
                                          {"able", ""},
                                          {"ible", ""},
                                          {"ment", ""},
                                          {"ant", ""},
                                          {"ent", ""},
                                          {"ism", ""},
                                          {"ate", ""},
                                          {"iti", ""},
                                          {"ous", ""},
                                          {"ive", ""},
                                          {"ize", ""},
                                          {"al", ""},
                                          {"er", ""},
                                          {"ic", ""},
                                          {"ou", ""}}};

void step1(std::string& word) {
  if (word.ends_with("sses") || word.ends_with("ies")) {
    word.resize(word.size() - 2);
  } else if (word.ends_with("s") && !word.ends_with("ss")) {
    word.pop_back();
  }
  if (word.ends_with("eed")) {
    if (measure(std::string_view(word).substr(0, word.size() - 3)) > 0) word.pop_back();
  } else {
    const std::size_t n_cut = word.ends_with("ing") ? 3 : (word.ends_with("ed") ? 2 : 0);
    if (n_cut > 0 && has_vowel(std::string_view(word).substr(0, word.size() - n_cut))) {
      word.resize(word.size() - n_cut);
      if (word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz")) {
        word += 'e';
      } else if (ends_doubled(word) && word.back() != 'l' && word.back() != 's' && word.back() != 'z') {
        word.pop_back();
      } else if (measure(word) == 1 && ends_cvc(word)) {
        word += 'e';
      }
    }
  }
  if (word.ends_with("y") && has_vowel(std::string_view(word).substr(0, word.size() - 1))) word.back() = 'i';
}

void step4(std::string& word) {
  if (word.ends_with("ion")) {
    const std::string_view rest = std::string_view(word).substr(0, word.size() - 3);
    if ((rest.ends_with("s") || rest.ends_with("t")) && measure(rest) > 1) word.resize(rest.size());
    return;
  }
  apply_longest(word, kStep4, 1);
}

void step5(std::string& word) {
  if (word.ends_with("e")) {
    const std::string_view rest = std::string_view(word).substr(0, word.size() - 1);
    const std::size_t m = measure(rest);
    if (m > 1 || (m == 1 && !ends_cvc(rest))) word.pop_back();
  }
  if (word.ends_with("ll") && measure(word) > 1) word.pop_back();
}

}  // namespace

std::string porter_stem(std::string_view word) {
  std::string out(word);
  if (out.size() <= 2 || !std::all_of(out.begin(), out.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return out;
  step1(out);
  apply_longest(out, kStep2, 0);
  apply_longest(out, kStep3, 0);
  step4(out);
  step5(out);
  return out;
}

}  // namespace quintet::retrieval
