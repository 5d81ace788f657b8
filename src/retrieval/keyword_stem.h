#pragma once

#include <string>
#include <string_view>

namespace quintet::retrieval {

/// M. F. Porter, "An algorithm for suffix stripping", Program 14 (1980): takes more off than english_stem
/// ("general", "generality" and "generalise" agree), which finds more and confuses more. Right for the index
/// of long texts, where the original words are compared afterwards; wrong for telling short questions apart.
///   word  folded; whatever has a letter outside a-z comes back as it is
std::string porter_stem(std::string_view word);

}  // namespace quintet::retrieval
