#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_expression_parser.h"
#include "tokenizer/jinja_lexer.h"
#include "tokenizer/jinja_program.h"

namespace quintet::jinja {
namespace {

constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;

class Parser final : private ExpressionParser {
 public:
  Parser(Program& program, std::vector<Token> tokens) : ExpressionParser(program, std::move(tokens)) {}

  void run() {
    program_.body = statements({});
    if (!is(TokenType::end)) fail(cat("expected a statement, got ", describe(current())));
  }

 private:
  /// Up to a tag named in `ends`, whose name is then the current token; with none, to the end of the
  /// template.
  Nodes statements(std::initializer_list<std::string_view> ends) {
    const Nesting nesting(*this);
    Nodes body;
    while (!is(TokenType::end)) {
      const auto offset = current().offset;
      if (is(TokenType::data)) {
        auto* data = make<Data>(offset);
        data->text = current().text;
        advance();
        body.push_back(data);
      } else if (is(TokenType::variable_begin)) {
        advance();
        auto* output = make<Output>(offset);
        output->expression = tuple_or_expression(true);
        deepen(output, output->expression);
        if (!is(TokenType::variable_end))
          fail(cat("expected the end of the expression, '}}', got ", describe(current())));
        advance();
        body.push_back(output);
      } else {
        advance();  // {%
        auto tag = current();
        tag.offset = offset;
        if (std::find(ends.begin(), ends.end(), tag.text) != ends.end() && tag.type == TokenType::name)
          return body;
        if (const auto* node = statement(expect_name("a statement"), tag, ends)) body.push_back(node);
      }
    }
    if (ends.size() > 0) {
      const auto [name, offset] = open_.back();
      fail_at(program_, offset, cat("this {% ", name, " %} is not closed; end it with {% end", name, " %}"));
    }
    return body;
  }

  const Node* statement(std::string_view tag, const Token& token,
                        std::initializer_list<std::string_view> ends) {
    open_.emplace_back(tag, token.offset);
    const Node* node = nullptr;
    if (tag == "if") {
      node = branch(token.offset);
    } else if (tag == "for") {
      node = for_loop(token.offset);
    } else if (tag == "set") {
      node = set(token.offset);
    } else if (tag == "macro") {
      node = macro(token.offset);
    } else if (tag == "call") {
      node = call_block(token.offset);
    } else if (tag == "filter") {
      node = filter_block(token.offset);
    } else if (tag == "with") {
      node = with(token.offset);
    } else if (tag == "generation") {
      expect_block_end();
      auto* block = make<Block>(token.offset);
      block->body = statements({"endgeneration"});
      deepen(block, block->body);
      advance();
      node = block;
    } else if (tag == "break" || tag == "continue") {
      if (loops_ == 0) fail_at(program_, token.offset, cat("{% ", tag, " %} stands in no loop"));
      node = tag == "break" ? static_cast<const Node*>(make<Leave>(token.offset)) : make<Next>(token.offset);
    } else if (tag == "do") {
      auto* set_nothing = make<Set>(token.offset);
      set_nothing->value = tuple_or_expression(true);
      deepen(set_nothing, set_nothing->value);
      node = set_nothing;
    } else {
      unknown_tag(tag, token, ends);
    }
    expect_block_end();
    open_.pop_back();
    return node;
  }

  [[noreturn]] void unknown_tag(std::string_view tag, const Token& token,
                                std::initializer_list<std::string_view> ends) const {
    if (tag.starts_with("end") || tag == "else" || tag == "elif") {
      std::string expected;
      for (const auto end : ends) expected += cat(expected.empty() ? "" : " or ", "{% ", end, " %}");
      fail_at(program_, token.offset,
              cat("{% ", tag, " %} closes nothing here",
                  expected.empty() ? std::string() : cat("; expected ", expected)));
    }
    fail_at(
        program_, token.offset,
        cat("there is no statement '", truncate_utf8(tag, 40),
            "' in chat templates; there are if, for, set, macro, call, filter, with, raw, generation, break "
            "and continue"));
  }

