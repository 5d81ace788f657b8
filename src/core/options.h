#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

enum class OptionType : std::uint8_t { text, integer, number, boolean, duration, bytes, text_list };

/// One row of the options table: the single source of defaults, `--help`, `quintet config` and
/// docs/configuration.md.
struct OptionSpec {
  std::string_view name;  // "serve.port": [serve] port in quintet.toml, --serve.port, QUINTET_SERVE_PORT
  OptionType type;
  std::string_view default_value;  // as it would be written
  std::string_view help;
  bool is_secret = false;
  std::string_view environment = {};  // a second, customary variable, e.g. OPENAI_API_KEY
};

/// Values of every option and where each came from: default < quintet.toml < environment < command line.
/// Immutable once read; const methods may run concurrently.
class Options {
 public:
  struct Value {
    std::string text;
    std::string origin;  // "default", "quintet.toml line 3", "environment QUINTET_SERVE_PORT", "command line"
  };

  explicit Options(std::span<const OptionSpec> table);

  /// Reads a TOML file. Throws InvalidArgument naming file and line for a syntax error, an unknown key (with
  /// the nearest known one) or a value of the wrong type, and as read_file when the file cannot be read.
  void read_toml(const std::filesystem::path& path);
  /// `get` returns a variable's value or null; the real one is std::getenv.
  void read_environment(const char* (*get)(const char*));
  /// Throws InvalidArgument for an unknown name or a bad value.
  void set(std::string_view name, std::string_view text, std::string origin);

  std::string text(std::string_view name) const;
  std::optional<std::string> text_if_set(std::string_view name) const;  // nothing when empty
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::int64_t milliseconds(std::string_view name) const;  // "500ms", "10s", "5m", "2h"
  std::size_t bytes(std::string_view name) const;          // "64KB", "16MB", "1GB", plain bytes
  std::vector<std::string> text_list(
      std::string_view name) const;  // comma-separated, trimmed, empties dropped

  std::span<const OptionSpec> table() const noexcept { return table_; }
  /// The value as it may be shown: secrets keep their last four characters at most.
  Value shown(const OptionSpec& spec) const;

 private:
  const OptionSpec& spec(std::string_view name) const;
  const Value& value(std::string_view name, OptionType type) const;

  std::span<const OptionSpec> table_;
  std::map<std::string, Value, std::less<>> values_;
};

/// "serve.port" → "QUINTET_SERVE_PORT"
std::string environment_name(std::string_view option_name);

/// The word among `known` closest to `word` by edit distance, when close enough to be a slip of the keyboard.
std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace quintet
