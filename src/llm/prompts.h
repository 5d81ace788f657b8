#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// A prompt file compiled into the program (cmake: qn_embed_prompts).
struct EmbeddedPrompt {
  std::string_view file;  // "faq_answer.md"
  std::string_view text;
};

struct PromptVariable {
  std::string name;
  std::optional<std::string> default_value;
};

/// One prompt file:
///
///   ---
///   name: faq_answer
///   version: 1
///   description: answers a question from FAQ entries
///   variables: entries, refusal_marker
///   default refusal_marker: NO_ANSWER
///   ---
///   Text with {{entries}}. "\{{" stands for two braces.
///
/// A variable that is used but not declared is an error, so that a slip is found when the program starts.
struct Prompt {
  std::string name;
  int version = 0;
  std::string description;
  std::vector<PromptVariable> variables;
  std::string text;                 // the template
  std::string origin;               // "built in" or the file's path
  std::string version_tag() const;  // "faq_answer@1"
};

/// Throws InvalidArgument naming `origin`, the line and what would work.
Prompt parse_prompt(std::string_view file, std::string_view origin);

using PromptValues = std::map<std::string, std::string, std::less<>>;

/// The template with its variables replaced, in one pass: braces inside values stay what they are. Values for
/// variables that the prompt does not have are ignored, so that an own prompt may do without one. Throws
/// InvalidArgument naming the prompt and the variable when a value is missing.
std::string render_prompt(const Prompt& prompt, const PromptValues& values);

struct RenderedPrompt {
  std::string text;
  std::string version_tag;
};

/// The prompts of the program, by name. Immutable; const methods may run concurrently.
class PromptLibrary {
 public:
  /// The built-in prompts; each file "<name>.md" in `directory` replaces the one of the same name or adds
  /// one. An empty path means no directory. Throws InvalidArgument for a file that is no prompt, and when
  /// `directory` does not exist.
  explicit PromptLibrary(std::span<const EmbeddedPrompt> built_in,
                         const std::filesystem::path& directory = {});

  /// Throws NotFound for an unknown prompt, InvalidArgument for a missing variable.
  RenderedPrompt render(std::string_view name, const PromptValues& values) const;
  const Prompt& find(std::string_view name) const;
  /// By name.
  std::vector<Prompt> list() const;

 private:
  std::map<std::string, Prompt, std::less<>> prompts_;
};

}  // namespace quintet
