#include "engine_commands.h"

#include <cmath>
#include <iostream>
#include <iterator>
#include <map>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/gguf.h"
#include "formats/tokenizer_files.h"
#include "inference/benchmark.h"
#include "inference/embedder.h"
#include "inference/engine.h"
#include "inference/perplexity.h"
#include "interrupt.h"
#include "kernels/packed_matrix.h"
#include "models/encoder.h"
#include "models/hf_source.h"

namespace quintet::cli {

namespace {

std::string standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000.0 && unit + 1 < std::size(kUnits)) bytes /= 1000.0, ++unit;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 2, kUnits[unit]);
}

std::string value_text(const GgufEntry& entry) {
  struct Show {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return cat(value); }
    std::string operator()(std::uint64_t value) const { return cat(value); }
    std::string operator()(double value) const { return fmt::format("{:g}", value); }
    std::string operator()(std::string_view value) const {
      constexpr std::size_t kShown = 100;
      const std::string text = sanitize_utf8(value);
      return text.size() <= kShown
                 ? json_quote(text)
                 : cat(json_quote(truncate_utf8(text, kShown)), "… (", value.size(), " bytes)");
    }
    std::string operator()(const GgufArray& array) const { return cat("[", array.n, " values]"); }
  };
  return std::visit(Show{}, entry.value);
}

Json value_json(const GgufEntry& entry) {
  struct Convert {
    Json operator()(bool value) const { return value; }
    Json operator()(std::int64_t value) const { return value; }
    Json operator()(std::uint64_t value) const { return value; }
    Json operator()(double value) const { return value; }
    Json operator()(std::string_view value) const { return Json(sanitize_utf8(value)); }
    Json operator()(const GgufArray& array) const { return JsonObject{{"n_values", array.n}}; }
  };
  return std::visit(Convert{}, entry.value);
}

/// Memory for weights as they will lie there, and of the cache for each position.
struct Needs {
  std::size_t weights = 0;
  std::size_t kv_per_token = 0;
};

Needs memory_needs(const GgufFile& file) {
  Needs needs;
  for (const TensorInfo& tensor : file.tensors()) {
    const bool is_matrix = tensor.shape.rank() == 2 && kernels::is_matmul_type(tensor.dtype) &&
                           tensor.shape[1] % dtype_info(tensor.dtype).block_size == 0;
    needs.weights += is_matrix ? kernels::packed_bytes(tensor.dtype, tensor.shape[0], tensor.shape[1])
                               : tensor.shape.n_elements() * sizeof(float);
  }
  const std::string prefix = cat(file.architecture(), ".");
  const auto integer = [&](std::string_view key) {
    return static_cast<std::size_t>(
        std::max<std::int64_t>(0, file.integer(prefix + std::string(key)).value_or(0)));
  };
  const std::size_t heads = std::max<std::size_t>(1, integer("attention.head_count"));
  const std::size_t kv_heads = std::max(integer("attention.head_count_kv"), std::size_t{0});
  const std::size_t head_dim = integer("attention.key_length") > 0 ? integer("attention.key_length")
                                                                   : integer("embedding_length") / heads;
  needs.kv_per_token = integer("block_count") * (kv_heads > 0 ? kv_heads : heads) * head_dim * 2 * 2;
  return needs;
}