  const Node* branch(std::size_t offset) {
    auto* node = make<Branch>(offset);
    while (true) {
      const auto* test = tuple_or_expression(false);
      expect_block_end();
      auto body = statements({"elif", "else", "endif"});
      deepen(node, test);
      deepen(node, body);
      node->cases.emplace_back(test, std::move(body));
      if (skip_name("elif")) continue;
      if (skip_name("else")) {
        expect_block_end();
        node->otherwise = statements({"endif"});
        deepen(node, node->otherwise);
      }
      advance();  // endif
      return node;
    }
  }

  const Node* for_loop(std::size_t offset) {
    auto* node = make<ForLoop>(offset);
    node->target = target(false);
    if (!skip_name("in")) fail(cat("expected 'in' after the loop's variable, got ", describe(current())));
    node->items = tuple_or_expression(false);
    if (skip_name("if")) node->condition = expression();
    node->recursive = skip_name("recursive");
    expect_block_end();
    ++loops_;
    node->body = statements({"else", "endfor"});
    --loops_;
    if (skip_name("else")) {
      expect_block_end();
      node->otherwise = statements({"endfor"});
    }
    advance();
    deepen(node, node->items);
    deepen(node, node->condition);
    deepen(node, node->body);
    deepen(node, node->otherwise);
    return node;
  }

  /// A name, names in brackets or between commas, or (for set) an attribute of a namespace.
  const Node* target(bool allow_attribute) {
    const auto offset = current().offset;
    const auto* first = single_target(allow_attribute);
    if (!is_op(",")) return first;
    auto* tuple = make<ListDisplay>(offset);
    tuple->is_tuple = true;
    tuple->items.push_back(first);
    deepen(tuple, first);
    while (skip_op(",")) {
      if (is_op("=") || is_name("in") || is_op(")") || is(TokenType::block_end)) break;
      tuple->items.push_back(single_target(allow_attribute));
      deepen(tuple, tuple->items.back());
    }
    return tuple;
  }

  const Node* single_target(bool allow_attribute) {
    const Nesting nesting(*this);
    if (skip_op("(")) {
      const auto* inner = target(allow_attribute);
      expect_op(")");
      return inner;
    }
    const auto offset = current().offset;
    const auto text = expect_name("a variable's name");
    constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
    if (std::find(std::begin(kConstants), std::end(kConstants), text) != std::end(kConstants))
      fail_at(program_, offset, cat("'", text, "' cannot be assigned to"));
    const auto* name = name_node(text, offset);
    if (!allow_attribute || !skip_op(".")) return name;
    auto* attribute = make<Attribute>(offset);
    attribute->object = name;
    attribute->name = expect_name("an attribute's name");
    deepen(attribute, name);
    return attribute;
  }

  const Node* set(std::size_t offset) {
    const auto* left = target(true);
    if (skip_op("=")) {
      auto* node = make<Set>(offset);
      node->target = left;
      node->value = tuple_or_expression(true);
      deepen(node, node->value);
      return node;
    }
    auto* node = make<SetBlock>(offset);
    node->target = left;
    if (is_op("|")) node->filters = filter_chain(node, false);
    expect_block_end();
    node->body = statements({"endset"});
    deepen(node, node->body);
    advance();
    return node;
  }

  void signature(Signature& result) {
    expect_op("(");
    while (!is_op(")")) {
      if (!result.parameters.empty()) {
        expect_op(",");
        if (is_op(")")) break;
      }
      Signature::Parameter parameter;
      const auto offset = current().offset;
      parameter.name = expect_name("a parameter's name");
      parameter.id = intern(parameter.name);
      for (const auto& other : result.parameters)
        if (other.id == parameter.id)
          fail_at(program_, offset, cat("parameter '", parameter.name, "' stands twice"));
      if (skip_op("=")) {
        parameter.fallback = expression();
      } else if (!result.parameters.empty() && result.parameters.back().fallback != nullptr) {
        fail_at(program_, offset,
                cat("parameter '", parameter.name, "' needs a default: one before it has one"));
      }
      if (result.parameters.size() >= 100) fail("more than 100 parameters");
      result.parameters.push_back(parameter);
    }
    expect_op(")");
  }

