#include "tokenizer/jinja_expression_parser.h"

#include "tokenizer/jinja_builtins.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {

const Node* ExpressionParser::expression() {
  const Nesting nesting(*this);
  const auto offset = current().offset;
  const auto* value = logical_or();
  while (skip_name("if")) {
    auto* node = make<Conditional>(offset);
    node->yes = value;
    node->test = logical_or();
    if (skip_name("else")) node->no = expression();
    deepen(node, node->yes);
    deepen(node, node->test);
    deepen(node, node->no);
    value = node;
  }
  return value;
}

bool ExpressionParser::tuple_ends() const {
  return is(TokenType::variable_end) || is(TokenType::block_end) || is(TokenType::end) || is_op(")") ||
         is_name("recursive");
}

const Node* ExpressionParser::tuple_or_expression(bool with_conditional) {
  const Nesting nesting(*this);
  const auto offset = current().offset;
  const auto part = [&] { return with_conditional ? expression() : logical_or(); };
  const auto* first = part();
  if (!is_op(",")) return first;
  auto* tuple = make<ListDisplay>(offset);
  tuple->is_tuple = true;
  tuple->items.push_back(first);
  deepen(tuple, first);
  while (skip_op(",") && !tuple_ends()) {
    tuple->items.push_back(part());
    deepen(tuple, tuple->items.back());
  }
  return tuple;
}

Binary* ExpressionParser::binary(Operator op, const Node* left, const Node* right, std::size_t offset) {
  auto* node = make<Binary>(offset);
  node->op = op;
  node->left = left;
  node->right = right;
  deepen(node, left);
  deepen(node, right);
  return node;
}

const Node* ExpressionParser::logical_or() {
  const auto* left = logical_and();
  while (is_name("or")) {
    const auto offset = current().offset;
    advance();
    left = binary(Operator::logical_or, left, logical_and(), offset);
  }
  return left;
}

const Node* ExpressionParser::logical_and() {
  const auto* left = logical_not();
  while (is_name("and")) {
    const auto offset = current().offset;
    advance();
    left = binary(Operator::logical_and, left, logical_not(), offset);
  }
  return left;
}

const Node* ExpressionParser::logical_not() {
  if (!is_name("not")) return comparison();
  const Nesting nesting(*this);
  const auto offset = current().offset;
  advance();
  return unary(Operator::logical_not, logical_not(), offset);
}

const Node* ExpressionParser::unary(Operator op, const Node* operand, std::size_t offset) {
  auto* node = make<Unary>(offset);
  node->op = op;
  node->operand = operand;
  deepen(node, operand);
  return node;
}

std::optional<Operator> ExpressionParser::comparison_operator() {
  constexpr std::pair<std::string_view, Operator> kTexts[] = {
      {"==", Operator::equal},      {"!=", Operator::not_equal}, {"<", Operator::less},
      {"<=", Operator::less_equal}, {">", Operator::greater},    {">=", Operator::greater_equal}};
  if (is(TokenType::op)) {
    for (const auto& [text, op] : kTexts)
      if (skip_op(text)) return op;
  } else if (skip_name("in")) {
    return Operator::in;
  } else if (is_name("not") && look().type == TokenType::name && look().text == "in") {
    advance();
    advance();
    return Operator::not_in;
  }
  return std::nullopt;
}

const Node* ExpressionParser::comparison() {
  const auto offset = current().offset;
  const auto* first = sum();
  Compare* node = nullptr;
  while (const auto op = comparison_operator()) {
    if (node == nullptr) {
      node = make<Compare>(offset);
      node->first = first;
      deepen(node, first);
    }
    node->rest.emplace_back(*op, sum());
    deepen(node, node->rest.back().second);
  }
  return node != nullptr ? node : first;
}

const Node* ExpressionParser::sum() {
  const auto* left = concat();
  while (is_op("+") || is_op("-")) {
    const auto op = current().text == "+" ? Operator::add : Operator::subtract;
    const auto offset = current().offset;
    advance();
    left = binary(op, left, concat(), offset);
  }
  return left;
}

const Node* ExpressionParser::concat() {
  const auto offset = current().offset;
  const auto* first = product();
  if (!is_op("~")) return first;
  auto* node = make<Concat>(offset);
  node->parts.push_back(first);
  while (skip_op("~")) node->parts.push_back(product());
  deepen(node, node->parts);
  return node;
}

const Node* ExpressionParser::product() {
  const auto* left = power();
  while (true) {
    const auto op = is_op("*")    ? Operator::multiply
                    : is_op("/")  ? Operator::divide
                    : is_op("//") ? Operator::floor_divide
                    : is_op("%")  ? Operator::modulo
                                  : Operator::logical_not;
    if (op == Operator::logical_not) return left;
    const auto offset = current().offset;
    advance();
    left = binary(op, left, power(), offset);
  }
}

