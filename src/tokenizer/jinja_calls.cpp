#include <algorithm>

#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"

// Calls: arguments, macros, recursive loops, filters and tests.

namespace quintet::jinja {

void Interpreter::collect(Arguments& into, const ArgumentList& list, Scope& scope) {
  into.positional.reserve(list.positional.size());
  for (const auto* node : list.positional) into.positional.push_back(evaluate(*node, scope));
  if (list.spread != nullptr) {
    const auto& items = iterate(evaluate(*list.spread, scope)).items;
    step(items.size());
    into.positional.insert(into.positional.end(), items.begin(), items.end());
  }
  for (const auto& [name, node] : list.named) into.named.emplace_back(name, evaluate(*node, scope));
  if (list.spread_named != nullptr) {
    const auto mapping = evaluate(*list.spread_named, scope);
    if (!mapping.is(Kind::dict)) fail(cat("'**' needs a mapping, got ", kind_name(mapping.kind())));
    for (const auto& [key, value] : mapping.as_dict().entries) {
      if (!key.is(Kind::string)) fail("'**' needs a mapping whose keys are strings");
      if (into.find_named(key.text()) != nullptr) fail(cat("argument '", key.text(), "' is given twice"));
      into.named.emplace_back(key.text(), value);
      step(1 + into.named.size() / 8);
    }
  }
}

Value Interpreter::call_node(const Call& node, Scope& scope, const Value* caller) {
  const auto callee = evaluate(*node.callee, scope);
  auto arguments = new_arguments();
  collect(arguments, node.arguments, scope);
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  offset_ = node.offset;
  return call(callee, arguments);
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  if (callee.is(Kind::loop)) return call_loop(callee.as_loop(), arguments);
  if (!callee.is(Kind::function)) {
    if (callee.is(Kind::undefined) && !callee.text().empty())
      fail(cat("there is no function or method '", truncate_utf8(callee.text(), 60), "'"));
    fail(cat("cannot call ", kind_name(callee.kind())));
  }
  const auto& function = callee.as_function();
  if (function.native != nullptr) return function.native(*this, function.self, arguments);
  return call_signature(function, arguments);
}

Value Interpreter::call_signature(const Function& function, Arguments& arguments) {
  const auto& signature = *function.signature;
  const Deeper deeper(*this);
  auto* scope = arena_.make<Scope>(arena_, function.closure);
  const auto n_given = arguments.positional.size();
  const auto n_parameters = signature.parameters.size();
  auto* rest = arena_.make<Dict>(arena_);
  for (const auto& [name, value] : arguments.named) {
    if (name == "caller") {
      scope->set(kCallerName, value);
      continue;
    }
    const auto& all = signature.parameters;
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.name == name; });
    if (at == all.end()) {
      if (!signature.reads_kwargs) fail(cat("macro '", signature.name, "' has no parameter '", name, "'"));
      put(*rest, Value::string(name), value, *this);
    } else if (static_cast<std::size_t>(at - all.begin()) < n_given) {
      fail(cat("macro '", signature.name, "' got parameter '", name, "' twice"));
    } else {
      scope->set(at->id, value);
    }
  }
  if (n_given > n_parameters && !signature.reads_varargs)
    fail(cat("macro '", signature.name, "' takes at most ", n_parameters, " arguments, got ", n_given));
  if (signature.reads_kwargs) scope->set(kKwargsName, Value::dict(rest));
  if (signature.reads_varargs) {
    const std::span<const Value> all(arguments.positional);
    const auto more = new_list(all.subspan(std::min(n_parameters, n_given)));
    scope->set(kVarargsName, Value::tuple(&more.as_list()));
  }
  for (std::size_t i = 0; i < std::min(n_given, n_parameters); ++i)
    scope->set(signature.parameters[i].id, arguments.positional[i]);
  // A parameter without a value hides a variable of that name outside, also while defaults are evaluated.
  for (const auto& parameter : signature.parameters)
    if (scope->find(parameter.id) == nullptr) scope->set(parameter.id, Value::undefined(parameter.name));
  for (std::size_t i = n_given; i < n_parameters; ++i) {
    const auto& parameter = signature.parameters[i];
    if (parameter.fallback == nullptr || arguments.find_named(parameter.name) != nullptr) continue;
    scope->set(parameter.id, evaluate(*parameter.fallback, *scope));
  }
  const Capture capture(out_);
  run(signature.body, *scope);
  return new_string(capture.text());
}

Value Interpreter::call_loop(Loop& loop, Arguments& arguments) {
  if (!loop.node->recursive) fail("loop() needs a recursive loop: {% for x in y recursive %}");
  const auto bound = bind(*this, "loop", arguments, {"iterable"}, 1);
  const Deeper deeper(*this);
  auto* inner = arena_.make<Loop>();
  inner->node = loop.node;
  inner->scope = loop.scope;
  inner->depth = loop.depth + 1;
  inner->items = items_of(*loop.node, *bound[0], *loop.scope);
  const Capture capture(out_);
  run_items(*inner);
  return new_string(capture.text());
}

Value Interpreter::filter(const FilterCall& node, const Value& subject, Scope& scope) {
  auto arguments = new_arguments();
  collect(arguments, node.arguments, scope);
  offset_ = node.offset;
  if (node.code == nullptr)
    fail(cat("there is no filter '", truncate_utf8(node.name, 40), "'", suggest_filter()));
  step(1);
  return node.code(*this, subject, arguments);
}

Value Interpreter::test(const TestCall& node, Scope& scope) {
  const auto subject = evaluate(*node.operand, scope);
  auto arguments = new_arguments();
  collect(arguments, node.arguments, scope);
  offset_ = node.offset;
  if (node.code == nullptr)
    fail(cat("there is no test '", truncate_utf8(node.name, 40), "'", suggest_test()));
  return Value::boolean(node.code(*this, subject, arguments) != node.negated);
}

Value Interpreter::apply_filter(std::string_view name, const Value& subject, Arguments& arguments) {
  const auto code = find_filter(name);
  if (code == nullptr) fail(cat("there is no filter '", truncate_utf8(name, 40), "'", suggest_filter()));
  step(1);
  const Deeper deeper(*this);
  return code(*this, subject, arguments);
}

bool Interpreter::apply_test(std::string_view name, const Value& subject, Arguments& arguments) {
  const auto code = find_test(name);
  if (code == nullptr) fail(cat("there is no test '", truncate_utf8(name, 40), "'", suggest_test()));
  step(1);
  return code(*this, subject, arguments);
}

}  // namespace quintet::jinja
