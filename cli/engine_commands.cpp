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
#include "inference/benchmark.h"
#include "inference/embedder.h"
#include "inference/engine.h"
#include "interrupt.h"
#include "models/encoder.h"
#include "models/hf_source.h"
#include "net/download.h"

namespace quintet::cli {

namespace {

std::string standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
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

namespace {

/// The options of both kinds of benchmark.
BenchmarkOptions benchmark_options(const BenchArguments& arguments) {
  BenchmarkOptions options;
  options.n_prompt = arguments.n_prompt;
  options.n_generate = arguments.n_generate;
  options.batch_sizes = arguments.batch_sizes;
  options.n_repeats = arguments.n_repeats;
  options.kv_dtype = parse_kv_dtype(arguments.engine.kv_type);
  return options;
}

/// What a benchmark's report begins with.
JsonObject bench_json(const BenchArguments& arguments, const ModelInfo& info, const Compute& compute,
                      double load_seconds) {
  return {{"model", info.name},
          {"file", arguments.engine.model.string()},
          {"architecture", info.architecture},
          {"n_parameters", info.n_parameters},
          {"weight_bytes", info.weight_bytes},
          {"isa", compute.matmul.isa},
          {"threads", compute.team.size()},
          {"prompt_tokens", arguments.n_prompt},
          {"repeats", arguments.n_repeats},
          {"load_seconds", load_seconds}};
}

JsonArray rates_json(const std::vector<BatchRate>& rates) {
  JsonArray rows;
  for (const BatchRate& rate : rates) {
    JsonObject row = rate_json(rate.rate);
    row["batch"] = rate.batch_size;
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_bench_head(const ModelInfo& info, const Compute& compute, double load_seconds) {
  std::cout << fmt::format("{} ({}), {} threads, {}, loaded in {:.2f} s\n", info.name, info.architecture,
                           compute.team.size(), compute.matmul.isa, load_seconds);
}

void print_rate(const std::string& what, const Rate& rate) {
  std::cout << fmt::format("{:<28} {:>9.1f} tokens/s   ({:.1f} to {:.1f})\n", what, rate.median, rate.least,
                           rate.most);
}

void print_peak_memory() {
  std::cout << fmt::format("{:<28} {:>9}\n", "peak memory", readable_bytes(peak_memory_bytes()));
}

bool is_encoder(const ModelSource& source) {
  return std::ranges::any_of(encoder_families(), [&](const EncoderFamily* family) {
    return family->architecture == source.architecture();
  });
}

int bench_encoder(const BenchArguments& asked, const ModelSource& source, Compute& compute,
                  const Interrupt& interrupt) {
  const auto begin = std::chrono::steady_clock::now();
  const auto encoder = load_encoder(source, compute);
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  BenchArguments arguments = asked;
  if (const std::size_t most = encoder->info().max_seq_len; most > 0)
    arguments.n_prompt = std::min(arguments.n_prompt, most);
  const auto report =
      run_encoder_benchmark(*encoder, compute, benchmark_options(arguments), interrupt.token());
  if (arguments.as_json) {
    JsonObject json = bench_json(arguments, encoder->info(), compute, load_seconds);
    json["embed_tokens_per_s"] = report.empty() ? 0.0 : report.front().rate.median;
    json["embed"] = rates_json(report);
    json["peak_memory_bytes"] = peak_memory_bytes();
    std::cout << to_pretty_json(json) << '\n';
    return 0;
  }
  print_bench_head(encoder->info(), compute, load_seconds);
  for (const BatchRate& rate : report)
    print_rate(cat(rate.batch_size, rate.batch_size == 1 ? " text of " : " texts of ", arguments.n_prompt),
               rate.rate);
  print_peak_memory();
  return 0;
}

}  // namespace

int bench(const BenchArguments& arguments) {
  Interrupt interrupt;
  Compute compute(arguments.engine.n_threads);
  const auto source = open_model_source(arguments.engine.model);
  if (is_encoder(*source)) return bench_encoder(arguments, *source, compute, interrupt);
  const auto begin = std::chrono::steady_clock::now();
  const auto model =
      load_model(*source, compute, {.max_seq_len = std::max(arguments.n_prompt, arguments.n_generate)});
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const BenchmarkReport report =
      run_benchmark(*model, compute, benchmark_options(arguments), interrupt.token());
  if (arguments.as_json) {
    JsonObject json = bench_json(arguments, model->info(), compute, load_seconds);
    json["generated_tokens"] = arguments.n_generate;
    json["prefill_tokens_per_s"] = report.prefill.median;
    json["prefill"] = rate_json(report.prefill);
    json["decode_tokens_per_s"] = report.decode.empty() ? 0.0 : report.decode.front().rate.median;
    json["decode"] = rates_json(report.decode);
    json["peak_memory_bytes"] = peak_memory_bytes();
    std::cout << to_pretty_json(json) << '\n';
    return 0;
  }
  print_bench_head(model->info(), compute, load_seconds);
  if (arguments.n_prompt > 0) print_rate(cat("prefill of ", arguments.n_prompt), report.prefill);
  for (const BatchRate& d : report.decode)
    print_rate(
        cat("decode of ", arguments.n_generate, d.batch_size > 1 ? cat(", ", d.batch_size, " together") : ""),
        d.rate);
  print_peak_memory();
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

}  // namespace quintet::cli
