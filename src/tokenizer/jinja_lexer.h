#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quintet::jinja {

struct Program;

enum class TokenType : std::uint8_t {
  data,  // text between tags
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  op,
  end
};

struct Token {
  TokenType type = TokenType::end;
  std::string_view text;  // data, name, operator: as written; string: the value; number: its digits
  std::size_t offset = 0;
};

/// Splits `program.source` as Jinja does with trim_blocks and lstrip_blocks on: white space around tags
/// already removed, comments gone, raw blocks become data. Throws InvalidArgument with the place. Values of
/// strings with escapes are kept in `program.strings`.
std::vector<Token> tokenize(Program& program);

/// What a person calls this token.
std::string describe(const Token& token);

}  // namespace quintet::jinja