const Node* ExpressionParser::power() {
  const auto* left = signed_value(true);
  while (is_op("**")) {
    const auto offset = current().offset;
    advance();
    left = binary(Operator::power, left, signed_value(true), offset);
  }
  return left;
}

const Node* ExpressionParser::signed_value(bool with_filters) {
  const Nesting nesting(*this);
  const auto offset = current().offset;
  const Node* node = nullptr;
  if (skip_op("-")) {
    node = unary(Operator::negate, signed_value(false), offset);
  } else if (skip_op("+")) {
    node = unary(Operator::plus, signed_value(false), offset);
  } else {
    node = primary();
  }
  node = postfix(node);
  return with_filters ? filters_and_tests(node) : node;
}

const Node* ExpressionParser::primary() {
  const auto token = current();
  switch (token.type) {
    case TokenType::name: advance(); return named(token);
    case TokenType::string: return strings();
    case TokenType::integer: advance(); return integer(token);
    case TokenType::real:
      advance();
      return literal(Value::real(parse_python_float(token.text).value_or(0)), token.offset);
    case TokenType::op:
      if (token.text == "(") return parenthesis();
      if (token.text == "[") return list();
      if (token.text == "{") return dict();
      break;
    case TokenType::data:
    case TokenType::variable_begin:
    case TokenType::variable_end:
    case TokenType::block_begin:
    case TokenType::block_end:
    case TokenType::end: break;
  }
  fail(cat("expected a value, got ", describe(token)));
}

const Node* ExpressionParser::named(const Token& token) {
  if (token.text == "true" || token.text == "True") return literal(Value::boolean(true), token.offset);
  if (token.text == "false" || token.text == "False") return literal(Value::boolean(false), token.offset);
  if (token.text == "none" || token.text == "None") return literal(Value::none(), token.offset);
  const auto* node = name_node(token.text, token.offset);
  if (node->id == kKwargsName) reads_.kwargs = true;
  if (node->id == kVarargsName) reads_.varargs = true;
  return node;
}

const Node* ExpressionParser::strings() {
  const auto token = current();
  advance();
  if (!is(TokenType::string)) return literal(Value::string(token.text), token.offset);
  std::string joined(token.text);  // "a" "b" is "ab"
  for (; is(TokenType::string); advance()) joined += current().text;
  program_.strings.push_back(std::make_unique<std::string>(std::move(joined)));
  return literal(Value::string(*program_.strings.back()), token.offset);
}

