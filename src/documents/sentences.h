#pragma once

#include <string_view>
#include <vector>

#include "documents/document.h"

namespace quintet {

/// The sentences of `text` in order, without the white space around them; they do not overlap and hold every
/// character that is no white space. `text` is UTF-8 of at most 4 GiB.
///
/// By the rules of Unicode's UAX #29 (terminators, then closing quotes and brackets, then a blank), with what
/// it leaves to the application: abbreviations, initials, acronyms, decimals, section numbers and enumerators
/// do not end a sentence, a reference mark glued to the full stop ("so.[4]") belongs to the sentence before
/// it, and Chinese and Japanese full stops need no blank. A line break ends a sentence: a page's text has one
/// only between the rows of a table, lines of code, and blocks. Cost is linear.
std::vector<TextRange> split_sentences(std::string_view text);

}  // namespace quintet
