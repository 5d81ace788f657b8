#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja_value.h"

namespace quintet::jinja {

class Interpreter;

/// A variable's name, numbered by the parser so that scopes compare numbers.
using NameId = std::uint32_t;

enum class NodeKind : std::uint8_t {
  // expressions
  literal,
  name,
  list,
  dict,
  unary,
  binary,
  concat,
  compare,
  conditional,
  attribute,
  subscript,
  slice,
  call,
  filter,
  test,
  // statements
  data,
  output,
  branch,
  loop,
  set,
  set_block,
  macro,
  call_block,
  filter_block,
  with,
  leave,
  next,
  block
};

/// Nodes are owned by their Program in one flat list and point at each other: dropping a deep tree recurses
/// not.
struct Node {
  explicit Node(NodeKind what) noexcept : kind(what) {}
  virtual ~Node() = default;

  NodeKind kind;
  std::uint16_t depth = 1;   // of the tree below, itself included; bounded by the parser
  std::uint32_t offset = 0;  // where it stands in Program::source, bytes
};

using Nodes = std::vector<const Node*>;

struct Literal final : Node {
  Literal() : Node(NodeKind::literal) {}
  Value value;
};

struct Name final : Node {
  Name() : Node(NodeKind::name) {}
  NameId id = 0;
  std::string_view text;
};

struct ListDisplay final : Node {
  ListDisplay() : Node(NodeKind::list) {}
  bool is_tuple = false;
  Nodes items;
};

struct DictDisplay final : Node {
  DictDisplay() : Node(NodeKind::dict) {}
  std::vector<std::pair<const Node*, const Node*>> items;
};

enum class Operator : std::uint8_t {
  negate,
  plus,
  logical_not,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  logical_and,
  logical_or,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};
std::string_view operator_text(Operator op) noexcept;

struct Unary final : Node {
  Unary() : Node(NodeKind::unary) {}
  Operator op = Operator::negate;
  const Node* operand = nullptr;
};

struct Binary final : Node {
  Binary() : Node(NodeKind::binary) {}
  Operator op = Operator::add;
  const Node* left = nullptr;
  const Node* right = nullptr;
};

struct Concat final : Node {
  Concat() : Node(NodeKind::concat) {}
  Nodes parts;
};

struct Compare final : Node {  // a < b < c, each evaluated once
  Compare() : Node(NodeKind::compare) {}
  const Node* first = nullptr;
  std::vector<std::pair<Operator, const Node*>> rest;
};

struct Conditional final : Node {
  Conditional() : Node(NodeKind::conditional) {}
  const Node* test = nullptr;
  const Node* yes = nullptr;
  const Node* no = nullptr;  // absent: undefined
};

struct Attribute final : Node {
  Attribute() : Node(NodeKind::attribute) {}
  const Node* object = nullptr;
  std::string_view name;
};

struct Subscript final : Node {
  Subscript() : Node(NodeKind::subscript) {}
  const Node* object = nullptr;
  const Node* index = nullptr;
};

struct Slice final : Node {
  Slice() : Node(NodeKind::slice) {}
  const Node* object = nullptr;
  const Node* start = nullptr;  // each may be absent
  const Node* stop = nullptr;
  const Node* step = nullptr;
};

struct ArgumentList {
  Nodes positional;
  std::vector<std::pair<std::string_view, const Node*>> named;
  const Node* spread = nullptr;        // *args
  const Node* spread_named = nullptr;  // **kwargs
};

struct Call final : Node {
  Call() : Node(NodeKind::call) {}
  const Node* callee = nullptr;
  ArgumentList arguments;
};

struct Arguments;
using Filter = Value (*)(Interpreter&, const Value& subject, Arguments&);
using Test = bool (*)(Interpreter&, const Value& subject, Arguments&);

struct FilterCall final : Node {
  FilterCall() : Node(NodeKind::filter) {}
  const Node* operand = nullptr;  // absent in {% filter %} and {% set x | f %}
  std::string_view name;
  Filter code = nullptr;  // absent: unknown, an error when reached
  ArgumentList arguments;
};

struct TestCall final : Node {
  TestCall() : Node(NodeKind::test) {}
  const Node* operand = nullptr;
  bool negated = false;
  std::string_view name;
  Test code = nullptr;
  ArgumentList arguments;
};

struct Data final : Node {
  Data() : Node(NodeKind::data) {}
  std::string_view text;
};

struct Output final : Node {
  Output() : Node(NodeKind::output) {}
  const Node* expression = nullptr;
};

struct Branch final : Node {
  Branch() : Node(NodeKind::branch) {}
  std::vector<std::pair<const Node*, Nodes>> cases;
  Nodes otherwise;
};

struct ForLoop final : Node {
  ForLoop() : Node(NodeKind::loop) {}
  const Node* target = nullptr;
  const Node* items = nullptr;
  const Node* condition = nullptr;  // absent: all
  bool recursive = false;
  Nodes body;
  Nodes otherwise;
};

struct Set final : Node {
  Set() : Node(NodeKind::set) {}
  const Node* target = nullptr;
  const Node* value = nullptr;
};

struct SetBlock final : Node {
  SetBlock() : Node(NodeKind::set_block) {}
  const Node* target = nullptr;
  std::vector<const FilterCall*> filters;
  Nodes body;
};

/// What a macro and the body of a {% call %} have in common.
struct Signature {
  struct Parameter {
    NameId id = 0;
    std::string_view name;
    const Node* fallback = nullptr;
  };
  std::string_view name;
  std::vector<Parameter> parameters;
  Nodes body;
  bool reads_kwargs = false;
  bool reads_varargs = false;
};

struct Macro final : Node {
  Macro() : Node(NodeKind::macro) {}
  NameId id = 0;
  Signature signature;
};

struct CallBlock final : Node {
  CallBlock() : Node(NodeKind::call_block) {}
  const Call* call = nullptr;
  Signature signature;
};

struct FilterBlock final : Node {
  FilterBlock() : Node(NodeKind::filter_block) {}
  std::vector<const FilterCall*> filters;
  Nodes body;
};

struct With final : Node {
  With() : Node(NodeKind::with) {}
  std::vector<std::pair<const Node*, const Node*>> values;
  Nodes body;
};

struct Leave final : Node {
  Leave() : Node(NodeKind::leave) {}
};

struct Next final : Node {
  Next() : Node(NodeKind::next) {}
};

struct Block final : Node {
  Block() : Node(NodeKind::block) {}
  Nodes body;
};

/// A parsed template: immutable, so that any threads may render it. Views in nodes point into `source` and
/// `strings`, hence it stays where it was made.
struct Program {
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string name;
  std::string source;  // with "\n" line ends
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<std::string>> strings;
  std::vector<std::string_view> names;  // by NameId
  Nodes body;
};

/// The ids that every program gives to these names.
enum : NameId { kLoopName, kCallerName, kKwargsName, kVarargsName, kFirstFreeName };

/// Throws InvalidArgument: "chat template NAME, line 3, column 7: MESSAGE".
[[noreturn]] void fail_at(const Program& program, std::size_t offset, std::string_view message);
std::string where(const Program& program, std::size_t offset);

/// Throws InvalidArgument with the place and what would work. At most 1 MiB of valid UTF-8, nested at most
/// 200 rules deep.
std::shared_ptr<const Program> parse_program(std::string_view source, std::string_view name);

}  // namespace quintet::jinja