void print_inspection(const GgufFile& file, const InspectArguments& arguments) {
  std::cout << file.paths().front().filename().string() << ": GGUF version " << file.version();
  if (file.paths().size() > 1) std::cout << ", " << file.paths().size() << " files";
  std::cout << "\n\nMetadata\n";
  for (const GgufEntry& entry : file.metadata())
    std::cout << "  " << entry.key << " = " << value_text(entry) << '\n';
  std::map<std::string_view, std::pair<std::size_t, std::size_t>> by_type;  // tensors, bytes
  std::size_t n_parameters = 0, n_bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    const std::size_t bytes = tensor.shape.n_rows() * row_bytes(tensor.dtype, tensor.shape.back());
    auto& of_type = by_type[dtype_name(tensor.dtype)];
    ++of_type.first;
    of_type.second += bytes;
    n_parameters += tensor.shape.n_elements();
    n_bytes += bytes;
  }
  std::cout << "\nTensors: " << file.tensors().size() << ", "
            << fmt::format("{:.1f} M", static_cast<double>(n_parameters) / 1e6) << " parameters, "
            << bytes_text(static_cast<double>(n_bytes)) << '\n';
  for (const auto& [type, counts] : by_type)
    std::cout << fmt::format("  {:<8} {:>5} tensors  {}\n", type, counts.first,
                             bytes_text(static_cast<double>(counts.second)));
  if (arguments.all_tensors) {
    for (const TensorInfo& tensor : file.tensors())
      std::cout << fmt::format("  {:<40} {:<8} {}\n", tensor.name, dtype_name(tensor.dtype),
                               tensor.shape.to_string());
  }
  if (file.find("tokenizer.ggml.model") != nullptr) {
    const TokenizerData data = read_gguf_tokenizer(file);
    std::cout << "\nTokenizer: " << file.text("tokenizer.ggml.model").value_or("") << ", "
              << data.pieces.size() << " tokens"
              << "\nChat template: "
              << (data.chat_template.empty() ? "none" : cat(data.chat_template.size(), " bytes")) << '\n';
  }
  if (!file.tensors().empty()) {
    const Needs needs = memory_needs(file);
    std::cout << "\nMemory: " << bytes_text(static_cast<double>(needs.weights)) << " of weights, "
              << bytes_text(static_cast<double>(needs.kv_per_token)) << " for each position ("
              << bytes_text(static_cast<double>(needs.kv_per_token) * 4096) << " for 4,096); "
              << bytes_text(static_cast<double>(available_memory_bytes())) << " are free\n";
  }
}

JsonObject inspection_json(const GgufFile& file) {
  JsonObject metadata;
  for (const GgufEntry& entry : file.metadata()) metadata[entry.key] = value_json(entry);
  JsonArray tensors;
  std::size_t n_parameters = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    JsonArray shape;
    for (const std::size_t extent : tensor.shape.extents()) shape.push_back(extent);
    n_parameters += tensor.shape.n_elements();
    tensors.push_back(
        JsonObject{{"name", tensor.name},
                   {"type", dtype_name(tensor.dtype)},
                   {"shape", std::move(shape)},
                   {"bytes", tensor.shape.n_rows() * row_bytes(tensor.dtype, tensor.shape.back())}});
  }
  const Needs needs = memory_needs(file);
  return {
      {"format", "gguf"},
      {"version", file.version()},
      {"architecture", file.architecture()},
      {"n_parameters", n_parameters},
      {"metadata", std::move(metadata)},
      {"tensors", std::move(tensors)},
      {"memory", JsonObject{{"weight_bytes", needs.weights}, {"kv_bytes_per_token", needs.kv_per_token}}}};
}

EngineOptions engine_options(const EngineArguments& arguments) {
  EngineOptions options;
  options.n_threads = arguments.n_threads;
  options.max_seq_len = arguments.max_seq_len;
  options.max_sequences = 1;
  options.kv_dtype = parse_kv_dtype(arguments.kv_type);
  return options;
}

JsonObject rate_json(const Rate& rate) {
  return {{"median", rate.median}, {"least", rate.least}, {"most", rate.most}};
}

}  // namespace

int inspect(const InspectArguments& arguments) {
  const GgufFile file = GgufFile::open(arguments.path);
  if (arguments.as_json) {
    std::cout << to_pretty_json(inspection_json(file)) << '\n';
  } else {
    print_inspection(file, arguments);
  }
  return 0;
}

int generate(const GenerateArguments& arguments) {
  Interrupt interrupt;
  Engine engine(arguments.engine.model, engine_options(arguments.engine));
  GenerationRequest request;
  const std::string prompt = arguments.prompt == "-" ? standard_input() : arguments.prompt;
  request.prompt = engine.loaded().tokenizer.encode(prompt, {.add_special = true, .parse_special = true});
  if (request.prompt.empty()) {
    if (const auto bos = engine.loaded().tokenizer.special_ids().bos) request.prompt.push_back(*bos);
  }
  request.sampling = arguments.engine.sampling;
  request.sampling.seed = arguments.engine.seed.value_or(random_seed());
  request.max_tokens = arguments.max_tokens;
  request.stop = arguments.stop;
  request.ignore_end = arguments.ignore_end;
  request.slide = arguments.slide;
  const bool shows = !arguments.as_json;
  if (shows) std::cout << prompt << std::flush;
  const auto result = engine.generate(
      request,
      [shows](const TokenEvent& event) {
        if (shows) std::cout << event.text << std::flush;
      },
      interrupt.token());
  const double prefill_rate =
      result.prefill_seconds > 0.0 ? static_cast<double>(result.n_prompt) / result.prefill_seconds : 0.0;
  if (shows) {
    std::cout << std::endl;
    std::cerr << fmt::format("[{} of prompt at {:.1f} tokens/s, {} generated at {:.1f} tokens/s, {}]\n",
                             result.n_prompt, prefill_rate, result.tokens.size(),
                             result.decode_tokens_per_s(), finish_reason_name(result.reason));
  } else {
    JsonArray tokens(result.tokens.begin(), result.tokens.end());
    std::cout << to_json(JsonObject{{"text", sanitize_utf8(result.text)},
                                    {"tokens", std::move(tokens)},
                                    {"finish_reason", finish_reason_name(result.reason)},
                                    {"seed", request.sampling.seed},
                                    {"usage", JsonObject{{"prompt_tokens", result.n_prompt},
                                                         {"completion_tokens", result.tokens.size()}}},
                                    {"prefill_tokens_per_s", prefill_rate},
                                    {"decode_tokens_per_s", result.decode_tokens_per_s()}})
              << '\n';
  }
  return result.reason == FinishReason::cancelled ? 3 : 0;
}

