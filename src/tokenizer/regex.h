#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// A pattern of a tokenizer file, in the dialects of Oniguruma and of Rust's "fancy-regex", run by PCRE2 with
/// its compiler to machine code. `\s` is Unicode's White_Space; categories are those of the newer of PCRE2's
/// tables and utf8proc's. Ill-formed UTF-8 never matches. Immutable; matches may run concurrently, each with
/// its own Matcher.
class Regex {
 public:
  /// Throws CorruptData naming the pattern and PCRE2's reason.
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// Space for one match at a time. Refers to the Regex it was made for.
  class Matcher {
   public:
    explicit Matcher(const Regex& regex);
    ~Matcher();
    /// Appends all matches in `text`, left to right, empty ones included, as offsets from `base`. Throws
    /// Exhausted when the pattern needs more steps than a tokenizer's pattern should.
    void find_all(std::string_view text, std::size_t base, std::vector<Match>& out);

   private:
    void find_in_valid(std::string_view text, std::size_t base, std::vector<Match>& out);
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  friend class Matcher;
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

/// `pattern` in PCRE2's dialect, which is what Regex compiles; for tests.
std::string to_pcre2_pattern(std::string_view pattern);

}  // namespace quintet
