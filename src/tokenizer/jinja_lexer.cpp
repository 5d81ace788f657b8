#include "tokenizer/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/text.h"
#include "tokenizer/jinja_program.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

constexpr std::array<std::string_view, 26> kOperators = {  // longest first
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_decimal(char c) noexcept {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(Program& program) : program_(program), source_(program.source) {}

  std::vector<Token> run() {
    while (pos_ < source_.size()) outside();
    add(TokenType::end, {}, source_.size());
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::size_t offset, std::string_view message) const {
    fail_at(program_, offset, message);
  }

  bool at(std::string_view text) const { return source_.substr(pos_).starts_with(text); }

  void add(TokenType type, std::string_view text, std::size_t offset) {
    tokens_.push_back({type, text, offset});
  }

  void add_data(std::string_view text, std::size_t offset) {
    if (!text.empty()) add(TokenType::data, text, offset);
  }

  /// Text up to the next tag, then the tag.
  void outside() {
    auto begin = pos_;
    while (true) {
      begin = source_.find('{', begin);
      if (begin == std::string_view::npos || begin + 1 >= source_.size()) {
        add_data(source_.substr(pos_), pos_);
        pos_ = source_.size();
        return;
      }
      const char next = source_[begin + 1];
      if (next == '%' || next == '{' || next == '#') break;
      ++begin;
    }
    const char kind = source_[begin + 1];
    const char sign = begin + 2 < source_.size() ? source_[begin + 2] : '\0';
    auto text = source_.substr(pos_, begin - pos_);
    if (sign == '-') {
      text = strip(text, std::nullopt, false, true);
    } else if (kind != '{' && sign != '+') {
      text = without_indent(text);
    }
    add_data(text, pos_);
    pos_ = begin + 2;
    if (sign == '-' || sign == '+') ++pos_;
    if (kind == '#') {
      comment(begin);
    } else if (kind == '{') {
      add(TokenType::variable_begin, "{{", begin);
      inside(false, begin);
    } else if (skip_word("raw")) {
      raw(begin);
    } else {
      add(TokenType::block_begin, "{%", begin);
      inside(true, begin);
    }
  }

  /// lstrip_blocks: a tag that is first on its line loses what indents it.
  std::string_view without_indent(std::string_view text) const {
    const auto line = text.rfind('\n');
    if (line == std::string_view::npos && pos_ > 0 && source_[pos_ - 1] != '\n') return text;
    const auto kept = line == std::string_view::npos ? 0 : line + 1;
    return strip(text.substr(kept), std::nullopt, true, false).empty() ? text.substr(0, kept) : text;
  }

  void skip_space() {
    const auto rest = source_.substr(pos_);
    pos_ += rest.size() - strip(rest, std::nullopt, true, false).size();
  }

  /// Past a tag's end that was just read: trim_blocks, or all white space after a minus.
  void after_tag(char sign, bool is_block) {
    if (sign == '-') {
      skip_space();
    } else if (is_block && sign != '+' && pos_ < source_.size() && source_[pos_] == '\n') {
      ++pos_;
    }
  }

  void comment(std::size_t begin) {
    const auto end = source_.find("#}", pos_);
    if (end == std::string_view::npos) fail(begin, "this comment is not closed; end it with #}");
    const char sign = end > pos_ ? source_[end - 1] : '\0';
    pos_ = end + 2;
    after_tag(sign, true);
  }

  /// Reads `word` and the tag's end when the tag holds just that.
  bool skip_word(std::string_view word) {
    const auto saved = pos_;
    skip_space();
    if (at(word)) {
      pos_ += word.size();
      skip_space();
      for (const std::string_view end : {"-%}", "+%}", "%}"}) {
        if (!at(end)) continue;
        pos_ += end.size();
        tag_sign_ = end.size() == 3 ? end.front() : '\0';
        return true;
      }
    }
    pos_ = saved;
    return false;
  }

  void raw(std::size_t begin) {
    // Jinja keeps the line end after {% raw %}, trim_blocks or not.
    if (tag_sign_ == '-') skip_space();
    const auto start = pos_;
    for (auto end = source_.find("{%", pos_); end != std::string_view::npos;
         end = source_.find("{%", end + 2)) {
      pos_ = end + 2;
      const char sign = pos_ < source_.size() ? source_[pos_] : '\0';
      if (sign == '-' || sign == '+') ++pos_;
      if (!skip_word("endraw")) continue;
      auto text = source_.substr(start, end - start);
      const auto saved = pos_;
      if (sign == '-') {
        text = strip(text, std::nullopt, false, true);
      } else if (sign != '+') {
        pos_ = start;
        text = without_indent(text);
        pos_ = saved;
      }
      add_data(text, start);
      after_tag(tag_sign_, true);
      return;
    }
    fail(begin, "this raw block is not closed; end it with {% endraw %}");
  }

  void inside(bool is_block, std::size_t begin) {
    std::string open;  // brackets not yet closed
    while (true) {
      skip_space();
      if (pos_ >= source_.size())
        fail(begin, is_block ? "this tag is not closed; end it with %}"
                             : "this expression is not closed; end it with }}");
      if (open.empty() && tag_end(is_block)) return;
      const char c = source_[pos_];
      if (is_decimal(c)) {
        number();
      } else if (is_name_start(c)) {
        name();
      } else if (c == '"' || c == '\'') {
        string(c);
      } else {
        operation(open);
      }
    }
  }

  bool tag_end(bool is_block) {
    const auto end = is_block ? std::string_view("%}") : std::string_view("}}");
    char sign = source_[pos_];
    if ((sign == '-' || (sign == '+' && is_block)) && source_.substr(pos_ + 1).starts_with(end)) {
      ++pos_;
    } else if (at(end)) {
      sign = '\0';
    } else {
      return false;
    }
    add(is_block ? TokenType::block_end : TokenType::variable_end, end, pos_);
    pos_ += 2;
    after_tag(sign, is_block);
    return true;
  }

  std::size_t digits_from(std::size_t at) const {
    while (at < source_.size() &&
           (is_decimal(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() && is_decimal(source_[at + 1]))))
      ++at;
    return at;
  }

  void number() {
    const auto start = pos_;
    const auto after_dot = start > 0 && source_[start - 1] == '.';
    const char letter = start + 1 < source_.size() ? static_cast<char>(source_[start + 1] | 0x20) : '\0';
    if (source_[start] == '0' && (letter == 'x' || letter == 'o' || letter == 'b')) {
      pos_ += 2;
      while (pos_ < source_.size() &&
             (std::isalnum(static_cast<unsigned char>(source_[pos_])) || source_[pos_] == '_'))
        ++pos_;
      add(TokenType::integer, source_.substr(start, pos_ - start), start);
      return;
    }
    bool is_real = false;
    pos_ = digits_from(pos_);
    if (!after_dot) {
      if (pos_ + 1 < source_.size() && source_[pos_] == '.' && is_decimal(source_[pos_ + 1])) {
        is_real = true;
        pos_ = digits_from(pos_ + 1);
      }
      if (pos_ < source_.size() && (source_[pos_] | 0x20) == 'e') {
        auto next = pos_ + 1;
        if (next < source_.size() && (source_[next] == '+' || source_[next] == '-')) ++next;
        if (next < source_.size() && is_decimal(source_[next])) {
          is_real = true;
          pos_ = digits_from(next);
        }
      }
    }
    add(is_real ? TokenType::real : TokenType::integer, source_.substr(start, pos_ - start), start);
  }

  void name() {
    const auto start = pos_;
    while (pos_ < source_.size() && (is_name_start(source_[pos_]) || is_decimal(source_[pos_]))) {
      auto next = pos_;
      const auto c = next_code_point(source_, next);
      if (c >= 0x80 && !is_alpha(c) && !is_digit(c)) break;
      pos_ = next;
    }
    if (pos_ == start) fail(start, "this character has no meaning here; put text in quotes");
    add(TokenType::name, source_.substr(start, pos_ - start), start);
  }

  void string(char quote) {
    const auto start = pos_++;
    bool escaped = false;
    while (true) {
      if (pos_ >= source_.size()) fail(start, cat("this string is not closed; end it with ", quote));
      if (source_[pos_] == quote) break;
      if (source_[pos_] == '\\') {
        escaped = true;
        ++pos_;
      }
      ++pos_;
    }
    auto text = source_.substr(start + 1, pos_ - start - 1);
    ++pos_;
    if (escaped) {
      program_.strings.push_back(std::make_unique<std::string>(unescape(text, start + 1)));
      text = *program_.strings.back();
    }
    add(TokenType::string, text, start);
  }

  /// Escapes as in Python; an unknown one stays as written.
  std::string unescape(std::string_view text, std::size_t offset) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      const auto start = i++;
      if (i >= text.size()) {
        out += '\\';
        break;
      }
      constexpr std::string_view kLetters = "ntr'\"\\abfv";
      constexpr std::string_view kValues = "\n\t\r'\"\\\a\b\f\v";
      const char c = text[i];
      if (const auto known = kLetters.find(c); known != std::string_view::npos) {
        out += kValues[known];
      } else if (c == '\n') {
        continue;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t n_digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        auto code = hex(text.substr(i + 1), n_digits);
        if (!code)
          fail(offset + start,
               cat("\\", c, " needs ", n_digits, " hexadecimal digits of a character up to 10ffff"));
        i += n_digits;
        // Two halves of a surrogate pair are one character.
        if (*code >= 0xD800 && *code < 0xDC00 && text.substr(i + 1).starts_with("\\u")) {
          const auto low = hex(text.substr(i + 3), 4);
          if (low && *low >= 0xDC00 && *low < 0xE000) {
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
            i += 6;
          }
        }
        append_utf8(out, *code >= 0xD800 && *code < 0xE000 ? U'\uFFFD' : *code);
      } else if (c >= '0' && c <= '7') {
        char32_t code = 0;
        std::size_t n = 0;
        for (; n < 3 && i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '7'; ++n)
          code = code * 8 + static_cast<char32_t>(text[i + n] - '0');
        append_utf8(out, code);
        i += n - 1;
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  static std::optional<char32_t> hex(std::string_view text, std::size_t n_digits) {
    if (text.size() < n_digits) return std::nullopt;
    char32_t code = 0;
    for (std::size_t i = 0; i < n_digits; ++i) {
      const char c = static_cast<char>(text[i] | 0x20);
      if (is_decimal(text[i])) {
        code = code * 16 + static_cast<char32_t>(text[i] - '0');
      } else if (c >= 'a' && c <= 'f') {
        code = code * 16 + static_cast<char32_t>(c - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    if (code > 0x10FFFF) return std::nullopt;
    return code;
  }

  void operation(std::string& open) {
    for (const auto text : kOperators) {
      if (!at(text)) continue;
      const char c = text.front();
      if (c == '(' || c == '[' || c == '{') {
        if (open.size() >= 1000) fail(pos_, "brackets are nested too deeply");
        open += c == '(' ? ')' : c == '[' ? ']' : '}';
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty()) fail(pos_, cat("this ", c, " closes nothing"));
        if (open.back() != c) fail(pos_, cat("this is ", c, " where ", open.back(), " was expected"));
        open.pop_back();
      }
      add(TokenType::op, text, pos_);
      pos_ += text.size();
      return;
    }
    fail(pos_, cat("the character ", json_quote(characters(source_.substr(pos_, 4)).front()),
                   " has no meaning here; put text in quotes"));
  }

  Program& program_;
  std::string_view source_;
  std::size_t pos_ = 0;
  char tag_sign_ = '\0';
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(Program& program) {
  return Lexer(program).run();
}

std::string describe(const Token& token) {
  switch (token.type) {
    case TokenType::data: return "text";
    case TokenType::string: return "a string";
    case TokenType::end: return "the end of the template";
    case TokenType::variable_begin:
    case TokenType::variable_end:
    case TokenType::block_begin:
    case TokenType::block_end:
    case TokenType::name:
    case TokenType::integer:
    case TokenType::real:
    case TokenType::op: break;
  }
  return cat("'", truncate_utf8(token.text, 40), "'");
}

}  // namespace quintet::jinja
