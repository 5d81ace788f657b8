#include "tokenizer/chat_template.h"

#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/chat_template_adapt.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_program.h"

namespace quintet {

struct ChatTemplate::Parsed {
  std::shared_ptr<const jinja::Program> program;
  std::string source;
  ChatTemplateCapabilities capabilities;
};

namespace {

using jinja::Variable;

std::string run(const jinja::Program& program, std::span<const Variable> variables,
                const std::optional<TimestampMs>& now, const TemplateLimits& limits) {
  jinja::Environment environment;
  environment.limits = limits;
  environment.now = now;
  return jinja::Interpreter(program, environment).render(variables);
}

std::string run_conversation(const jinja::Program& program, const ChatTemplateInput& input,
                             const Json& messages) {
  const Json generate = input.add_generation_prompt;
  const Json none;
  std::vector<Variable> variables;
  for (const auto& member : input.variables) variables.push_back({member.key(), &member.value()});
  // As transformers does, `tools` and `documents` are there as none when there are none.
  const auto add = [&](std::string_view name, const Json& value) {
    if (!input.variables.contains(name)) variables.push_back({name, &value});
  };
  add("messages", messages);
  add("tools", input.tools.is_array() && input.tools.get_array().empty() ? none : input.tools);
  add("documents", none);
  add("add_generation_prompt", generate);
  return run(program, variables, input.now, input.limits);
}

ChatTemplateCapabilities probe(const jinja::Program& program) {
  return probe_template([&](const Json& messages, const Json& tools, bool add_generation_prompt,
                            const JsonObject& variables) -> std::optional<std::string> {
    ChatTemplateInput input;
    input.tools = tools;
    input.add_generation_prompt = add_generation_prompt;
    input.variables = variables;
    for (const std::string_view token : {"bos_token", "eos_token"})
      if (!input.variables.contains(token)) input.variables[token] = "";
    input.now = 0;
    input.limits = {.max_steps = 50'000,
                    .max_depth = 500,
                    .max_output_bytes = std::size_t{1} << 20,
                    .max_memory_bytes = std::size_t{8} << 20};
    try {
      return run_conversation(program, input, messages);
    } catch (const Error&) {
      return std::nullopt;  // the template refuses this: what the probe wants to know
    }
  });
}

}  // namespace

ChatTemplate ChatTemplate::parse(std::string_view source, std::string_view name) {
  auto parsed = std::make_shared<Parsed>();
  parsed->program = jinja::parse_program(source, name);
  parsed->source = source;
  parsed->capabilities = probe(*parsed->program);
  return ChatTemplate(std::move(parsed));
}

std::string ChatTemplate::render(const ChatTemplateInput& input) const {
  check_messages(input.messages, name());
  if (!input.tools.is_null() && !input.tools.is_array())
    throw InvalidArgument(
        cat("chat template ", name(), ": tools must be an array of function definitions or null"));
  if (!input.adapt) return run_conversation(*parsed_->program, input, input.messages);
  return run_conversation(*parsed_->program, input, adapt_messages(input.messages, parsed_->capabilities));
}

std::string ChatTemplate::render_variables(const JsonObject& variables, std::optional<TimestampMs> now,
                                           const TemplateLimits& limits) const {
  std::vector<Variable> all;
  for (const auto& member : variables) all.push_back({member.key(), &member.value()});
  return run(*parsed_->program, all, now, limits);
}

const ChatTemplateCapabilities& ChatTemplate::capabilities() const noexcept {
  return parsed_->capabilities;
}

Json ChatTemplate::adapt(const Json& messages) const {
  check_messages(messages, name());
  return adapt_messages(messages, parsed_->capabilities);
}

std::string_view ChatTemplate::name() const noexcept {
  return parsed_->program->name;
}
std::string_view ChatTemplate::source() const noexcept {
  return parsed_->source;
}

}  // namespace quintet
