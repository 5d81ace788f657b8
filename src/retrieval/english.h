#pragma once

#include <string>
#include <string_view>

namespace quintet::retrieval {

/// Knowledge of general English that costs no model: word endings, irregular verbs, little words and everyday
/// synonyms. It knows no domain. Words of other languages pass through unchanged.

/// The word without its inflection: "withdrawals" and "withdrawal" agree, so do "took" and "taken". Light on
/// purpose (compare M. F. Porter, "An algorithm for suffix stripping", 1980): the exact word is always a
/// feature as well.
///   word  folded by fold_for_search
std::string english_stem(std::string_view word);

/// "take" for "took" and "taken": the base form of an irregular verb or plural, or the word itself.
///   word  folded by fold_for_search
std::string_view english_base_form(std::string_view word);

/// One name for each group of everyday synonyms ("buy", "purchase", "order"), or the stem itself.
std::string_view english_sense(std::string_view word, std::string_view stem);

/// Articles, pronouns, auxiliaries, question words and courtesies: they carry form, not topic.
bool is_english_function_word(std::string_view word);

/// What a contraction stands for ("can't" and "cant" are "can not"), or nothing.
std::string_view expand_english_contraction(std::string_view word);

}  // namespace quintet::retrieval
