#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/time.h"

namespace quintet {

/// What one rendering of a chat template may use; a template comes with a model file and is not trusted. Each
/// is far above what a long conversation needs. Passing one is an Exhausted error that names it.
struct TemplateLimits {
  std::size_t max_steps = 50'000'000;  // evaluated nodes and visited items
  std::size_t max_depth = 1'000;       // nested evaluations, macros included; under 512 KB of stack
  std::size_t max_output_bytes = std::size_t{64} << 20;   // text written, that of macros and set blocks too
  std::size_t max_memory_bytes = std::size_t{256} << 20;  // values made while rendering
};

/// A conversation as the OpenAI chat protocol has it.
struct ChatTemplateInput {
  /// Array of objects: role, content (a string, null, or parts), and optionally tool_calls,
  /// reasoning_content, name, tool_call_id and whatever else the template reads.
  Json messages = JsonArray();
  /// Array of {"type": "function", "function": {name, description, parameters}}, or null for none.
  Json tools;
  /// Ends the text where the model's answer begins.
  bool add_generation_prompt = false;
  /// Further variables: bos_token, eos_token, enable_thinking, documents … They win over the three above.
  JsonObject variables;
  /// Changes messages to a form that this template can show, see ChatTemplate::adapt. Off: exactly the
  /// messages given.
  bool adapt = true;
  /// What strftime_now reads, as UTC. Absent: the clock, in local time.
  std::optional<TimestampMs> now;
  TemplateLimits limits;
};

/// What a template does with messages, found by rendering probes when it is parsed.
struct ChatTemplateCapabilities {
  bool system = false;            // shows a system message
  bool tools = false;             // shows the tools' definitions
  bool tool_calls = false;        // shows calls that an assistant message made
  bool tool_results = false;      // shows messages of the role "tool"
  bool reasoning = false;         // shows reasoning_content of an assistant message
  bool thinking_switch = false;   // enable_thinking changes the text
  bool opens_thinking = false;    // the generation prompt ends with an open <think>
  bool text_content = false;      // content may be a string
  bool content_parts = false;     // content may be [{"type": "text", "text": …}]
  bool null_content = false;      // content may be null beside tool calls
  bool object_arguments = false;  // a call's arguments are wanted as an object
  bool string_arguments = false;  // … or as JSON text

  bool thinking() const noexcept { return reasoning || thinking_switch || opens_thinking; }
};

/// The text that a model was trained to read for a conversation: a Jinja template, with the semantics of
/// Jinja2 as Hugging Face's transformers sets it up (trim_blocks, lstrip_blocks, break and continue, tojson
/// without escaping, raise_exception, strftime_now). README.md lists what is not there.
///
/// Immutable: const methods may run concurrently. Copies share the parsed template.
class ChatTemplate {
 public:
  /// `name` appears in errors. Throws InvalidArgument with line, column and what would work; Exhausted when
  /// the source is longer than 1 MiB.
  static ChatTemplate parse(std::string_view source, std::string_view name = "chat_template");

  /// Our own text for a well-known format, for models that ship no template: one of builtin_names(). Throws
  /// NotFound with the list.
  static ChatTemplate builtin(std::string_view name);
  static std::vector<std::string_view> builtin_names();

  /// Throws InvalidArgument when the template refuses the messages or fails on them, with its line and
  /// column; Exhausted when a limit is passed.
  std::string render(const ChatTemplateInput& input) const;
  /// As render, with just these variables: no messages, tools or others are added, nothing is adapted.
  std::string render_variables(const JsonObject& variables, std::optional<TimestampMs> now = std::nullopt,
                               const TemplateLimits& limits = {}) const;

  const ChatTemplateCapabilities& capabilities() const noexcept;

  /// `messages` in a form that this template shows. A system message that it would refuse or drop goes before
  /// the first user message's text; arguments of calls become objects or JSON text; text parts become one
  /// string, or a string parts; a null content that would be printed as "None" becomes "". All else stays as
  /// it is. Throws InvalidArgument when `messages` is no array of objects that have a role.
  Json adapt(const Json& messages) const;

  std::string_view name() const noexcept;
  std::string_view source() const noexcept;

 private:
  struct Parsed;
  explicit ChatTemplate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace quintet