int bench(const BenchArguments& arguments) {
  Interrupt interrupt;
  Compute compute(arguments.engine.n_threads);
  const auto begin = std::chrono::steady_clock::now();
  const auto model = load_model(*open_model_source(arguments.engine.model), compute,
                                {.max_seq_len = std::max(arguments.n_prompt, arguments.n_generate)});
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  BenchmarkOptions options;
  options.n_prompt = arguments.n_prompt;
  options.n_generate = arguments.n_generate;
  options.batch_sizes = arguments.batch_sizes;
  options.n_repeats = arguments.n_repeats;
  options.kv_dtype = parse_kv_dtype(arguments.engine.kv_type);
  const BenchmarkReport report = run_benchmark(*model, compute, options, interrupt.token());
  const std::size_t peak = peak_memory_bytes();
  if (arguments.as_json) {
    JsonArray decode;
    for (const DecodeRate& d : report.decode) {
      JsonObject row = rate_json(d.rate);
      row["batch"] = d.batch_size;
      decode.push_back(std::move(row));
    }
    JsonObject json{{"model", model->info().name},
                    {"file", arguments.engine.model.string()},
                    {"architecture", model->info().architecture},
                    {"n_parameters", model->info().n_parameters},
                    {"weight_bytes", model->info().weight_bytes},
                    {"isa", compute.matmul.isa},
                    {"threads", compute.team.size()},
                    {"prompt_tokens", arguments.n_prompt},
                    {"generated_tokens", arguments.n_generate},
                    {"repeats", arguments.n_repeats},
                    {"load_seconds", load_seconds},
                    {"prefill_tokens_per_s", report.prefill.median},
                    {"prefill", rate_json(report.prefill)},
                    {"decode_tokens_per_s", report.decode.empty() ? 0.0 : report.decode.front().rate.median},
                    {"decode", std::move(decode)},
                    {"peak_memory_bytes", peak}};
    std::cout << to_pretty_json(json) << '\n';
    return 0;
  }
  const auto show = [](const char* what, const Rate& rate) {
    std::cout << fmt::format("{:<28} {:>9.1f} tokens/s   ({:.1f} to {:.1f})\n", what, rate.median, rate.least,
                             rate.most);
  };
  std::cout << fmt::format("{} ({}), {} threads, {}, loaded in {:.2f} s\n", model->info().name,
                           model->info().architecture, compute.team.size(), compute.matmul.isa, load_seconds);
  if (arguments.n_prompt > 0) show(cat("prefill of ", arguments.n_prompt).c_str(), report.prefill);
  for (const DecodeRate& d : report.decode)
    show(cat("decode of ", arguments.n_generate, d.batch_size > 1 ? cat(", ", d.batch_size, " together") : "")
             .c_str(),
         d.rate);
  std::cout << fmt::format("{:<28} {:>9}\n", "peak memory", bytes_text(static_cast<double>(peak)));
  return 0;
}

