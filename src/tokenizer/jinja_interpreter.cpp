#include "tokenizer/jinja_interpreter.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

template <typename T>
const T& as(const Node& node) noexcept {
  return static_cast<const T&>(node);
}

}  // namespace

Value* Scope::find(NameId id) noexcept {
  for (auto& [name, value] : variables)
    if (name == id) return &value;
  return nullptr;
}

void Scope::set(NameId id, const Value& value) {
  if (auto* present = find(id)) {
    *present = value;
  } else {
    variables.emplace_back(id, value);
  }
}

Interpreter::Deeper::Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
  if (++interpreter_.depth_ > interpreter_.environment_.limits.max_depth) {
    --interpreter_.depth_;
    throw Exhausted(cat(where(interpreter_.program_, interpreter_.offset_), ": more than ",
                        interpreter_.environment_.limits.max_depth,
                        " nested evaluations (max_depth); a macro may be calling itself without end"));
  }
}

Interpreter::Interpreter(const Program& program, const Environment& environment)
    : program_(program), environment_(environment), arena_(environment.limits.max_memory_bytes) {}

std::string Interpreter::render(std::span<const Variable> variables) {
  auto* root = arena_.make<Scope>(arena_, nullptr);
  for (NameId id = 0; id < program_.names.size();
       ++id) {  // those that the template does not name cost nothing
    for (const auto& variable : variables)
      if (variable.name == program_.names[id]) root->set(id, from_json(*variable.value, arena_, *this));
  }
  std::string out;
  out_ = &out;
  run(program_.body, *root);
  return out;
}

void Interpreter::step(std::size_t n) {
  n_steps_ += n;
  if (n_steps_ > environment_.limits.max_steps)
    throw Exhausted(cat(where(program_, offset_), ": rendering takes more than ",
                        environment_.limits.max_steps,
                        " steps (max_steps); shorten the conversation or raise the limit"));
}

void Interpreter::too_deep() {
  throw Exhausted(cat(where(program_, offset_), ": a value is nested more than ", kMaxValueDepth,
                      " deep; a list may hold itself"));
}

void Interpreter::fail(std::string_view message) const {
  fail_at(program_, offset_, message);
}

// ---- statements

void Interpreter::write(std::string_view text) {
  output_bytes_ += text.size();
  if (output_bytes_ > environment_.limits.max_output_bytes)
    throw Exhausted(cat(where(program_, offset_), ": the template writes more than ",
                        environment_.limits.max_output_bytes,
                        " bytes (max_output_bytes); shorten the conversation or raise the limit"));
  out_->append(text);
}

void Interpreter::write(const Value& value) {
  if (value.is(Kind::string)) {
    write(value.text());
  } else if (!value.is(Kind::undefined)) {
    write(str(value));
  }
}

