#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_builtins.h"
#include "tokenizer/jinja_lexer.h"
#include "tokenizer/jinja_program.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;
constexpr int kMaxNesting = 200;  // of the grammar's rules; a bracket takes three
constexpr int kMaxTreeDepth = 400;

/// Recursive descent over Jinja's grammar. Both the recursion and the depth of every tree that loops build
/// (a + b + c ...) are bounded, because the interpreter walks trees by recursion.
class Parser {
 public:
  Parser(Program& program, std::vector<Token> tokens) : program_(program), tokens_(std::move(tokens)) {
    for (const std::string_view name : {"loop", "caller", "kwargs", "varargs"}) intern(name);
  }

  void run() {
    program_.body = statements({});
    if (!is(TokenType::end)) fail(cat("expected a statement, got ", describe(current())));
  }

 private:
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
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting)
        parser_.fail("this is nested too deeply; split it with {% set %} or macros");
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
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

  // ---- statements

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
        const auto tag = current();
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

  // ---- expressions, lowest precedence first

  const Node* expression() {
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

  bool tuple_ends() const {
    return is(TokenType::variable_end) || is(TokenType::block_end) || is(TokenType::end) || is_op(")") ||
           is_name("recursive");
  }

  /// "a, b" is a tuple. Without `with_conditional`, an 'if' is left to the caller, which is a for statement.
  const Node* tuple_or_expression(bool with_conditional) {
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

  Binary* binary(Operator op, const Node* left, const Node* right, std::size_t offset) {
    auto* node = make<Binary>(offset);
    node->op = op;
    node->left = left;
    node->right = right;
    deepen(node, left);
    deepen(node, right);
    return node;
  }

  const Node* logical_or() {
    const auto* left = logical_and();
    while (is_name("or")) {
      const auto offset = current().offset;
      advance();
      left = binary(Operator::logical_or, left, logical_and(), offset);
    }
    return left;
  }

  const Node* logical_and() {
    const auto* left = logical_not();
    while (is_name("and")) {
      const auto offset = current().offset;
      advance();
      left = binary(Operator::logical_and, left, logical_not(), offset);
    }
    return left;
  }

  const Node* logical_not() {
    if (!is_name("not")) return comparison();
    const Nesting nesting(*this);
    const auto offset = current().offset;
    advance();
    return unary(Operator::logical_not, logical_not(), offset);
  }

  const Node* unary(Operator op, const Node* operand, std::size_t offset) {
    auto* node = make<Unary>(offset);
    node->op = op;
    node->operand = operand;
    deepen(node, operand);
    return node;
  }

  std::optional<Operator> comparison_operator() {
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

  const Node* comparison() {
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

  const Node* sum() {
    const auto* left = concat();
    while (is_op("+") || is_op("-")) {
      const auto op = current().text == "+" ? Operator::add : Operator::subtract;
      const auto offset = current().offset;
      advance();
      left = binary(op, left, concat(), offset);
    }
    return left;
  }

  const Node* concat() {
    const auto offset = current().offset;
    const auto* first = product();
    if (!is_op("~")) return first;
    auto* node = make<Concat>(offset);
    node->parts.push_back(first);
    while (skip_op("~")) node->parts.push_back(product());
    deepen(node, node->parts);
    return node;
  }

  const Node* product() {
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

  const Node* power() {  // from the left, unlike Python
    const auto* left = signed_value(true);
    while (is_op("**")) {
      const auto offset = current().offset;
      advance();
      left = binary(Operator::power, left, signed_value(true), offset);
    }
    return left;
  }

  /// -x.y|f is (-(x.y))|f: filters and tests apply after the sign.
  const Node* signed_value(bool with_filters) {
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

  const Node* primary() {
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

  const Node* named(const Token& token) {
    if (token.text == "true" || token.text == "True") return literal(Value::boolean(true), token.offset);
    if (token.text == "false" || token.text == "False") return literal(Value::boolean(false), token.offset);
    if (token.text == "none" || token.text == "None") return literal(Value::none(), token.offset);
    const auto* node = name_node(token.text, token.offset);
    if (node->id == kKwargsName) reads_.kwargs = true;
    if (node->id == kVarargsName) reads_.varargs = true;
    return node;
  }

  const Node* strings() {
    const auto token = current();
    advance();
    if (!is(TokenType::string)) return literal(Value::string(token.text), token.offset);
    std::string joined(token.text);  // "a" "b" is "ab"
    for (; is(TokenType::string); advance()) joined += current().text;
    program_.strings.push_back(std::make_unique<std::string>(std::move(joined)));
    return literal(Value::string(*program_.strings.back()), token.offset);
  }

  const Node* integer(const Token& token) {
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

  const Node* parenthesis() {
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

  const Node* list() {
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

  const Node* dict() {
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

  const Node* postfix(const Node* node) {
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

  const Node* member(const Node* object, std::size_t offset) {
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

  const Node* subscript(const Node* object, std::size_t offset) {
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

  ArgumentList argument_list() {
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
        if (list.spread != nullptr || list.spread_named != nullptr)
          fail("there may be one * only, before **");
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

  const Node* call(const Node* callee) {
    auto* node = make<Call>(callee->offset);
    node->callee = callee;
    node->arguments = argument_list();
    deepen(node, callee);
    deepen(node, node->arguments);
    return node;
  }

  std::string_view dotted_name(std::string_view what) {
    auto name = expect_name(what);
    while (is_op(".") && look().type == TokenType::name) {
      advance();
      const auto& part = current().text;
      name = std::string_view(name.data(), static_cast<std::size_t>(part.data() + part.size() - name.data()));
      advance();
    }
    return name;
  }

  FilterCall* filter_call(const Node* operand) {
    auto* node = make<FilterCall>(current().offset);
    node->operand = operand;
    node->name = dotted_name("a filter's name");
    node->code = find_filter(node->name);
    if (is_op("(")) node->arguments = argument_list();
    deepen(node, operand);
    deepen(node, node->arguments);
    return node;
  }

  std::vector<const FilterCall*> filter_chain(Node* owner, bool starts_at_once) {
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

  const Node* filters_and_tests(const Node* node) {
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

  const Node* test_call(const Node* operand) {
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

  /// "x is divisibleby 3" needs no brackets; a word that goes on with the expression is no argument.
  bool starts_test_argument() const {
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

  struct Reads {
    bool kwargs = false;
    bool varargs = false;
  };

  Program& program_;
  std::vector<Token> tokens_;
  std::size_t pos_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
  Reads reads_;
  std::vector<std::pair<std::string_view, std::size_t>> open_;  // statements not yet closed
  std::unordered_map<std::string_view, NameId> ids_;
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
