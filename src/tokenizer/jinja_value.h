#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/json.h"

namespace quintet::jinja {

/// Memory of one render: everything a template makes lives here and goes at once, so that cyclic lists leak
/// nothing and no destructor recurses. Throws Exhausted when `limit_bytes` would be passed.
class Arena final : public std::pmr::memory_resource {
 public:
  explicit Arena(std::size_t limit_bytes) noexcept : limit_bytes_(limit_bytes) {}
  ~Arena() override;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::string_view copy(std::string_view text);
  /// The result's destructor never runs: its memory must come from this arena too.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t limit_bytes_;
  std::size_t taken_bytes_ = 0;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::vector<void*> blocks_;
};

enum class Kind : std::uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  space,  // namespace(): attributes that can be set
  loop,
  function
};

struct List;
struct Dict;
struct Loop;
struct Function;

/// One value of a running template: three words, copied freely. What it points to belongs to the render's
/// Arena or, for literals, to the parsed template. Strings are valid UTF-8.
class Value {
 public:
  Value() noexcept = default;
  /// `name` is what was not found, for the message when it is used.
  static Value undefined(std::string_view name) noexcept { return text_of(Kind::undefined, name); }
  static Value none() noexcept { return Value(Kind::none); }
  static Value boolean(bool value) noexcept {
    Value result(Kind::boolean);
    result.word_.boolean = value;
    return result;
  }
  static Value integer(std::int64_t value) noexcept {
    Value result(Kind::integer);
    result.word_.integer = value;
    return result;
  }
  static Value real(double value) noexcept {
    Value result(Kind::real);
    result.word_.real = value;
    return result;
  }
  static Value string(std::string_view text) noexcept { return text_of(Kind::string, text); }
  static Value list(List* items) noexcept { return pointer_to(Kind::list, &Word::list, items); }
  static Value tuple(List* items) noexcept { return pointer_to(Kind::tuple, &Word::list, items); }
  static Value dict(Dict* members) noexcept { return pointer_to(Kind::dict, &Word::dict, members); }
  static Value space(Dict* members) noexcept { return pointer_to(Kind::space, &Word::dict, members); }
  static Value loop(Loop* state) noexcept { return pointer_to(Kind::loop, &Word::loop, state); }
  static Value function(Function* code) noexcept { return pointer_to(Kind::function, &Word::function, code); }

  Kind kind() const noexcept { return kind_; }
  bool is(Kind kind) const noexcept { return kind_ == kind; }
  bool is_list() const noexcept { return kind_ == Kind::list || kind_ == Kind::tuple; }
  bool is_number() const noexcept {
    return kind_ == Kind::integer || kind_ == Kind::real || kind_ == Kind::boolean;
  }
  /// An integer in the way of Python, where True is 1.
  bool is_integral() const noexcept { return kind_ == Kind::integer || kind_ == Kind::boolean; }

  // Each is valid for its kind only.
  bool as_boolean() const noexcept { return word_.boolean; }
  std::int64_t as_integer() const noexcept {
    return kind_ == Kind::boolean ? std::int64_t{word_.boolean} : word_.integer;
  }
  double as_real() const noexcept {
    return kind_ == Kind::real ? word_.real : static_cast<double>(as_integer());
  }
  std::string_view text() const noexcept { return {word_.text, size_}; }  // also the name of an undefined
  List& as_list() const noexcept { return *word_.list; }
  Dict& as_dict() const noexcept { return *word_.dict; }
  Loop& as_loop() const noexcept { return *word_.loop; }
  Function& as_function() const noexcept { return *word_.function; }

 private:
  union Word {
    bool boolean;
    std::int64_t integer;
    double real;
    const char* text = nullptr;
    List* list;
    Dict* dict;
    Loop* loop;
    Function* function;
  };

  explicit Value(Kind kind) noexcept : kind_(kind) {}
  static Value text_of(Kind kind, std::string_view text) noexcept {
    Value result(kind);
    result.word_.text = text.data();
    result.size_ = text.size();
    return result;
  }
  template <typename T>
  static Value pointer_to(Kind kind, T* Word::* member, T* pointer) noexcept {
    Value result(kind);
    result.word_.*member = pointer;
    return result;
  }

  Word word_{};
  std::size_t size_ = 0;
  Kind kind_ = Kind::undefined;
};

struct List {
  explicit List(Arena& arena) : items(&arena) {}
  std::pmr::vector<Value> items;
};

/// In order of insertion, as in Python.
struct Dict {
  explicit Dict(Arena& arena) : entries(&arena) {}
  std::pmr::vector<std::pair<Value, Value>> entries;
};

/// What a template calls a thing of this kind in an error: "a string", "a list".
std::string_view kind_name(Kind kind) noexcept;
/// Python's name of the type, as some messages of templates expect: "str", "int".
bool truthy(const Value& value) noexcept;

/// Limits a walk through nested values, which a template can make deep, cyclic or exponentially shared.
class Budget {
 public:
  virtual ~Budget() = default;
  /// Counts `n` steps; throws Exhausted past the limit.
  virtual void step(std::size_t n) = 0;
  /// Throws Exhausted: values are nested deeper than `kMaxValueDepth`.
  [[noreturn]] virtual void too_deep() = 0;
};
constexpr int kMaxValueDepth = 200;

/// Python's ==: 1 == 1.0 == True, lists and dicts by their members, else False across types.
bool equal(const Value& a, const Value& b, Budget& budget, int depth = 0);

/// Python's str(): what {{ value }} prints. An undefined prints nothing.
void append_str(std::string& out, const Value& value, Budget& budget);
/// Python's repr(): what a value inside a printed list looks like.
void append_repr(std::string& out, const Value& value, Budget& budget, int depth = 0);

struct JsonStyle {
  bool ascii = false;
  std::optional<std::string_view> indent;  // one level of it
  std::optional<std::string_view> item_separator;
  std::optional<std::string_view> key_separator;
  bool sort_keys = false;
};
/// Python's json.dumps with ensure_ascii=False, as transformers' `tojson`. Returns false when a value of a
/// kind that JSON lacks was met, its kind in `culprit`.
bool append_json(std::string& out, const Value& value, const JsonStyle& style, Budget& budget, Kind& culprit,
                 int depth = 0);

/// json.dumps of a value from outside, for arguments that a template wants as text.
std::string python_json(const Json& json);

/// Copies into the arena: integers stay integers (above 2^63-1 they become floats), ill-formed UTF-8 is
/// replaced.
Value from_json(const Json& json, Arena& arena, Budget& budget, int depth = 0);

/// The member, or nullptr. Compares in order and counts its steps: dicts of templates are small.
Value* find(Dict& dict, const Value& key, Budget& budget);
Value* find(Dict& dict, std::string_view key, Budget& budget);
void put(Dict& dict, const Value& key, const Value& value, Budget& budget);

}  // namespace quintet::jinja