  void macro_body(Node* node, Signature& result, std::string_view end) {
    expect_block_end();
    const auto loops = std::exchange(loops_, 0);
    const auto reads = std::exchange(reads_, Reads{});
    result.body = statements({end});
    advance();
    result.reads_kwargs = reads_.kwargs;
    result.reads_varargs = reads_.varargs;
    loops_ = loops;
    reads_ = {reads.kwargs || reads_.kwargs, reads.varargs || reads_.varargs};
    deepen(node, result.body);
    for (const auto& parameter : result.parameters) deepen(node, parameter.fallback);
  }

  const Node* macro(std::size_t offset) {
    auto* node = make<Macro>(offset);
    node->signature.name = expect_name("the macro's name");
    node->id = intern(node->signature.name);
    signature(node->signature);
    macro_body(node, node->signature, "endmacro");
    return node;
  }

  const Node* call_block(std::size_t offset) {
    auto* node = make<CallBlock>(offset);
    node->signature.name = "caller";
    if (is_op("(")) signature(node->signature);
    const auto* call = expression();
    if (call->kind != NodeKind::call)
      fail_at(program_, call->offset, "expected a call of a macro, such as {% call box('x') %}");
    node->call = static_cast<const Call*>(call);
    deepen(node, call);
    macro_body(node, node->signature, "endcall");
    return node;
  }

  const Node* filter_block(std::size_t offset) {
    auto* node = make<FilterBlock>(offset);
    node->filters = filter_chain(node, true);
    expect_block_end();
    node->body = statements({"endfilter"});
    deepen(node, node->body);
    advance();
    return node;
  }

  const Node* with(std::size_t offset) {
    auto* node = make<With>(offset);
    while (!is(TokenType::block_end)) {
      if (!node->values.empty()) expect_op(",");
      const auto* left = single_target(false);
      expect_op("=");
      const auto* right = expression();
      deepen(node, right);
      node->values.emplace_back(left, right);
    }
    advance();
    node->body = statements({"endwith"});
    deepen(node, node->body);
    advance();
    return node;
  }

  int loops_ = 0;  // around the current statement, within its macro
  std::vector<std::pair<std::string_view, std::size_t>> open_;  // statements not yet closed
};

std::string with_unix_line_ends(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::string_view operator_text(Operator op) noexcept {
  switch (op) {
    case Operator::negate: return "-";
    case Operator::plus: return "+";
    case Operator::logical_not: return "not";
    case Operator::add: return "+";
    case Operator::subtract: return "-";
    case Operator::multiply: return "*";
    case Operator::divide: return "/";
    case Operator::floor_divide: return "//";
    case Operator::modulo: return "%";
    case Operator::power: return "**";
    case Operator::logical_and: return "and";
    case Operator::logical_or: return "or";
    case Operator::equal: return "==";
    case Operator::not_equal: return "!=";
    case Operator::less: return "<";
    case Operator::less_equal: return "<=";
    case Operator::greater: return ">";
    case Operator::greater_equal: return ">=";
    case Operator::in: return "in";
    case Operator::not_in: return "not in";
  }
  return "?";
}

std::string where(const Program& program, std::size_t offset) {
  const auto place = position_at(program.source, offset);
  return cat("chat template ", program.name, ", line ", place.line, ", column ", place.column);
}

void fail_at(const Program& program, std::size_t offset, std::string_view message) {
  throw InvalidArgument(cat(where(program, offset), ": ", message));
}

std::shared_ptr<const Program> parse_program(std::string_view source, std::string_view name) {
  auto program = std::make_shared<Program>();
  program->name = name;
  if (source.size() > kMaxSourceBytes)
    throw Exhausted(
        cat("chat template ", name, ": it has ", source.size(), " bytes, the most is ", kMaxSourceBytes));
  if (const auto bad = find_invalid_utf8(source)) {
    const auto place = position_at(source, *bad);
    throw InvalidArgument(cat("chat template ", name, ", line ", place.line, ", column ", place.column,
                              ": the text is not valid UTF-8; save the template as UTF-8"));
  }
  program->source = with_unix_line_ends(source);
  auto tokens = tokenize(*program);
  Parser(*program, std::move(tokens)).run();
  return program;
}

}  // namespace quintet::jinja
