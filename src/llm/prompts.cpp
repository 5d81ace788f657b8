#include "llm/prompts.h"

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxPromptBytes = std::size_t{1} << 20;

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

const PromptVariable* find_variable(const Prompt& prompt, std::string_view name) noexcept {
  const auto found = std::find_if(prompt.variables.begin(), prompt.variables.end(),
                                  [&](const PromptVariable& variable) { return variable.name == name; });
  return found == prompt.variables.end() ? nullptr : &*found;
}

/// Walks a template: `on_text` gets literal text, `on_variable` the trimmed inside of {{…}} and its offset.
/// False when a "{{" is never closed; `pos` then says where.
template <typename OnText, typename OnVariable>
bool walk_template(std::string_view text, std::size_t& pos, OnText on_text, OnVariable on_variable) {
  pos = 0;
  while (pos < text.size()) {
    const auto open = text.find("{{", pos);
    if (open == std::string_view::npos) {
      on_text(text.substr(pos));
      return true;
    }
    if (open > pos && text[open - 1] == '\\') {
      on_text(text.substr(pos, open - 1 - pos));
      on_text("{{");
      pos = open + 2;
      continue;
    }
    on_text(text.substr(pos, open - pos));
    const auto close = text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      pos = open;
      return false;
    }
    on_variable(trim(text.substr(open + 2, close - open - 2)), open);
    pos = close + 2;
  }
  return true;
}

/// Reads the lines between the two "---".
class FrontMatter {
 public:
  FrontMatter(Prompt& prompt, std::string_view origin) : prompt_(prompt), origin_(origin) {}

  void take(std::string_view line, std::size_t number) {
    if (trim(line).empty()) return;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) fail(number, "expected \"key: value\"");
    const std::string_view key = trim(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (key == "name") {
      prompt_.name = value;
    } else if (key == "version") {
      const auto version = parse_int(value);
      if (!version || *version < 1 || *version > 1'000'000)
        fail(number, "version must be a whole number from 1");
      prompt_.version = static_cast<int>(*version);
    } else if (key == "description") {
      prompt_.description = value;
    } else if (key == "variables") {
      take_variables(value, number);
    } else if (key.starts_with("default ")) {
      take_default(trim(key.substr(8)), value, number);
    } else {
      fail(number, cat("unknown key \"", key,
                       "\"; known are name, version, description, variables and default <variable>"));
    }
  }

 private:
  [[noreturn]] void fail(std::size_t line, std::string_view reason) const {
    throw InvalidArgument(cat("prompt ", origin_, ", line ", line, ": ", reason));
  }

  void take_variables(std::string_view value, std::size_t number) {
    for (const std::string_view part : split(value, ',')) {
      const std::string_view name = trim(part);
      if (name.empty()) continue;
      if (!is_name(name)) {
        fail(number, cat("\"", name, "\" is not a variable name (small letters, digits and _)"));
      }
      if (find_variable(prompt_, name) != nullptr)
        fail(number, cat("the variable ", name, " is declared twice"));
      prompt_.variables.push_back({std::string(name), std::nullopt});
    }
  }

  void take_default(std::string_view name, std::string_view value, std::size_t number) {
    for (PromptVariable& variable : prompt_.variables) {
      if (variable.name != name) continue;
      variable.default_value = value;
      return;
    }
    fail(number, cat("a default for ", name, ", which \"variables\" above does not name"));
  }

  Prompt& prompt_;
  std::string_view origin_;
};

void check_template(const Prompt& prompt) {
  std::size_t pos = 0;
  const auto fail = [&](std::size_t offset, std::string_view reason) {
    throw InvalidArgument(cat("prompt ", prompt.origin, ", line ", position_at(prompt.text, offset).line,
                              " of the text: ", reason));
  };
  const bool is_closed = walk_template(
      prompt.text, pos, [](std::string_view) {},
      [&](std::string_view name, std::size_t offset) {
        if (find_variable(prompt, name) != nullptr) return;
        fail(offset, cat("{{", name, "}} is not among the declared variables; for two braces write \\{{"));
      });
  if (!is_closed) fail(pos, "\"{{\" is not closed by \"}}\"; for two braces write \\{{");
}

}  // namespace

