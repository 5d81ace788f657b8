#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace quintet {

namespace detail {
void append_number(std::string& out, long long value);
void append_number(std::string& out, unsigned long long value);
void append_number(std::string& out, double value);

template <typename T>
void append_piece(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, char>) {
    out += value;
  } else if constexpr (std::is_floating_point_v<T>) {
    append_number(out, static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    append_number(out, static_cast<long long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    append_number(out, static_cast<unsigned long long>(value));
  } else {
    out += std::string_view(value);
  }
}
}  // namespace detail

/// Joins strings and numbers into one string; how every error message is built.
template <typename... Ts>
std::string cat(const Ts&... pieces) {
  std::string out;
  (detail::append_piece(out, pieces), ...);
  return out;
}

/// ASCII white space removed from both ends.
std::string_view trim(std::string_view text) noexcept;

/// Parts of `text` between `separator`s; "a,,b" gives three parts, "" gives one.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Lines without their ends; "\n", "\r\n" and "\r" all end a line. A last empty line is not reported.
std::vector<std::string_view> split_lines(std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

/// ASCII only: locale-free and safe on UTF-8.
std::string ascii_lower(std::string_view text);
bool iequals_ascii(std::string_view a, std::string_view b) noexcept;
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept;

/// The whole of `text` as a number, or nothing.
std::optional<std::int64_t> parse_int(std::string_view text) noexcept;
std::optional<double> parse_double(std::string_view text) noexcept;

// ---- UTF-8
// --------------------------------------------------------------------------------------------------------

/// Byte offset of the first ill-formed UTF-8 sequence (overlong forms and surrogates included), or nothing.
std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

/// `text` with each ill-formed byte replaced by U+FFFD. NUL bytes stay.
std::string sanitize_utf8(std::string_view text);

/// The longest prefix of at most `max_bytes` that does not cut a character; `text` must be valid UTF-8.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes) noexcept;

/// `text` as a name for URLs and files: [a-z0-9-], at most 64 bytes, no '-' at either end; accents are
/// dropped. Empty when nothing is left ("???", "文書").
std::string slug(std::string_view text);
/// What slug() gives, and not empty.
bool is_slug(std::string_view text) noexcept;

/// Code points in valid UTF-8.
std::size_t count_code_points(std::string_view text) noexcept;

/// Appends `code_point` as UTF-8.
void append_utf8(std::string& out, char32_t code_point);

/// Decodes the character at `pos` and moves past it. Ill-formed bytes decode as U+FFFD, one at a time.
char32_t next_code_point(std::string_view text, std::size_t& pos) noexcept;

/// For searching, never for display: NFKC, case folded, accents (combining marks) removed, so that "Café",
/// "CAFÉ" and "cafe" are equal (Unicode UAX #15 and UTS #30 style folding through utf8proc). Ill-formed bytes
/// become spaces.
std::string fold_for_search(std::string_view text);

/// A letter or a digit in any script.
bool is_word_code_point(char32_t code_point) noexcept;

/// A script written without spaces between words (Han, Kana, Thai, Lao, Khmer, Myanmar).
bool is_unspaced_script(char32_t code_point) noexcept;

// ---- Encodings
// ----------------------------------------------------------------------------------------------------

std::string hex_encode(std::string_view bytes);
std::string base64_encode(std::string_view bytes);
/// Standard or URL-safe alphabet, padding optional. Nothing when malformed.
std::optional<std::string> base64_decode(std::string_view text);
/// Percent-decoding; `plus_is_space` for query strings. Nothing when malformed.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
std::string percent_encode(std::string_view text);

}  // namespace quintet
