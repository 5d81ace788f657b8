#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "core/text.h"
#include "engine_commands.h"
#include "inference/inspection.h"
#include "inference/loaded_model.h"
#include "net/download.h"

namespace quintet::cli {

namespace {

std::string value_text(const Json& value) {
  constexpr std::size_t kShown = 100;
  const JsonObject* object = value.if_object();
  if (object != nullptr && object->size() == 1 && object->contains("n_values"))
    return cat("[", to_json(object->at("n_values")), " values]");
  if (value.is_double()) return fmt::format("{:g}", value.get_double());
  const std::string text = to_json(value);
  return text.size() <= kShown ? text : cat(truncate_utf8(text, kShown), "… (", text.size(), " bytes)");
}

void print_tensors(const ModelInspection& model, bool all) {
  std::cout << "\nTensors: " << model.tensors.size() << ", "
            << fmt::format("{:.1f} M", static_cast<double>(model.n_parameters) / 1e6) << " parameters, "
            << readable_bytes(model.n_bytes) << '\n';
  for (const TensorsOfType& of_type : model.types)
    std::cout << fmt::format("  {:<8} {:>5} tensors  {}\n", of_type.type, of_type.n_tensors,
                             readable_bytes(of_type.n_bytes));
  if (!all) return;
  for (const TensorInfo& tensor : model.tensors)
    std::cout << fmt::format("  {:<40} {:<8} {}\n", sanitize_utf8(tensor.name), dtype_name(tensor.dtype),
                             tensor.shape.to_string());
}

void print_tokenizer(const ModelInspection& model) {
  if (!model.tokenizer_problem.empty()) {
    std::cout << "\nTokenizer: can't be read: " << model.tokenizer_problem << '\n';
    return;
  }
  if (!model.tokenizer) {
    std::cout << "\nTokenizer: none\n";
    return;
  }
  const TokenizerSummary& tokenizer = *model.tokenizer;
  std::cout << "\nTokenizer: " << tokenizer.kind
            << (tokenizer.pre_tokenizer.empty() ? "" : cat(" (", tokenizer.pre_tokenizer, ")")) << ", "
            << tokenizer.vocab_size << " tokens, " << tokenizer.n_added << " of them added or special"
            << (tokenizer.adds_before ? "; puts some before a text" : "")
            << (tokenizer.adds_after ? "; puts some after a text" : "") << "\n ";
  for (const SpecialToken& token : tokenizer.special)
    std::cout << ' ' << token.role << " = " << json_quote(token.text) << " (" << token.id << ")";
  std::cout << '\n';
}

void print_template(const ModelInspection& model) {
  if (!model.chat_template) {
    std::cout << "Chat template: none\n";
    return;
  }
  const ChatTemplateSummary& summary = *model.chat_template;
  std::cout << "Chat template: " << summary.n_bytes << " bytes";
  if (!summary.problem.empty()) std::cout << "; can't be read: " << summary.problem;
  if (summary.capabilities) {
    const ChatTemplateCapabilities& c = *summary.capabilities;
    std::string shown;
    for (const auto& [name, has] : {std::pair{"system messages", c.system},
                                    {"tools", c.tools},
                                    {"tool results", c.tool_results},
                                    {"reasoning", c.reasoning},
                                    {"a switch for thinking", c.thinking_switch},
                                    {"content in parts", c.content_parts}})
      if (has) shown += cat(shown.empty() ? "" : ", ", name);
    std::cout << "; shows " << (shown.empty() ? "messages alone" : shown);
  }
  for (const std::string& name : summary.other_names) std::cout << "; also \"" << name << '"';
  std::cout << '\n';
}

void print_memory(const ModelInspection& model) {
  if (!model.memory) return;
  const MemoryNeeds& needs = *model.memory;
  std::cout << "\nMemory: " << readable_bytes(needs.weight_bytes) << " of weights";
  if (needs.kv_bytes_per_token && *needs.kv_bytes_per_token > 0) {
    std::cout << ", keys and values of " << readable_bytes(needs.kv_bytes(1000)) << " for 1,000 tokens";
    if (needs.max_seq_len > 0)
      std::cout << ", " << readable_bytes(needs.kv_bytes(needs.max_seq_len)) << " for the model's "
                << needs.max_seq_len;
  }
  std::cout << "; " << readable_bytes(available_memory_bytes()) << " are free\n";
}

}  // namespace

int inspect(const InspectArguments& arguments) {
  const ModelInspection model = inspect_model(arguments.path);
  if (arguments.as_json) {
    std::cout << to_pretty_json(inspection_json(model)) << '\n';
    return 0;
  }
  std::cout << model.name << ": "
            << (model.format == "gguf" ? cat("GGUF version ", model.version)
                                       : "Hugging Face folder, safetensors")
            << (model.files.size() > 1 ? cat(", ", model.files.size(), " files") : "")
            << (model.architecture.empty() ? "" : cat(", ", model.architecture)) << '\n';
  if (!model.unsupported.empty()) std::cout << "Doesn't run here: " << model.unsupported << '\n';
  std::cout << "\nMetadata\n";
  for (const auto& entry : model.metadata)
    std::cout << "  " << std::string_view(entry.key()) << " = " << value_text(entry.value()) << '\n';
  print_tensors(model, arguments.all_tensors);
  print_tokenizer(model);
  print_template(model);
  print_memory(model);
  return 0;
}

}  // namespace quintet::cli