Interpreter::Flow Interpreter::run(const Nodes& nodes, Scope& scope) {
  for (const auto* node : nodes) {
    const auto flow = run(*node, scope);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run(const Node& node, Scope& scope) {
  const Deeper deeper(*this);
  step(1);
  offset_ = node.offset;
  switch (node.kind) {
    case NodeKind::data: write(as<Data>(node).text); return Flow::on;
    case NodeKind::output: write(evaluate(*as<Output>(node).expression, scope)); return Flow::on;
    case NodeKind::branch: return run_branch(as<Branch>(node), scope);
    case NodeKind::loop: return run_for(as<ForLoop>(node), scope);
    case NodeKind::set: {
      const auto& set = as<Set>(node);
      const auto value = evaluate(*set.value, scope);
      offset_ = node.offset;
      if (set.target != nullptr) assign(*set.target, value, scope);
      return Flow::on;
    }
    case NodeKind::set_block: return run_set_block(as<SetBlock>(node), scope);
    case NodeKind::macro: define_macro(as<Macro>(node), scope); return Flow::on;
    case NodeKind::call_block: run_call_block(as<CallBlock>(node), scope); return Flow::on;
    case NodeKind::filter_block: return run_filter_block(as<FilterBlock>(node), scope);
    case NodeKind::with: return run_with(as<With>(node), scope);
    case NodeKind::leave: return Flow::leave;
    case NodeKind::next: return Flow::next;
    case NodeKind::block: return run(as<Block>(node).body, scope);
    case NodeKind::literal:
    case NodeKind::name:
    case NodeKind::list:
    case NodeKind::dict:
    case NodeKind::unary:
    case NodeKind::binary:
    case NodeKind::concat:
    case NodeKind::compare:
    case NodeKind::conditional:
    case NodeKind::attribute:
    case NodeKind::subscript:
    case NodeKind::slice:
    case NodeKind::call:
    case NodeKind::filter:
    case NodeKind::test: break;
  }
  throw InternalError("chat template: an expression stands where a statement was expected");
}

Interpreter::Flow Interpreter::run_branch(const Branch& node, Scope& scope) {
  for (const auto& [test, body] : node.cases)
    if (truthy(evaluate(*test, scope))) return run(body, scope);
  return run(node.otherwise, scope);
}

List* Interpreter::items_of(const ForLoop& node, const Value& source, Scope& scope) {
  auto& all = iterate(source);
  // A copy: the body may change the list it goes through.
  auto* items = arena_.make<List>(arena_);
  if (node.condition == nullptr) {
    items->items = all.items;
    step(all.items.size() / 4);
    return items;
  }
  auto* inner = arena_.make<Scope>(arena_, &scope);
  for (std::size_t i = 0; i < all.items.size(); ++i) {
    const auto item = all.items[i];
    assign(*node.target, item, *inner);
    if (truthy(evaluate(*node.condition, *inner))) items->items.push_back(item);
  }
  return items;
}

Interpreter::Flow Interpreter::run_for(const ForLoop& node, Scope& scope) {
  const auto source = evaluate(*node.items, scope);
  offset_ = node.offset;
  auto* loop = arena_.make<Loop>();
  loop->node = &node;
  loop->scope = &scope;
  loop->items = items_of(node, source, scope);
  return run_items(*loop);
}

Interpreter::Flow Interpreter::run_items(Loop& loop) {
  const auto& node = *loop.node;
  // Jinja takes the else branch unless one pass came to the end of the body: a loop that only continues or
  // breaks has not "iterated".
  bool came_to_end = false;
  for (loop.index = 0; loop.index < loop.items->items.size(); ++loop.index) {
    auto* scope = arena_.make<Scope>(arena_, loop.scope);
    offset_ = node.offset;
    scope->set(kLoopName, Value::loop(&loop));
    assign(*node.target, loop.items->items[loop.index], *scope);
    const auto flow = run(node.body, *scope);
    if (flow == Flow::leave) break;
    came_to_end |= flow == Flow::on;
  }
  if (came_to_end || node.otherwise.empty()) return Flow::on;
  return run(node.otherwise, *arena_.make<Scope>(arena_, loop.scope));
}

void Interpreter::assign(const Node& target, const Value& value, Scope& scope) {
  if (target.kind == NodeKind::name) {
    step(scope.variables.size() / 16);
    scope.set(as<Name>(target).id, value);
  } else if (target.kind == NodeKind::attribute) {
    const auto& attribute = as<Attribute>(target);
    const auto object = evaluate(*attribute.object, scope);
    offset_ = target.offset;
    if (!object.is(Kind::space))
      fail(cat("only a namespace has attributes that can be set, this is ", kind_name(object.kind()),
               "; make one with {% set ns = namespace(", attribute.name, "=none) %}"));
    put(object.as_dict(), Value::string(attribute.name), value, *this);
  } else {
    const auto& targets = as<ListDisplay>(target).items;
    const auto& items = iterate(value).items;
    if (items.size() != targets.size())
      fail(cat("cannot assign ", items.size(), " values to ", targets.size(), " names"));
    const Deeper deeper(*this);
    for (std::size_t i = 0; i < targets.size(); ++i) assign(*targets[i], items[i], scope);
  }
}

Interpreter::Flow Interpreter::run_set_block(const SetBlock& node, Scope& scope) {
  Value value;
  {
    const Capture capture(out_);
    const auto flow = run(node.body, *arena_.make<Scope>(arena_, &scope));
    if (flow != Flow::on) return flow;
    value = new_string(capture.text());
  }
  for (const auto* call : node.filters) value = filter(*call, value, scope);
  offset_ = node.offset;
  assign(*node.target, value, scope);
  return Flow::on;
}

Interpreter::Flow Interpreter::run_filter_block(const FilterBlock& node, Scope& scope) {
  Value value;
  {
    const Capture capture(out_);
    const auto flow = run(node.body, *arena_.make<Scope>(arena_, &scope));
    if (flow != Flow::on) return flow;
    value = new_string(capture.text());
  }
  for (const auto* call : node.filters) value = filter(*call, value, scope);
  write(value);
  return Flow::on;
}

Interpreter::Flow Interpreter::run_with(const With& node, Scope& scope) {
  auto* inner = arena_.make<Scope>(arena_, &scope);
  for (const auto& [target, value] : node.values) assign(*target, evaluate(*value, scope), *inner);
  return run(node.body, *inner);
}

void Interpreter::define_macro(const Macro& node, Scope& scope) {
  auto* function = arena_.make<Function>();
  function->name = node.signature.name;
  function->signature = &node.signature;
  function->closure = &scope;
  scope.set(node.id, Value::function(function));
}

void Interpreter::run_call_block(const CallBlock& node, Scope& scope) {
  auto* function = arena_.make<Function>();
  function->name = node.signature.name;
  function->signature = &node.signature;
  function->closure = &scope;
  const auto caller = Value::function(function);
  write(call_node(*node.call, scope, &caller));
}

// ---- expressions

Value Interpreter::evaluate(const Node& node, Scope& scope) {
  const Deeper deeper(*this);
  step(1);
  offset_ = node.offset;
  return evaluate_inner(node, scope);
}

Value Interpreter::evaluate_inner(const Node& node, Scope& scope) {
  switch (node.kind) {
    case NodeKind::literal: return as<Literal>(node).value;
    case NodeKind::name: return look_up(as<Name>(node), scope);
    case NodeKind::list: return list_display(as<ListDisplay>(node), scope);
    case NodeKind::dict: return dict_display(as<DictDisplay>(node), scope);
    case NodeKind::unary: return unary(as<Unary>(node), scope);
    case NodeKind::binary: return binary(as<Binary>(node), scope);
    case NodeKind::concat: return concat(as<Concat>(node), scope);
    case NodeKind::compare: return comparison(as<Compare>(node), scope);
    case NodeKind::conditional: {
      const auto& choice = as<Conditional>(node);
      if (truthy(evaluate(*choice.test, scope))) return evaluate(*choice.yes, scope);
      return choice.no != nullptr ? evaluate(*choice.no, scope) : Value();
    }
    case NodeKind::attribute: {
      const auto& access = as<Attribute>(node);
      const auto object = evaluate(*access.object, scope);
      offset_ = node.offset;
      return attribute(object, access.name);
    }
    case NodeKind::subscript: {
      const auto& access = as<Subscript>(node);
      const auto object = evaluate(*access.object, scope);
      const auto key = evaluate(*access.index, scope);
      offset_ = node.offset;
      return item(object, key);
    }
    case NodeKind::slice: return slice(as<Slice>(node), scope);
    case NodeKind::call: return call_node(as<Call>(node), scope, nullptr);
    case NodeKind::filter: {
      const auto& call = as<FilterCall>(node);
      return filter(call, evaluate(*call.operand, scope), scope);
    }
    case NodeKind::test: return test(as<TestCall>(node), scope);
    case NodeKind::data:
    case NodeKind::output:
    case NodeKind::branch:
    case NodeKind::loop:
    case NodeKind::set:
    case NodeKind::set_block:
    case NodeKind::macro:
    case NodeKind::call_block:
    case NodeKind::filter_block:
    case NodeKind::with:
    case NodeKind::leave:
    case NodeKind::next:
    case NodeKind::block: break;
  }
  throw InternalError("chat template: a statement stands where an expression was expected");
}

Value Interpreter::look_up(const Name& node, Scope& scope) {
  for (auto* at = &scope; at != nullptr; at = at->parent) {
    step(at->variables.size() / 16);
    if (const auto* value = at->find(node.id)) return *value;
  }
  if (const auto code = find_global(node.text)) return new_function(node.text, code, Value());
  return Value::undefined(node.text);
}

Value Interpreter::list_display(const ListDisplay& node, Scope& scope) {
  auto* list = arena_.make<List>(arena_);
  list->items.reserve(node.items.size());
  for (const auto* item : node.items) list->items.push_back(evaluate(*item, scope));
  return node.is_tuple ? Value::tuple(list) : Value::list(list);
}

Value Interpreter::dict_display(const DictDisplay& node, Scope& scope) {
  auto* dict = arena_.make<Dict>(arena_);
  dict->entries.reserve(node.items.size());
  for (const auto& [key, value] : node.items) {
    const auto name = evaluate(*key, scope);
    if (name.is(Kind::list) || name.is(Kind::dict))
      fail(cat("a key of a mapping cannot be ", kind_name(name.kind()), "; use a string"));
    put(*dict, name, evaluate(*value, scope), *this);
  }
  return Value::dict(dict);
}

Value Interpreter::unary(const Unary& node, Scope& scope) {
  const auto operand = evaluate(*node.operand, scope);
  offset_ = node.offset;
  if (node.op == Operator::logical_not) return Value::boolean(!truthy(operand));
  if (!operand.is_number())
    fail(cat("'", operator_text(node.op), "' needs a number, got ", kind_name(operand.kind())));
  if (node.op == Operator::negate) return negate(*this, operand);
  return operand.is(Kind::boolean) ? Value::integer(operand.as_integer()) : operand;
}

Value Interpreter::binary(const Binary& node, Scope& scope) {
  const auto left = evaluate(*node.left, scope);
  if (node.op == Operator::logical_and) return truthy(left) ? evaluate(*node.right, scope) : left;
  if (node.op == Operator::logical_or) return truthy(left) ? left : evaluate(*node.right, scope);
  const auto right = evaluate(*node.right, scope);
  offset_ = node.offset;
  return arithmetic(*this, node.op, left, right);
}

Value Interpreter::concat(const Concat& node, Scope& scope) {
  std::string text;
  for (const auto* part : node.parts) {
    const auto value = evaluate(*part, scope);
    append_str(text, value, *this);
    if (text.size() > environment_.limits.max_memory_bytes) break;  // the arena refuses it below
  }
  offset_ = node.offset;
  step(text.size() / 64);
  return new_string(text);
}

bool Interpreter::compare_pair(Operator op, const Value& left, const Value& right) {
  switch (op) {
    case Operator::equal: return equal(left, right, *this);
    case Operator::not_equal: return !equal(left, right, *this);
    case Operator::in: return contains(right, left);
    case Operator::not_in: return !contains(right, left);
    case Operator::less: return compare(*this, left, right) == -1;
    case Operator::less_equal: {
      const auto order = compare(*this, left, right);
      return order == -1 || order == 0;
    }
    case Operator::greater: return compare(*this, left, right) == 1;
    case Operator::greater_equal: {
      const auto order = compare(*this, left, right);
      return order == 1 || order == 0;
    }
    case Operator::negate:
    case Operator::plus:
    case Operator::logical_not:
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::divide:
    case Operator::floor_divide:
    case Operator::modulo:
    case Operator::power:
    case Operator::logical_and:
    case Operator::logical_or: break;
  }
  throw InternalError("chat template: not a comparison");
}

Value Interpreter::comparison(const Compare& node, Scope& scope) {
  auto left = evaluate(*node.first, scope);
  for (const auto& [op, operand] : node.rest) {
    const auto right = evaluate(*operand, scope);
    offset_ = node.offset;
    if (!compare_pair(op, left, right)) return Value::boolean(false);
    left = right;
  }
  return Value::boolean(true);
}

Value Interpreter::slice(const Slice& node, Scope& scope) {
  const auto part = [&](const Node* bound) {
    return bound != nullptr ? evaluate(*bound, scope) : Value::none();
  };
  const auto object = evaluate(*node.object, scope);
  const auto start = part(node.start);
  const auto stop = part(node.stop);
  const auto step_size = part(node.step);
  offset_ = node.offset;
  return slice_of(*this, object, start, stop, step_size);
}

}  // namespace quintet::jinja
