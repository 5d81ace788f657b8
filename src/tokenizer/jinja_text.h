#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quintet::jinja {

/// Python's string functions on valid UTF-8. Positions and lengths count code points.

bool is_space(char32_t code_point) noexcept;  // str.isspace
bool is_alpha(char32_t code_point) noexcept;
bool is_digit(char32_t code_point) noexcept;
bool is_ascii(std::string_view text) noexcept;

std::size_t length(std::string_view text) noexcept;
/// Byte offset of code point `index`, at most text.size().
std::size_t byte_offset(std::string_view text, std::size_t index) noexcept;
/// Code points one by one, as views into `text`.
std::vector<std::string_view> characters(std::string_view text);

/// Without white space, or the code points in `chars`, at the chosen ends.
std::string_view strip(std::string_view text, std::optional<std::string_view> chars, bool left,
                       bool right) noexcept;
/// str.split(None) and str.split(separator); `max_splits` < 0 is no bound.
std::vector<std::string_view> split_space(std::string_view text, std::int64_t max_splits);
std::vector<std::string_view> split_on(std::string_view text, std::string_view separator,
                                       std::int64_t max_splits);
std::vector<std::string_view> rsplit_on(std::string_view text, std::string_view separator,
                                        std::int64_t max_splits);
std::vector<std::string_view> split_lines_python(std::string_view text, bool keep_ends);
/// `count` < 0 is all. An empty `from` matches between all code points.
std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t count);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);  // first letter large, the others small
std::string title(std::string_view text);       // str.title: after anything but a letter
std::string swapcase(std::string_view text);

/// repr(float): "1.0", "1e+16", "0.1", "inf".
void append_float(std::string& out, double number);
/// repr(str): in quotes, what is not printable escaped.
void append_string_repr(std::string& out, std::string_view text);
/// json.dumps(str).
void append_json_string(std::string& out, std::string_view text, bool ascii);
std::string escape_html(std::string_view text);
std::string percent_quote(std::string_view text);  // urllib.parse.quote(safe="/")

/// int(text) and float(text), or nothing.
std::optional<std::int64_t> parse_python_int(std::string_view text, int base = 10);
std::optional<double> parse_python_float(std::string_view text);

}  // namespace quintet::jinja
