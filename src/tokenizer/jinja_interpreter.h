#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/json.h"
#include "core/time.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/jinja_builtins.h"
#include "tokenizer/jinja_program.h"
#include "tokenizer/jinja_value.h"

namespace quintet::jinja {

struct Environment {
  TemplateLimits limits;
  /// What strftime_now reads, as UTC. Absent: the clock, in local time.
  std::optional<TimestampMs> now;
};

struct Variable {
  std::string_view name;
  const Json* value = nullptr;
};

struct Scope {
  Scope(Arena& arena, Scope* outer) : parent(outer), variables(&arena) {}
  Value* find(NameId id) noexcept;
  void set(NameId id, const Value& value);

  Scope* parent;
  std::pmr::vector<std::pair<NameId, Value>> variables;
};

struct Loop {
  const ForLoop* node = nullptr;
  Scope* scope = nullptr;  // around the loop
  List* items = nullptr;
  std::size_t index = 0;
  std::size_t depth = 0;    // of recursion
  List* changed = nullptr;  // what loop.changed() was last given
};

struct Function {
  std::string_view name;
  Native native = nullptr;
  Value self;
  // A macro, or the body of a call block:
  const Signature* signature = nullptr;
  Scope* closure = nullptr;
};

/// One render of a Program: evaluates its tree with everything bounded. Filters, tests and functions are
/// written against its public part.
class Interpreter final : public Budget {
 public:
  Interpreter(const Program& program, const Environment& environment);

  /// `variables` need not outlive the call. Throws InvalidArgument with the place in the template, Exhausted
  /// when a limit is passed.
  std::string render(std::span<const Variable> variables);

  Arena& arena() noexcept { return arena_; }
  const Environment& environment() const noexcept { return environment_; }

  void step(std::size_t n) override;
  [[noreturn]] void too_deep() override;
  /// InvalidArgument at the node under evaluation.
  [[noreturn]] void fail(std::string_view message) const;

  Value new_string(std::string_view text) { return Value::string(arena_.copy(text)); }
  Value new_list(std::span<const Value> items = {});
  Value new_tuple(std::initializer_list<Value> items);
  Value new_list_of_strings(std::span<const std::string_view> parts);
  Value new_dict() { return Value::dict(arena_.make<Dict>(arena_)); }
  Value new_function(std::string_view name, Native code, const Value& self);
  Arguments new_arguments() {
    return {std::pmr::vector<Value>(&arena_), decltype(Arguments::named)(&arena_)};
  }

  /// What a for loop would visit: characters, keys, items. Fails for what cannot be iterated.
  List& iterate(const Value& value);
  /// x.name, methods before keys; and x[key], keys before methods. Undefined when there is none.
  Value attribute(const Value& object, std::string_view name);
  Value item(const Value& object, const Value& key);
  /// "a.b.0", as filters take it; an integer is an index. `otherwise` stands in for what is undefined on the
  /// way.
  Value path(const Value& object, const Value& path, const std::optional<Value>& otherwise = std::nullopt);
  bool contains(const Value& container, const Value& member);
  std::string str(const Value& value);
  Value call(const Value& callee, Arguments& arguments);
  Value apply_filter(std::string_view name, const Value& subject, Arguments& arguments);
  bool apply_test(std::string_view name, const Value& subject, Arguments& arguments);

 private:
  enum class Flow : std::uint8_t { on, leave, next };
  /// Counts one level of evaluation while it lives; throws Exhausted past the limit.
  class Deeper {
   public:
    explicit Deeper(Interpreter& interpreter);
    ~Deeper() { --interpreter_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Interpreter& interpreter_;
  };

  Flow run(const Nodes& nodes, Scope& scope);
  Flow run(const Node& node, Scope& scope);
  Flow run_branch(const Branch& node, Scope& scope);
  Flow run_for(const ForLoop& node, Scope& scope);
  Flow run_items(Loop& loop);
  Flow run_set_block(const SetBlock& node, Scope& scope);
  Flow run_filter_block(const FilterBlock& node, Scope& scope);
  Flow run_with(const With& node, Scope& scope);
  void run_call_block(const CallBlock& node, Scope& scope);
  void define_macro(const Macro& node, Scope& scope);
  void write(std::string_view text);
  void write(const Value& value);
  void assign(const Node& target, const Value& value, Scope& scope);
  List* items_of(const ForLoop& node, const Value& source, Scope& scope);

  Value evaluate(const Node& node, Scope& scope);
  Value evaluate_inner(const Node& node, Scope& scope);
  Value look_up(const Name& node, Scope& scope);
  Value list_display(const ListDisplay& node, Scope& scope);
  Value dict_display(const DictDisplay& node, Scope& scope);
  Value unary(const Unary& node, Scope& scope);
  Value binary(const Binary& node, Scope& scope);
  Value concat(const Concat& node, Scope& scope);
  Value comparison(const Compare& node, Scope& scope);
  bool compare_pair(Operator op, const Value& left, const Value& right);
  Value slice(const Slice& node, Scope& scope);
  Value call_node(const Call& node, Scope& scope, const Value* caller);
  Value filter(const FilterCall& node, const Value& subject, Scope& scope);
  Value test(const TestCall& node, Scope& scope);
  void collect(Arguments& into, const ArgumentList& list, Scope& scope);
  Value call_signature(const Function& function, Arguments& arguments);
  Value call_loop(Loop& loop, Arguments& arguments);
  Value loop_attribute(Loop& loop, std::string_view name);

  const Program& program_;
  Environment environment_;
  Arena arena_;
  std::string* out_ = nullptr;
  std::size_t n_steps_ = 0;
  std::size_t depth_ = 0;
  std::size_t output_bytes_ = 0;
  std::uint32_t offset_ = 0;  // of the node under evaluation
};

/// Sends what is written to a string of its own while it lives.
class Capture {
 public:
  explicit Capture(std::string*& out) : out_(out), saved_(out) { out_ = &text_; }
  ~Capture() { out_ = saved_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  const std::string& text() const noexcept { return text_; }

 private:
  std::string*& out_;
  std::string* saved_;
  std::string text_;
};

/// Arithmetic of two values as Python does it, strings and lists included.
Value arithmetic(Interpreter& interpreter, Operator op, const Value& left, const Value& right);
Value negate(Interpreter& interpreter, const Value& operand);
/// x[start:stop:step]; absent parts are none.
Value slice_of(Interpreter& interpreter, const Value& object, const Value& start, const Value& stop,
               const Value& step);

}  // namespace quintet::jinja
