#include "tokenizer/jinja_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <utf8proc.h>

#include "core/text.h"

namespace quintet::jinja {
namespace {

utf8proc_category_t category(char32_t code_point) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

bool is_cased(char32_t code_point) noexcept {
  const auto kind = category(code_point);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT;
}

void append_upper(std::string& out, char32_t code_point) {
  if (code_point == U'ß') {
    out += "SS";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code_point))));
  }
}

void append_title(std::string& out, char32_t code_point) {
  if (code_point == U'ß') {
    out += "Ss";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code_point))));
  }
}

/// A capital sigma at the end of a word becomes the final form (Unicode SpecialCasing, Final_Sigma).
/// `start` and `end` are the bytes of `code_point` in `text`.
void append_lower(std::string& out, std::string_view text, std::size_t start, std::size_t end,
                  char32_t code_point) {
  if (code_point != U'Σ') {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point))));
    return;
  }
  bool letter_before = false;
  if (start > 0) {
    auto before = start - 1;
    while (before > 0 && (text[before] & 0xC0) == 0x80) --before;
    letter_before = is_cased(next_code_point(text, before));
  }
  const bool letter_after = end < text.size() && is_cased(next_code_point(text, end));
  append_utf8(out, letter_before && !letter_after ? U'ς' : U'σ');
}

bool is_printable(char32_t code_point) noexcept {
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return code_point == U' ';
    default: return true;
  }
}

void append_hex(std::string& out, std::uint32_t number, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = digits - 1; i >= 0; --i) out += kDigits[(number >> (4 * i)) & 15];
}

bool is_line_end(char32_t c) noexcept {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/// Digits with single underscores between them, as Python allows, removed.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
      continue;
    }
    const auto is_digit_at = [&](std::size_t at) {
      return std::isalnum(static_cast<unsigned char>(text[at]));
    };
    if (i == 0 || i + 1 == text.size() || !is_digit_at(i - 1) || !is_digit_at(i + 1)) return std::nullopt;
  }
  return digits;
}

}  // namespace

bool is_space(char32_t c) noexcept {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_alpha(char32_t code_point) noexcept {
  const auto kind = category(code_point);
  return is_cased(code_point) || kind == UTF8PROC_CATEGORY_LM || kind == UTF8PROC_CATEGORY_LO;
}

bool is_digit(char32_t code_point) noexcept {
  return category(code_point) == UTF8PROC_CATEGORY_ND;
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t length(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::size_t byte_offset(std::string_view text, std::size_t index) noexcept {
  std::size_t pos = 0;
  for (; index > 0 && pos < text.size(); --index) {
    ++pos;
    while (pos < text.size() && (text[pos] & 0xC0) == 0x80) ++pos;
  }
  return pos;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos++;
    while (pos < text.size() && (text[pos] & 0xC0) == 0x80) ++pos;
    parts.push_back(text.substr(start, pos - start));
  }
  return parts;
}

std::string_view strip(std::string_view text, std::optional<std::string_view> chars, bool left,
                       bool right) noexcept {
  const auto goes = [&](char32_t c) {
    if (!chars) return is_space(c);
    for (std::size_t pos = 0; pos < chars->size();)
      if (next_code_point(*chars, pos) == c) return true;
    return false;
  };
  while (left && !text.empty()) {
    std::size_t pos = 0;
    if (!goes(next_code_point(text, pos))) break;
    text.remove_prefix(pos);
  }
  while (right && !text.empty()) {
    auto start = text.size() - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) --start;
    auto pos = start;
    if (!goes(next_code_point(text, pos))) break;
    text = text.substr(0, start);
  }
  return text;
}

std::vector<std::string_view> split_space(std::string_view text, std::int64_t max_splits) {
  std::vector<std::string_view> parts;
  text = strip(text, std::nullopt, true, false);
  while (!text.empty()) {
    if (max_splits >= 0 && static_cast<std::int64_t>(parts.size()) >= max_splits) {
      parts.push_back(text);
      break;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      auto next = end;
      if (is_space(next_code_point(text, next))) break;
      end = next;
    }
    parts.push_back(text.substr(0, end));
    text = strip(text.substr(end), std::nullopt, true, false);
  }
  return parts;
}

std::vector<std::string_view> split_on(std::string_view text, std::string_view separator,
                                       std::int64_t max_splits) {
  std::vector<std::string_view> parts;
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> rsplit_on(std::string_view text, std::string_view separator,
                                        std::int64_t max_splits) {
  std::vector<std::string_view> parts;
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const auto at = text.rfind(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  parts.push_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_lines_python(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto at = pos;
    const auto c = next_code_point(text, pos);
    if (!is_line_end(c)) continue;
    if (c == '\r' && pos < text.size() && text[pos] == '\n') ++pos;
    lines.push_back(text.substr(start, (keep_ends ? pos : at) - start));
    start = pos;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t count) {
  std::string out;
  if (from.empty()) {
    for (const auto part : characters(text)) {
      if (count != 0) {
        out += to;
        --count;
      }
      out += part;
    }
    if (count != 0) out += to;
    return out;
  }
  for (; count != 0; --count) {
    const auto at = text.find(from);
    if (at == std::string_view::npos) break;
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  out += text;
  return out;
}

std::string upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) append_upper(out, next_code_point(text, pos));
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    append_lower(out, text, start, pos, c);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    if (start == 0) {
      append_title(out, c);
    } else {
      append_lower(out, text, start, pos, c);
    }
  }
  return out;
}

std::string title(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    if (in_word) {
      append_lower(out, text, start, pos, c);
    } else {
      append_title(out, c);
    }
    in_word = is_cased(c);
  }
  return out;
}

std::string swapcase(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    if (category(c) == UTF8PROC_CATEGORY_LU) {
      append_lower(out, text, start, pos, c);
    } else {
      append_upper(out, c);
    }
  }
  return out;
}