const Node* ExpressionParser::integer(const Token& token) {
  int base = 10;
  if (token.text.size() > 1 && token.text[0] == '0') {
    const auto letter = static_cast<char>(token.text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
  }
  const auto number = parse_python_int(token.text, base);
  if (!number)
    fail_at(program_, token.offset,
            cat("'", truncate_utf8(token.text, 40), "' is not a whole number of at most 64 bits"));
  return literal(Value::integer(*number), token.offset);
}

const Node* ExpressionParser::parenthesis() {
  const auto offset = current().offset;
  advance();
  const Node* inner = nullptr;
  if (is_op(")")) {
    auto* empty = make<ListDisplay>(offset);
    empty->is_tuple = true;
    inner = empty;
  } else {
    inner = tuple_or_expression(true);
  }
  expect_op(")");
  return inner;
}

const Node* ExpressionParser::list() {
  auto* node = make<ListDisplay>(current().offset);
  advance();
  while (!is_op("]")) {
    if (!node->items.empty()) {
      expect_op(",");
      if (is_op("]")) break;
    }
    node->items.push_back(expression());
  }
  advance();
  deepen(node, node->items);
  return node;
}

const Node* ExpressionParser::dict() {
  auto* node = make<DictDisplay>(current().offset);
  advance();
  while (!is_op("}")) {
    if (!node->items.empty()) {
      expect_op(",");
      if (is_op("}")) break;
    }
    const auto* key = expression();
    expect_op(":");
    const auto* value = expression();
    deepen(node, key);
    deepen(node, value);
    node->items.emplace_back(key, value);
  }
  advance();
  return node;
}

const Node* ExpressionParser::postfix(const Node* node) {
  while (true) {
    const auto offset = current().offset;
    if (is_op(".")) {
      advance();
      node = member(node, offset);
    } else if (is_op("[")) {
      advance();
      node = subscript(node, offset);
    } else if (is_op("(")) {
      node = call(node);
    } else {
      return node;
    }
  }
}

const Node* ExpressionParser::member(const Node* object, std::size_t offset) {
  if (is(TokenType::integer)) {
    const auto token = current();
    advance();
    auto* node = make<Subscript>(offset);
    node->object = object;
    node->index = integer(token);
    deepen(node, object);
    return node;
  }
  auto* node = make<Attribute>(offset);
  node->object = object;
  node->name = expect_name("an attribute's name");
  deepen(node, object);
  return node;
}

const Node* ExpressionParser::subscript(const Node* object, std::size_t offset) {
  const Node* parts[3] = {};
  std::size_t n_colons = 0;
  while (!is_op("]")) {
    if (skip_op(":")) {
      if (++n_colons > 2) fail("a slice has at most three parts, [start:stop:step]");
    } else {
      if (parts[n_colons] != nullptr) fail(cat("expected ']', got ", describe(current())));
      parts[n_colons] = expression();
    }
  }
  if (n_colons == 0 && parts[0] == nullptr) fail("expected an index between the brackets");
  advance();
  if (n_colons == 0) {
    auto* node = make<Subscript>(offset);
    node->object = object;
    node->index = parts[0];
    deepen(node, object);
    deepen(node, parts[0]);
    return node;
  }
  auto* node = make<Slice>(offset);
  node->object = object;
  node->start = parts[0];
  node->stop = parts[1];
  node->step = parts[2];
  deepen(node, object);
  for (const auto* part : parts) deepen(node, part);
  return node;
}

ArgumentList ExpressionParser::argument_list() {
  ArgumentList list;
  expect_op("(");
  bool first = true;
  while (!is_op(")")) {
    if (!first) {
      expect_op(",");
      if (is_op(")")) break;
    }
    first = false;
    if (skip_op("**")) {
      if (list.spread_named != nullptr) fail("there may be one ** only");
      list.spread_named = expression();
    } else if (skip_op("*")) {
      if (list.spread != nullptr || list.spread_named != nullptr) fail("there may be one * only, before **");
      list.spread = expression();
    } else if (is(TokenType::name) && look().type == TokenType::op && look().text == "=") {
      const auto name = current().text;
      for (const auto& other : list.named)
        if (other.first == name) fail(cat("argument '", name, "' stands twice"));
      advance();
      advance();
      list.named.emplace_back(name, expression());
    } else {
      if (!list.named.empty() || list.spread != nullptr || list.spread_named != nullptr)
        fail("arguments without a name come before those with one");
      list.positional.push_back(expression());
    }
    if (list.positional.size() + list.named.size() > 1000) fail("more than 1000 arguments");
  }
  advance();
  return list;
}

const Node* ExpressionParser::call(const Node* callee) {
  auto* node = make<Call>(callee->offset);
  node->callee = callee;
  node->arguments = argument_list();
  deepen(node, callee);
  deepen(node, node->arguments);
  return node;
}

std::string_view ExpressionParser::dotted_name(std::string_view what) {
  auto name = expect_name(what);
  while (is_op(".") && look().type == TokenType::name) {
    advance();
    const auto& part = current().text;
    name = std::string_view(name.data(), static_cast<std::size_t>(part.data() + part.size() - name.data()));
    advance();
  }
  return name;
}

FilterCall* ExpressionParser::filter_call(const Node* operand) {
  auto* node = make<FilterCall>(current().offset);
  node->operand = operand;
  node->name = dotted_name("a filter's name");
  node->code = find_filter(node->name);
  if (is_op("(")) node->arguments = argument_list();
  deepen(node, operand);
  deepen(node, node->arguments);
  return node;
}

std::vector<const FilterCall*> ExpressionParser::filter_chain(Node* owner, bool starts_at_once) {
  std::vector<const FilterCall*> chain;
  if (starts_at_once) {
    chain.push_back(filter_call(nullptr));
    deepen(owner, chain.back());
  }
  while (skip_op("|")) {
    chain.push_back(filter_call(nullptr));
    deepen(owner, chain.back());
  }
  return chain;
}

const Node* ExpressionParser::filters_and_tests(const Node* node) {
  while (true) {
    if (skip_op("|")) {
      node = filter_call(node);
    } else if (is_name("is")) {
      node = test_call(node);
    } else if (is_op("(")) {
      node = call(node);
    } else {
      return node;
    }
  }
}

const Node* ExpressionParser::test_call(const Node* operand) {
  const auto offset = current().offset;
  advance();
  auto* node = make<TestCall>(offset);
  node->operand = operand;
  node->negated = skip_name("not");
  node->name = dotted_name("a test's name");
  node->code = find_test(node->name);
  if (is_op("(")) {
    node->arguments = argument_list();
  } else if (starts_test_argument()) {
    const Nesting nesting(*this);
    node->arguments.positional.push_back(postfix(primary()));
  }
  deepen(node, operand);
  deepen(node, node->arguments);
  return node;
}

bool ExpressionParser::starts_test_argument() const {
  switch (current().type) {
    case TokenType::string:
    case TokenType::integer:
    case TokenType::real: return true;
    case TokenType::op: return current().text == "[" || current().text == "{";
    case TokenType::name: {
      constexpr std::string_view kWords[] = {"else", "or", "and", "if", "is", "in", "not", "recursive"};
      return std::find(std::begin(kWords), std::end(kWords), current().text) == std::end(kWords);
    }
    case TokenType::data:
    case TokenType::variable_begin:
    case TokenType::variable_end:
    case TokenType::block_begin:
    case TokenType::block_end:
    case TokenType::end: return false;
  }
  return false;
}

}  // namespace quintet::jinja