int tokenize(const TokenizeArguments& arguments) {
  const Tokenizer tokenizer = Tokenizer::open(arguments.model);
  const std::string input = standard_input();
  std::vector<TokenId> ids;
  if (arguments.decode) {
    std::string_view rest = input;
    while (!rest.empty()) {
      const std::size_t begin = rest.find_first_of("0123456789-+.abcdefghijklmnopqrstuvwxyz");
      if (begin == std::string_view::npos) break;
      rest.remove_prefix(begin);
      const std::size_t end = std::min(rest.find_first_of(" ,\t\r\n[]"), rest.size());
      const auto id = parse_int(rest.substr(0, end));
      if (!id || *id < 0 || static_cast<std::size_t>(*id) >= tokenizer.vocab_size()) {
        throw InvalidArgument(cat("\"", rest.substr(0, end), "\" is no token id; ids are numbers from 0 to ",
                                  tokenizer.vocab_size() - 1, " with blanks or commas between them"));
      }
      ids.push_back(static_cast<TokenId>(*id));
      rest.remove_prefix(end);
    }
  } else {
    ids = tokenizer.encode(input,
                           {.add_special = !arguments.no_special, .parse_special = arguments.parse_special});
  }
  if (arguments.as_json) {
    JsonArray id_array(ids.begin(), ids.end()), pieces;
    for (const TokenId id : ids) pieces.push_back(Json(sanitize_utf8(tokenizer.piece(id))));
    JsonObject json{{"ids", std::move(id_array)}, {"pieces", std::move(pieces)}};
    if (arguments.decode)
      json["text"] = sanitize_utf8(tokenizer.decode(ids, {.skip_special = arguments.no_special}));
    std::cout << to_json(json) << '\n';
  } else if (arguments.decode) {
    std::cout << tokenizer.decode(ids, {.skip_special = arguments.no_special});
  } else {
    for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i == 0 ? "" : " ") << ids[i];
    std::cout << '\n';
  }
  return 0;
}

int embed(const EmbedArguments& arguments) {
  EmbedderOptions options;
  options.normalises = !arguments.no_normalise;
  options.prefix = arguments.prefix;
  if (!arguments.pooling.empty()) {
    static const std::map<std::string, Pooling> kByName{
        {"mean", Pooling::mean}, {"cls", Pooling::first}, {"last", Pooling::last}};
    const auto found = kByName.find(arguments.pooling);
    if (found == kByName.end())
      throw InvalidArgument(cat("--pooling is mean, cls or last, not \"", arguments.pooling, "\""));
    options.pooling = found->second;
  }
  std::vector<std::string> texts = arguments.texts;
  if (texts.empty()) {
    const std::string input = standard_input();
    for (const std::string_view line : split_lines(input)) texts.emplace_back(line);
  }
  Compute compute(arguments.n_threads);
  const auto encoder = load_encoder(*open_model_source(arguments.model), compute);
  const Tokenizer tokenizer = Tokenizer::open(arguments.model);
  Embedder embedder(*encoder, tokenizer, compute, options);
  const auto embeddings = embedder.embed(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    JsonArray vector(embeddings[i].vector.begin(), embeddings[i].vector.end());
    std::cout << to_json(JsonObject{{"text", sanitize_utf8(texts[i])},
                                    {"n_tokens", embeddings[i].n_tokens},
                                    {"is_truncated", embeddings[i].is_truncated},
                                    {"embedding", std::move(vector)}})
              << '\n';
  }
  return 0;
}

int measure_perplexity(const PerplexityArguments& arguments) {
  Interrupt interrupt;
  Compute compute(arguments.engine.n_threads);
  const LoadedModel loaded = LoadedModel::load(arguments.engine.model, compute, arguments.window);
  const auto tokens = loaded.tokenizer.encode(read_file(arguments.file), {.add_special = false});
  PerplexityOptions options;
  options.window = arguments.window;
  options.kv_dtype = parse_kv_dtype(arguments.engine.kv_type);
  options.bos =
      loaded.tokenizer.data().prefix_ids.empty() ? std::nullopt : loaded.tokenizer.special_ids().bos;
  const bool shows = ::isatty(STDERR_FILENO) != 0;
  const auto report = perplexity(
      *loaded.model, compute, tokens, options,
      [shows](std::size_t done, std::size_t all, double value) {
        if (shows)
          std::cerr << fmt::format("\r{} of {} windows, {:.4f} so far ", done, all, value) << std::flush;
      },
      interrupt.token());
  if (shows) std::cerr << '\n';
  if (arguments.as_json) {
    std::cout << to_json(JsonObject{{"perplexity", report.perplexity},
                                    {"standard_error", report.standard_error},
                                    {"mean_negative_log_likelihood", report.mean_negative_log_likelihood},
                                    {"n_scored", report.n_scored},
                                    {"n_windows", report.n_windows},
                                    {"window", arguments.window}})
              << '\n';
  } else {
    std::cout << fmt::format("perplexity {:.4f} ± {:.4f} over {} tokens in {} windows of {}\n",
                             report.perplexity, report.standard_error, report.n_scored, report.n_windows,
                             arguments.window);
  }
  return 0;
}

}  // namespace quintet::cli
