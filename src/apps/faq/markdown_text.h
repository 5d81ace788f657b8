#pragma once

#include <string>
#include <string_view>

namespace quintet::faq {

/// Begins the comment that export writes above each entry, so that it reads back unchanged.
inline constexpr std::string_view kEntryMarker = "<!-- quintet:entry ";

/// A heading's Markdown as the plain text a person sees: emphasis, code marks, links and escapes undone, and
/// the number of a section ("1.1. ", "Chapter 3. ", "Q: ") taken off.
std::string plain_heading(std::string_view markdown);

/// Takes "1.1. ", "3) ", "Chapter 3. ", "Q12: " off a title; `was_numbered` says whether digits were among
/// it.
std::string_view strip_number(std::string_view title, bool* was_numbered = nullptr);

/// Has a question mark of any script.
bool reads_as_question(std::string_view text) noexcept;

/// `text` without leading characters of `set`.
std::string_view trim_left(std::string_view text, std::string_view set) noexcept;

}  // namespace quintet::faq
