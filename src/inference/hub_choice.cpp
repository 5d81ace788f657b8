#include "inference/hub_choice.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "core/error.h"
#include "core/text.h"
#include "inference/model_names.h"
#include "net/download.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxListed = 30;

constexpr std::array<std::string_view, 2> kPreferredTypes{"Q4_K_M", "Q8_0"};

/// What stands beside the weights in a folder of Hugging Face's libraries.
constexpr std::array<std::string_view, 18> kFolderFiles{"config.json",
                                                        "generation_config.json",
                                                        "tokenizer.json",
                                                        "tokenizer_config.json",
                                                        "tokenizer.model",
                                                        "special_tokens_map.json",
                                                        "added_tokens.json",
                                                        "vocab.json",
                                                        "vocab.txt",
                                                        "merges.txt",
                                                        "spiece.model",
                                                        "chat_template.jinja",
                                                        "chat_template.json",
                                                        "model.safetensors.index.json",
                                                        "modules.json",
                                                        "sentence_bert_config.json",
                                                        "config_sentence_transformers.json",
                                                        "1_Pooling/config.json"};

bool is_gguf(std::string_view path) {
  return path.size() > 5 && iequals_ascii(path.substr(path.size() - 5), ".gguf");
}

bool is_top_safetensors(std::string_view path) {
  return path.ends_with(".safetensors") && path.find('/') == std::string_view::npos;
}

/// A GGUF model: one file, or all files it was split into.
struct Choice {
  std::vector<HubFile> files;
  std::string type;
  std::uint64_t size = 0;
  std::size_t n_files = 1;  // that there should be
};

std::vector<Choice> gguf_choices(const std::vector<HubFile>& files) {
  std::map<std::tuple<std::string, std::size_t>, Choice> groups;
  for (const auto& file : files) {
    if (!is_gguf(file.path)) continue;
    const auto split = parse_split_name(file.path);
    auto& group =
        groups[split ? std::tuple(split->stem, split->n_files) : std::tuple(file.path, std::size_t{0})];
    group.files.push_back(file);
    group.type = quantization_in_name(file.path);
    group.size += file.size;
    if (split) group.n_files = split->n_files;
  }
  std::vector<Choice> choices;
  for (auto& [key, group] : groups) {
    std::sort(group.files.begin(), group.files.end(),
              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
    choices.push_back(std::move(group));
  }
  return choices;
}

/// A projector of images or a draft is no model of its own.
bool is_companion(const Choice& choice) {
  const std::string name = ascii_lower(choice.files.front().path);
  return name.find("mmproj") != std::string::npos || name.find("imatrix") != std::string::npos;
}

[[noreturn]] void ask_to_choose(const HubSource& source, const std::vector<const Choice*>& choices,
                                std::string_view problem) {
  std::string text = cat(source.id(), " ", problem, "; name one:");
  for (std::size_t i = 0; i < std::min(choices.size(), kMaxListed); ++i) {
    HubSource exact = source;
    exact.file = choices[i]->files.front().path;
    text += cat("\n  ", exact.text(), "  (", readable_bytes(choices[i]->size), ")");
  }
  if (choices.size() > kMaxListed) text += cat("\n  and ", choices.size() - kMaxListed, " more");
  throw InvalidArgument(text);
}

std::vector<HubFile> whole(const HubSource& source, const Choice& choice) {
  if (choice.files.size() != choice.n_files) {
    throw NotFound(cat(source.id(), " has ", choice.files.size(), " of the ", choice.n_files, " files that ",
                       model_stem(choice.files.front().path), " was split into"));
  }
  return choice.files;
}

std::vector<HubFile> named(const HubSource& source, const std::vector<HubFile>& files,
                           const std::vector<Choice>& choices) {
  for (const auto& choice : choices) {
    for (const auto& file : choice.files) {
      if (file.path == source.file) return whole(source, choice);
    }
  }
  for (const auto& file : files) {
    if (file.path == source.file) return {file};
  }
  std::vector<const Choice*> fitting;
  for (const auto& choice : choices) {
    const std::string base = choice.files.front().path;
    if ((!choice.type.empty() && iequals_ascii(choice.type, source.file)) ||
        iequals_ascii(model_stem(base), source.file) ||
        iequals_ascii(base.substr(base.rfind('/') + 1), source.file))
      fitting.push_back(&choice);
  }
  if (fitting.size() == 1) return whole(source, *fitting.front());
  if (fitting.size() > 1) ask_to_choose(source, fitting, cat("has several files for ", source.file));
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.path);
  auto nearest = nearest_names(source.file, names, 3);
  std::string hint;
  if (!nearest.empty()) {
    hint = cat("; the nearest are ", join(nearest, ", "));
  } else {
    std::vector<std::string> some;
    for (const auto& choice : choices) {
      if (some.size() < kMaxListed) some.push_back(choice.files.front().path);
    }
    if (!some.empty()) hint = cat("; there are ", join(some, ", "));
  }
  throw NotFound(cat("there is no file ", source.file, " in ", source.id(), hint));
}

