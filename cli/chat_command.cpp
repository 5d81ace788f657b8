#include <chrono>
#include <editline/readline.h>
#include <filesystem>
#include <iostream>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "engine_commands.h"
#include "inference/engine.h"
#include "interrupt.h"
#include "llm/engine_model.h"
#include "options_table.h"

namespace quintet::cli {

namespace {

constexpr const char* kHelp =
    "  /help             this\n"
    "  /system TEXT      tell the model something first, and start anew\n"
    "  /clear            forget the conversation\n"
    "  /retry            answer the last message again\n"
    "  /set NAME VALUE   temperature, top_p, top_k, min_p, seed or max_tokens\n"
    "  /save FILE        write the conversation as Markdown\n"
    "  /stats            tokens and speed of the last answer\n"
    "  /bye              leave (as does Ctrl-D)\n"
    "A line that ends with \\ goes on; \"\"\" begins and ends a text of several lines. Ctrl-C stops an "
    "answer.\n";

/// A line from the terminal with editing and history, or from a pipe. Nothing at the end of input.
std::optional<std::string> read_line(const char* prompt, bool is_terminal) {
  if (!is_terminal) {
    std::string line;
    return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
  }
  char* line = ::readline(prompt);
  if (line == nullptr) return std::nullopt;
  std::string text = line;
  std::free(line);
  if (!trim(text).empty()) ::add_history(text.c_str());
  return text;
}

std::optional<std::string> read_message(bool is_terminal) {
  auto line = read_line(">>> ", is_terminal);
  if (!line) return std::nullopt;
  if (line->starts_with("\"\"\"")) {
    std::string text = line->substr(3);
    while (!text.ends_with("\"\"\"")) {
      line = read_line("... ", is_terminal);
      if (!line) return text;
      text += cat("\n", *line);
    }
    return text.substr(0, text.size() - 3);
  }
  std::string text = *line;
  while (text.ends_with("\\")) {
    text.pop_back();
    line = read_line("... ", is_terminal);
    if (!line) break;
    text += cat("\n", *line);
  }
  return text;
}

struct Conversation {
  std::vector<Message> messages;
  Sampling sampling;
  std::optional<int> max_tokens;
  std::string last_stats = "nothing was answered yet";
};

void set_option(Conversation& conversation, std::string_view name, std::string_view value) {
  const auto number = parse_double(value);
  if (!number) throw InvalidArgument(cat("\"", value, "\" is no number"));
  if (name == "temperature") {
    conversation.sampling.temperature = *number;
  } else if (name == "top_p") {
    conversation.sampling.top_p = *number;
  } else if (name == "min_p") {
    conversation.sampling.min_p = *number;
  } else if (name == "top_k") {
    conversation.sampling.top_k = static_cast<int>(*number);
  } else if (name == "seed") {
    conversation.sampling.seed = static_cast<std::uint64_t>(*number);
  } else if (name == "max_tokens") {
    conversation.max_tokens = *number > 0 ? std::optional(static_cast<int>(*number)) : std::nullopt;
  } else {
    throw InvalidArgument(
        cat("there is no option ", name, "; there are temperature, top_p, top_k, min_p, seed, max_tokens"));
  }
}

std::string as_markdown(const Conversation& conversation) {
  std::string text;
  for (const Message& message : conversation.messages)
    text += cat("**", role_name(message.role), "**\n\n", message.text(), "\n\n");
  return text;
}

void answer(EngineModel& model, Conversation& conversation, Interrupt& interrupt) {
  ChatRequest request;
  request.messages = conversation.messages;
  request.sampling = conversation.sampling;
  request.max_output_tokens = conversation.max_tokens;
  interrupt.renew();
  interrupt.set_idle_action({});
  const bool has_colours = ::isatty(STDOUT_FILENO) != 0;
  bool is_grey = false;
  const auto begin = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> first;
  const ChatResponse response = model.chat(
      request,
      [&](const ChatEvent& event) {
        if (!first) first = std::chrono::steady_clock::now();
        if (const auto* thought = std::get_if<ReasoningDelta>(&event)) {
          if (has_colours && !is_grey) std::cout << "\033[90m";
          is_grey = true;
          std::cout << thought->text << std::flush;
        } else if (const auto* text = std::get_if<TextDelta>(&event)) {
          if (is_grey) std::cout << (has_colours ? "\033[0m\n\n" : "\n\n");
          is_grey = false;
          std::cout << text->text << std::flush;
        }
      },
      interrupt.token());
  if (is_grey && has_colours) std::cout << "\033[0m";
  std::cout << (response.stop_reason == StopReason::cancelled ? " [stopped]\n\n" : "\n\n") << std::flush;
  const auto end = std::chrono::steady_clock::now();
  const double wait = std::chrono::duration<double>(first.value_or(end) - begin).count();
  const double writing = std::chrono::duration<double>(end - first.value_or(end)).count();
  conversation.last_stats = fmt::format(
      "{} tokens read ({} remembered), {} written; first after {:.2f} s, then {:.1f} tokens/s; {}",
      response.usage.input_tokens, response.usage.cached_tokens, response.usage.output_tokens, wait,
      writing > 0.0 ? static_cast<double>(response.usage.output_tokens - 1) / writing : 0.0,
      stop_reason_name(response.stop_reason));
  conversation.messages.push_back(response.message);
}

/// False when the person wants to leave.
bool run_command(std::string_view line, EngineModel& model, Conversation& conversation,
                 Interrupt& interrupt) {
  const std::size_t blank = line.find(' ');
  const std::string_view name = line.substr(0, blank);
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : trim(line.substr(blank));
  if (name == "/bye" || name == "/exit" || name == "/quit") return false;
  if (name == "/help" || name == "/?") {
    std::cout << kHelp;
  } else if (name == "/clear") {
    std::erase_if(conversation.messages, [](const Message& m) { return m.role != Role::system; });
    std::cout << "The conversation is forgotten.\n";
  } else if (name == "/system") {
    conversation.messages.clear();
    if (!rest.empty()) conversation.messages.push_back(Message::system(std::string(rest)));
  } else if (name == "/retry") {
    if (conversation.messages.empty() || conversation.messages.back().role != Role::assistant)
      throw InvalidArgument("there is no answer to try again");
    conversation.messages.pop_back();
    if (conversation.sampling.seed) ++*conversation.sampling.seed;  // the same would give the same answer
    answer(model, conversation, interrupt);
  } else if (name == "/set") {
    const std::size_t at = rest.find(' ');
    if (at == std::string_view::npos)
      throw InvalidArgument("/set takes a name and a value: /set temperature 0.2");
    set_option(conversation, rest.substr(0, at), trim(rest.substr(at)));
  } else if (name == "/save") {
    if (rest.empty()) throw InvalidArgument("/save takes a file's name");
    write_file_atomically(std::filesystem::path(rest), as_markdown(conversation));
    std::cout << "Written to " << rest << ".\n";
  } else if (name == "/stats") {
    std::cout << conversation.last_stats << '\n';
  } else {
    throw InvalidArgument(cat("there is no command ", name, "; /help lists them"));
  }
  return true;
}

}  // namespace

int chat(const Options& options, const ChatArguments& arguments) {
  Interrupt interrupt;
  EngineOptions engine;
  engine.n_threads = arguments.engine.n_threads;
  engine.max_seq_len = arguments.engine.max_seq_len;
  engine.max_sequences = 1;
  engine.kv_dtype = parse_kv_dtype(arguments.engine.kv_type);
  EngineModel model(arguments.engine.model, engine);
  const auto loaded = model.load();
  const bool is_terminal = ::isatty(STDIN_FILENO) != 0;
  Conversation conversation;
  const SamplingOptions& sampling = arguments.engine.sampling;
  conversation.sampling.temperature = sampling.temperature;
  conversation.sampling.top_p = sampling.top_p;
  conversation.sampling.top_k = sampling.top_k;
  conversation.sampling.min_p = sampling.min_p;
  conversation.sampling.repeat_penalty = sampling.repeat_penalty;
  conversation.sampling.frequency_penalty = sampling.frequency_penalty;
  conversation.sampling.presence_penalty = sampling.presence_penalty;
  conversation.sampling.seed = arguments.engine.seed;
  if (arguments.max_tokens > 0) conversation.max_tokens = static_cast<int>(arguments.max_tokens);
  if (!arguments.system.empty()) conversation.messages.push_back(Message::system(arguments.system));

  const auto history = home_directory(options) / "chat_history";
  if (is_terminal) {
    make_private_directory(history.parent_path());
    ::using_history();
    ::read_history(history.c_str());
    std::cout << loaded->loaded().model->info().name << ", " << loaded->max_seq_len()
              << " tokens of context. /help lists commands.\n";
  }
  for (;;) {
    if (is_terminal)
      interrupt.set_idle_action([] { std::cout << "\n(/bye or Ctrl-D leaves)\n>>> " << std::flush; });
    const auto message = read_message(is_terminal);
    if (!message) break;
    const std::string_view text = trim(*message);
    if (text.empty()) continue;
    try {
      if (text.starts_with('/')) {
        if (!run_command(text, model, conversation, interrupt)) break;
        continue;
      }
      conversation.messages.push_back(Message::user(*message));
      try {
        answer(model, conversation, interrupt);
      } catch (...) {
        conversation.messages.pop_back();
        throw;
      }
    } catch (const Error& error) {  // a person at a prompt goes on; the next line may be better
      std::cerr << error.what() << '\n';
    }
  }
  if (is_terminal) {
    ::write_history(history.c_str());
    std::cout << '\n';
  }
  return 0;
}

}  // namespace quintet::cli
