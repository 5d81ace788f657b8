#include "completion.h"

#include <functional>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/error.h"
#include "core/text.h"

namespace quintet::cli {

namespace {

/// One command with everything that may follow it.
struct Node {
  std::string path;  // "faq import"
  std::vector<std::string> words;
};

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, {}};
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) node.words.push_back(child->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) node.words.push_back(cat("--", name));
  }
  nodes.push_back(std::move(node));
  for (const CLI::App* child : children)
    collect(*child, path.empty() ? child->get_name() : cat(path, " ", child->get_name()), nodes);
}

std::string bash_script(const std::vector<Node>& nodes) {
  std::string out =
      "_quintet() {\n"
      "  local word path='' current=${COMP_WORDS[COMP_CWORD]} i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$word\" in -*) continue ;; esac\n"
      "    case \"${path:+$path }$word\" in\n      ";
  for (const auto& node : nodes)
    if (!node.path.empty()) out += cat("'", node.path, "') path='", node.path, "' ;;\n      ");
  out += "*) ;;\n    esac\n  done\n  local words=''\n  case \"$path\" in\n";
  for (const auto& node : nodes)
    out += cat("    '", node.path, "') words='", join(node.words, " "), "' ;;\n");
  out +=
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "  if [ \"${#COMPREPLY[@]}\" -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); fi\n"
      "}\n"
      "complete -o filenames -F _quintet quintet\n";
  return out;
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string out = "complete -c quintet -f\n";
  for (const auto& node : nodes) {
    std::string condition = "__fish_use_subcommand";
    if (!node.path.empty()) {
      condition.clear();
      for (const auto part : split(node.path, ' '))
        condition += cat(condition.empty() ? "" : "; and ", "__fish_seen_subcommand_from ", part);
    }
    for (const auto& word : node.words) {
      out += cat("complete -c quintet -n '", condition, "' ",
                 word.starts_with("--") ? cat("-l ", word.substr(2)) : cat("-a ", word), "\n");
    }
  }
  return out + "complete -c quintet -n '__fish_seen_subcommand_from import serve' -F\n";
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  std::vector<Node> nodes;
  collect(app, "", nodes);
  if (shell == "bash") return bash_script(nodes);
  if (shell == "zsh") return cat("autoload -U +X bashcompinit && bashcompinit\n", bash_script(nodes));
  if (shell == "fish") return fish_script(nodes);
  throw InvalidArgument(cat("no completion for the shell \"", shell, "\"; there is bash, zsh and fish"));
}

}  // namespace quintet::cli