void append_float(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "nan";
    return;
  }
  if (std::isinf(number)) {
    out += number < 0 ? "-inf" : "inf";
    return;
  }
  char buffer[32];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const auto mark = text.find('e');
  int exponent = 0;
  const auto* first = text.data() + mark + 1;
  std::from_chars(*first == '+' ? first + 1 : first, text.data() + text.size(), exponent);
  std::string digits(1, text.front());
  if (mark > 2) digits += text.substr(2, mark - 2);
  const auto n_digits = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits.front();
    if (n_digits > 1) {
      out += '.';
      out += std::string_view(digits).substr(1);
    }
    out += exponent < 0 ? "e-" : "e+";
    const auto size = std::abs(exponent);
    if (size < 10) out += '0';
    out += cat(size);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out += std::string_view(digits).substr(0, whole);
    out += '.';
    out += digits.size() > whole ? std::string_view(digits).substr(whole) : "0";
  }
}

void append_string_repr(std::string& out, std::string_view text) {
  const char quote =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    if (c == static_cast<char32_t>(quote) || c == U'\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == U'\n') {
      out += "\\n";
    } else if (c == U'\r') {
      out += "\\r";
    } else if (c == U'\t') {
      out += "\\t";
    } else if (c < 0x7F ? c >= 0x20 : is_printable(c)) {
      out += text.substr(start, pos - start);
    } else if (c < 0x100) {
      out += "\\x";
      append_hex(out, c, 2);
    } else if (c < 0x10000) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      out += "\\U";
      append_hex(out, c, 8);
    }
  }
  out += quote;
}

void append_json_string(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const auto c = next_code_point(text, pos);
    switch (c) {
      case U'"': out += "\\\""; continue;
      case U'\\': out += "\\\\"; continue;
      case U'\n': out += "\\n"; continue;
      case U'\r': out += "\\r"; continue;
      case U'\t': out += "\\t"; continue;
      case U'\b': out += "\\b"; continue;
      case U'\f': out += "\\f"; continue;
      default: break;
    }
    if (c >= 0x20 && (c < 0x7F || !ascii)) {
      out += text.substr(start, pos - start);
    } else if (c < 0x10000) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      const auto rest = static_cast<std::uint32_t>(c) - 0x10000;
      out += "\\u";
      append_hex(out, 0xD800 + (rest >> 10), 4);
      out += "\\u";
      append_hex(out, 0xDC00 + (rest & 0x3FF), 4);
    }
  }
  out += '"';
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string percent_quote(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("_.-~/").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += percent_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

std::optional<std::int64_t> parse_python_int(std::string_view text, int base) {
  text = strip(text, std::nullopt, true, true);
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.size() > 2 && text.front() == '0') {
    const auto letter = static_cast<char>(text[1] | 0x20);
    if ((base == 16 && letter == 'x') || (base == 8 && letter == 'o') || (base == 2 && letter == 'b'))
      text.remove_prefix(2);
  }
  auto digits = without_underscores(text);
  if (!digits || digits->empty() || digits->front() == '-' || digits->front() == '+') return std::nullopt;
  if (negative) digits->insert(0, 1, '-');
  std::int64_t number = 0;
  const auto* end = digits->data() + digits->size();
  const auto result = std::from_chars(digits->data(), end, number, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::optional<double> parse_python_float(std::string_view text) {
  text = strip(text, std::nullopt, true, true);
  auto digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  const char* first = digits->data();
  const auto* end = first + digits->size();
  if (*first == '+' && digits->size() > 1 && first[1] != '-') ++first;
  double number = 0;
  const auto result = std::from_chars(first, end, number);
  if (result.ptr != end) return std::nullopt;
  // Too large or too small for a double: strtod gives infinity or zero as Python does.
  if (result.ec == std::errc::result_out_of_range) return std::strtod(digits->c_str(), nullptr);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace quintet::jinja