std::vector<HubFile> folder(const HubSource& source, const std::vector<HubFile>& files) {
  std::vector<HubFile> chosen;
  std::vector<HubFile> weights;
  bool has_config = false;
  bool has_index = false;
  for (const auto& file : files) {
    if (std::find(kFolderFiles.begin(), kFolderFiles.end(), file.path) != kFolderFiles.end())
      chosen.push_back(file);
    has_config = has_config || file.path == "config.json";
    has_index = has_index || file.path == "model.safetensors.index.json";
    if (is_top_safetensors(file.path)) weights.push_back(file);
  }
  // Some repositories hold the same weights a second time under another name.
  const auto is_model_file = [](const HubFile& file) { return file.path.starts_with("model"); };
  if (std::any_of(weights.begin(), weights.end(), is_model_file)) {
    std::erase_if(weights, [&](const HubFile& file) { return !is_model_file(file); });
    const auto is_single = [](const HubFile& file) { return file.path == "model.safetensors"; };
    if (!has_index && std::any_of(weights.begin(), weights.end(), is_single))
      std::erase_if(weights, [&](const HubFile& file) { return !is_single(file); });
    if (has_index) std::erase_if(weights, is_single);
    if (weights.empty()) weights.push_back({});  // an index of nothing: caught below
  }
  if (weights.empty() || weights.front().path.empty() || !has_config) {
    std::vector<std::string> names;
    for (const auto& file : files) {
      if (names.size() < kMaxListed) names.push_back(file.path);
    }
    throw Unsupported(cat(source.id(),
                          " holds no model in a format that is read here (a .gguf file, or "
                          "config.json with .safetensors); its files: ",
                          names.empty() ? "none" : join(names, ", ")));
  }
  chosen.insert(chosen.end(), weights.begin(), weights.end());
  return chosen;
}

}  // namespace

std::vector<HubFile> choose_hub_files(const HubSource& source, const std::vector<HubFile>& files) {
  auto choices = gguf_choices(files);
  std::vector<HubFile> chosen;
  if (!source.file.empty()) {
    chosen = named(source, files, choices);
  } else {
    std::erase_if(choices, is_companion);
    if (choices.empty()) {
      chosen = folder(source, files);
    } else if (choices.size() == 1) {
      chosen = whole(source, choices.front());
    } else {
      std::vector<const Choice*> fitting;
      for (const auto preferred : kPreferredTypes) {
        for (const auto& choice : choices) {
          if (choice.type == preferred) fitting.push_back(&choice);
        }
        if (!fitting.empty()) break;
      }
      if (fitting.size() != 1) {
        std::vector<const Choice*> all;
        for (const auto& choice : choices) all.push_back(&choice);
        ask_to_choose(source, fitting.empty() ? all : fitting, "holds several models");
      }
      chosen = whole(source, *fitting.front());
    }
  }
  std::stable_sort(chosen.begin(), chosen.end(), [](const HubFile& a, const HubFile& b) {
    const auto is_weight = [](const HubFile& f) {
      return is_gguf(f.path) || f.path.ends_with(".safetensors");
    };
    return !is_weight(a) && is_weight(b);
  });
  return chosen;
}

}  // namespace quintet