std::string Prompt::version_tag() const {
  return cat(name, "@", version);
}

Prompt parse_prompt(std::string_view file, std::string_view origin) {
  if (find_invalid_utf8(file)) throw InvalidArgument(cat("prompt ", origin, ": not valid UTF-8"));
  Prompt prompt;
  prompt.origin = origin;
  FrontMatter front_matter(prompt, origin);
  std::size_t number = 0;
  bool is_inside = false;
  while (!file.empty()) {
    const auto end = file.find('\n');
    std::string_view line = file.substr(0, end);
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (number == 1) {
      if (line != "---") break;
      is_inside = true;
    } else if (line == "---") {
      is_inside = false;
      break;
    } else {
      front_matter.take(line, number);
    }
  }
  if (number < 2 || is_inside) {
    throw InvalidArgument(cat("prompt ", origin, ": must begin with front matter between two lines \"---\""));
  }
  if (!is_name(prompt.name)) {
    throw InvalidArgument(
        cat("prompt ", origin, ": \"name\" is missing or not made of small letters, digits and _"));
  }
  if (prompt.version == 0) throw InvalidArgument(cat("prompt ", origin, ": \"version\" is missing"));
  prompt.text = trim(file);
  if (prompt.text.empty()) throw InvalidArgument(cat("prompt ", origin, ": the text is empty"));
  check_template(prompt);
  return prompt;
}

std::string render_prompt(const Prompt& prompt, const PromptValues& values) {
  std::string out;
  std::size_t pos = 0;
  walk_template(
      prompt.text, pos, [&](std::string_view text) { out += text; },
      [&](std::string_view name, std::size_t /*offset*/) {
        if (const auto given = values.find(name); given != values.end()) {
          out += given->second;
          return;
        }
        const PromptVariable* variable = find_variable(prompt, name);
        if (variable == nullptr || !variable->default_value) {
          throw InvalidArgument(cat("prompt ", prompt.version_tag(), ": no value for the variable ", name));
        }
        out += *variable->default_value;
      });
  return out;
}

PromptLibrary::PromptLibrary(std::span<const EmbeddedPrompt> built_in,
                             const std::filesystem::path& directory) {
  for (const EmbeddedPrompt& file : built_in) {
    Prompt prompt = parse_prompt(file.text, file.file);
    prompt.origin = "built in";
    prompts_.insert_or_assign(prompt.name, std::move(prompt));
  }
  if (directory.empty()) return;
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".md") files.push_back(entry->path());
  }
  if (error) throw InvalidArgument(cat("prompts.directory ", directory.string(), ": ", error.message()));
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    Prompt prompt = parse_prompt(read_file(path, kMaxPromptBytes), path.string());
    if (path.stem().string() != prompt.name) {
      throw InvalidArgument(cat("prompt ", path.string(), ": its name is ", prompt.name, "; call the file ",
                                prompt.name, ".md or change the name"));
    }
    prompts_.insert_or_assign(prompt.name, std::move(prompt));
  }
}

RenderedPrompt PromptLibrary::render(std::string_view name, const PromptValues& values) const {
  const Prompt& prompt = find(name);
  return {render_prompt(prompt, values), prompt.version_tag()};
}

const Prompt& PromptLibrary::find(std::string_view name) const {
  const auto found = prompts_.find(name);
  if (found == prompts_.end()) throw NotFound(cat("there is no prompt called \"", name, "\""));
  return found->second;
}

std::vector<Prompt> PromptLibrary::list() const {
  std::vector<Prompt> all;
  for (const auto& [name, prompt] : prompts_) all.push_back(prompt);
  return all;
}

}  // namespace quintet
