#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/text.h"
#include "tokenizer/jinja_lexer.h"
#include "tokenizer/jinja_program.h"

namespace quintet::jinja {

constexpr int kMaxNesting = 200;  // of the grammar's rules; a bracket takes three
constexpr int kMaxTreeDepth = 400;

/// Recursive descent over the expressions of Jinja's grammar, the lower half of its parser. Both the
/// recursion and the depth of every tree that loops build (a + b + c ...) are bounded, because the
/// interpreter walks trees by recursion.
class ExpressionParser {
 protected:
  ExpressionParser(Program& program, std::vector<Token> tokens)
      : program_(program), tokens_(std::move(tokens)) {
    for (const std::string_view name : {"loop", "caller", "kwargs", "varargs"}) intern(name);
  }

  // ---- tokens

  const Token& current() const { return tokens_[pos_]; }
  const Token& look() const { return tokens_[std::min(pos_ + 1, tokens_.size() - 1)]; }
  void advance() {
    if (pos_ + 1 < tokens_.size()) ++pos_;
  }
  bool is(TokenType type) const { return current().type == type; }
  bool is_op(std::string_view text) const { return is(TokenType::op) && current().text == text; }
  bool is_name(std::string_view text) const { return is(TokenType::name) && current().text == text; }
  bool skip_op(std::string_view text) {
    const bool here = is_op(text);
    if (here) advance();
    return here;
  }
  bool skip_name(std::string_view text) {
    const bool here = is_name(text);
    if (here) advance();
    return here;
  }
  void expect_op(std::string_view text) {
    if (!skip_op(text)) fail(cat("expected '", text, "', got ", describe(current())));
  }
  std::string_view expect_name(std::string_view what) {
    if (!is(TokenType::name)) fail(cat("expected ", what, ", got ", describe(current())));
    const auto text = current().text;
    advance();
    return text;
  }
  void expect_block_end() {
    if (!is(TokenType::block_end)) fail(cat("expected the end of the tag, '%}', got ", describe(current())));
    advance();
  }
  [[noreturn]] void fail(std::string_view message) const { fail_at(program_, current().offset, message); }

  // ---- nodes

  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting)
        parser_.fail("this is nested too deeply; split it with {% set %} or macros");
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  template <typename T>
  T* make(std::size_t offset) {
    auto node = std::make_unique<T>();
    node->offset = static_cast<std::uint32_t>(offset);
    auto* raw = node.get();
    program_.nodes.push_back(std::move(node));
    return raw;
  }

  void deepen(Node* parent, const Node* child) const {
    if (child == nullptr) return;
    parent->depth = std::max<std::uint16_t>(parent->depth, static_cast<std::uint16_t>(child->depth + 1));
    if (parent->depth > kMaxTreeDepth)
      fail_at(program_, parent->offset, "this expression is too long; split it with {% set %}");
  }
  void deepen(Node* parent, const Nodes& children) const {
    for (const auto* child : children) deepen(parent, child);
  }
  void deepen(Node* parent, const ArgumentList& list) const {
    deepen(parent, list.positional);
    for (const auto& [name, value] : list.named) deepen(parent, value);
    deepen(parent, list.spread);
    deepen(parent, list.spread_named);
  }

  NameId intern(std::string_view name) {
    const auto [at, added] = ids_.try_emplace(name, static_cast<NameId>(program_.names.size()));
    if (added) program_.names.push_back(name);
    return at->second;
  }

  Name* name_node(std::string_view text, std::size_t offset) {
    auto* node = make<Name>(offset);
    node->id = intern(text);
    node->text = text;
    return node;
  }

  const Node* literal(const Value& value, std::size_t offset) {
    auto* node = make<Literal>(offset);
    node->value = value;
    return node;
  }

  // ---- expressions, lowest precedence first
  const Node* expression();
  bool tuple_ends() const;
  /// "a, b" is a tuple. Without `with_conditional`, an 'if' is left to the caller, which is a for statement.
  const Node* tuple_or_expression(bool with_conditional);
  Binary* binary(Operator op, const Node* left, const Node* right, std::size_t offset);
  const Node* logical_or();
  const Node* logical_and();
  const Node* logical_not();
  const Node* unary(Operator op, const Node* operand, std::size_t offset);
  std::optional<Operator> comparison_operator();
  const Node* comparison();
  const Node* sum();
  const Node* concat();
  const Node* product();
  // from the left, unlike Python
  const Node* power();
  /// -x.y|f is (-(x.y))|f: filters and tests apply after the sign.
  const Node* signed_value(bool with_filters);
  const Node* primary();
  const Node* named(const Token& token);
  const Node* strings();
  const Node* integer(const Token& token);
  const Node* parenthesis();
  const Node* list();
  const Node* dict();
  const Node* postfix(const Node* node);
  const Node* member(const Node* object, std::size_t offset);
  const Node* subscript(const Node* object, std::size_t offset);
  ArgumentList argument_list();
  const Node* call(const Node* callee);
  std::string_view dotted_name(std::string_view what);
  FilterCall* filter_call(const Node* operand);
  std::vector<const FilterCall*> filter_chain(Node* owner, bool starts_at_once);
  const Node* filters_and_tests(const Node* node);
  const Node* test_call(const Node* operand);
  /// "x is divisibleby 3" needs no brackets; a word that goes on with the expression is no argument.
  bool starts_test_argument() const;
  struct Reads {
    bool kwargs = false;
    bool varargs = false;
  };

  Program& program_;
  std::vector<Token> tokens_;
  std::size_t pos_ = 0;
  int nesting_ = 0;
  Reads reads_;
  std::unordered_map<std::string_view, NameId> ids_;
};

}  // namespace quintet::jinja
