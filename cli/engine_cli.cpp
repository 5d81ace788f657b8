#include "engine_cli.h"

#include <memory>

#include "engine_commands.h"

namespace quintet::cli {

namespace {

using Choose = std::function<void(std::function<int(const Options&)>)>;

CLI::Option* add_model(CLI::App& command, std::filesystem::path& model) {
  return command.add_option("-m,--model", model, "Model file (GGUF)")->required();
}

void add_compute(CLI::App& command, EngineArguments& engine) {
  command.add_option("-t,--threads", engine.n_threads, "Threads; 0 = one for each processor");
  command
      .add_option("--kv-type", engine.kv_type,
                  "Type of the key/value cache: f16, f32 or q8_0 (half the memory)")
      ->capture_default_str();
}

void add_sampling(CLI::App& command, EngineArguments& engine) {
  SamplingOptions& s = engine.sampling;
  s.temperature = 0.8f;
  s.top_k = 40;
  s.top_p = 0.95f;
  s.min_p = 0.05f;
  command.add_option("-c,--context", engine.max_seq_len,
                     "Positions; 0 = what the model was trained for, at most 8192");
  command.add_option("--temperature,--temp", s.temperature, "0 = always the most probable token")
      ->capture_default_str();
  command.add_option("--top-k", s.top_k, "Keep the k most probable tokens; 0 = all")->capture_default_str();
  command.add_option("--top-p", s.top_p, "Keep the most probable tokens of this share")
      ->capture_default_str();
  command.add_option("--min-p", s.min_p, "Least probability, relative to the best token's")
      ->capture_default_str();
  command.add_option("--repeat-penalty", s.repeat_penalty, "Against recent tokens; 1 = off")
      ->capture_default_str();
  command.add_option("--frequency-penalty", s.frequency_penalty, "For each time a token occurred")
      ->capture_default_str();
  command.add_option("--presence-penalty", s.presence_penalty, "Once for a token that occurred")
      ->capture_default_str();
  command.add_option("--seed", engine.seed, "The same seed gives the same text; default: another each time");
}

/// What a plain continuation can do beside what conversations with any provider know.
void add_more_sampling(CLI::App& command, SamplingOptions& s) {
  command.add_option("--typical-p", s.typical_p, "Keep typical tokens of this share")->capture_default_str();
  command.add_option("--penalty-window", s.penalty_window, "Recent tokens that count; -1 = all")
      ->capture_default_str();
  command.add_option("--dry-multiplier", s.dry_multiplier, "Against continued repetitions (DRY); 0 = off")
      ->capture_default_str();
  command.add_option("--mirostat", s.mirostat_tau, "Wanted surprise in bits (mirostat 2); 0 = off")
      ->capture_default_str();
}

}  // namespace

void add_engine_commands(CLI::App& app, const Choose& choose) {
  auto inspect_arguments = std::make_shared<InspectArguments>();
  CLI::App* inspect_command =
      app.add_subcommand("inspect", "Show what a model holds and the memory it needs");
  inspect_command
      ->add_option("file", inspect_arguments->path,
                   "Model file (GGUF, also the first of several), or a folder with config.json")
      ->required();
  inspect_command->add_flag("--tensors", inspect_arguments->all_tensors, "List every tensor");
  inspect_command->add_flag("--json", inspect_arguments->as_json, "Print JSON");
  inspect_command->callback([=] { choose([=](const Options&) { return inspect(*inspect_arguments); }); });

  auto generate_arguments = std::make_shared<GenerateArguments>();
  CLI::App* generate_command = app.add_subcommand("generate", "Continue a text with a model");
  add_model(*generate_command, generate_arguments->engine.model);
  generate_command->add_option("-p,--prompt", generate_arguments->prompt, "The text; - reads standard input")
      ->required();
  generate_command
      ->add_option("-n,--max-tokens", generate_arguments->max_tokens, "0 = until the context is full")
      ->capture_default_str();
  generate_command->add_option("--stop", generate_arguments->stop, "Text that ends the answer (repeatable)");
  generate_command->add_flag("--ignore-end", generate_arguments->ignore_end,
                             "Go on after the model's end token");
  generate_command->add_flag("--slide", generate_arguments->slide,
                             "When the context is full, forget its older half and go on");
  generate_command->add_flag("--json", generate_arguments->as_json, "Print JSON");
  add_compute(*generate_command, generate_arguments->engine);
  add_sampling(*generate_command, generate_arguments->engine);
  add_more_sampling(*generate_command, generate_arguments->engine.sampling);
  generate_command->callback([=] { choose([=](const Options&) { return generate(*generate_arguments); }); });

  auto chat_arguments = std::make_shared<ChatArguments>();
  CLI::App* chat_command = app.add_subcommand("chat", "Talk with a model in the terminal");
  add_model(*chat_command, chat_arguments->engine.model);
  chat_command->add_option("--system", chat_arguments->system, "What the model is told first");
  chat_command->add_option("-n,--max-tokens", chat_arguments->max_tokens, "Of each answer; 0 = no limit");
  add_compute(*chat_command, chat_arguments->engine);
  add_sampling(*chat_command, chat_arguments->engine);
  chat_command->callback(
      [=] { choose([=](const Options& options) { return chat(options, *chat_arguments); }); });

  auto bench_arguments = std::make_shared<BenchArguments>();
  CLI::App* bench_command = app.add_subcommand("bench", "Measure a model's speed on this machine");
  add_model(*bench_command, bench_arguments->engine.model);
  bench_command->add_option("-p,--prompt-tokens", bench_arguments->n_prompt, "Tokens of the prompt; 0 = skip")
      ->capture_default_str();
  bench_command->add_option("-n,--tokens", bench_arguments->n_generate, "Tokens generated; 0 = skip")
      ->capture_default_str();
  bench_command
      ->add_option("-b,--batch", bench_arguments->batch_sizes, "Sequences that decode together: 1,4,16")
      ->delimiter(',');
  bench_command->add_option("-r,--repeats", bench_arguments->n_repeats, "Runs of each")
      ->capture_default_str();
  bench_command->add_flag("--json", bench_arguments->as_json, "Print JSON");
  add_compute(*bench_command, bench_arguments->engine);
  bench_command->callback([=] { choose([=](const Options&) { return bench(*bench_arguments); }); });

  auto tokenize_arguments = std::make_shared<TokenizeArguments>();
  CLI::App* tokenize_command = app.add_subcommand("tokenize", "Turn standard input into tokens");
  tokenize_command
      ->add_option("-m,--model", tokenize_arguments->model,
                   "Model, vocabulary-only GGUF, tokenizer.json, tokenizer.model, or a folder with one")
      ->required();
  tokenize_command->add_flag("--decode", tokenize_arguments->decode, "The other way: ids in, text out");
  tokenize_command->add_flag("--no-special", tokenize_arguments->no_special,
                             "No tokens before and after the text");
  tokenize_command->add_flag("--parse-special", tokenize_arguments->parse_special,
                             "Special tokens written in the text count as such");
  tokenize_command->add_flag("--json", tokenize_arguments->as_json, "Print JSON: ids and pieces");
  tokenize_command->callback([=] { choose([=](const Options&) { return tokenize(*tokenize_arguments); }); });

  auto embed_arguments = std::make_shared<EmbedArguments>();
  CLI::App* embed_command =
      app.add_subcommand("embed", "Turn texts into vectors with an embedding model; prints JSON lines");
  add_model(*embed_command, embed_arguments->model);
  embed_command->add_option("text", embed_arguments->texts,
                            "Texts; without any, the lines of standard input");
  embed_command->add_option("--pooling", embed_arguments->pooling,
                            "mean, cls or last; default: the model's own");
  embed_command->add_option("--prefix", embed_arguments->prefix,
                            "Put before each text, e.g. \"search_query: \"");
  embed_command->add_flag("--no-normalise", embed_arguments->no_normalise, "Keep the vectors' lengths");
  embed_command->add_option("-t,--threads", embed_arguments->n_threads, "0 = one for each processor");
  embed_command->callback([=] { choose([=](const Options&) { return embed(*embed_arguments); }); });

  auto quantize_arguments = std::make_shared<QuantizeArguments>();
  CLI::App* quantize_command =
      app.add_subcommand("quantize", "Write a model as a GGUF file, in a smaller type");
  quantize_command
      ->add_option("input", quantize_arguments->input,
                   "Model file (GGUF) or Hugging Face folder, with weights of f32, f16 or bf16")
      ->required();
  quantize_command->add_option("output", quantize_arguments->output, "GGUF file to write")->required();
  quantize_command
      ->add_option("--type", quantize_arguments->type, "q4_k_m, q4_0, q8_0 …; a wrong one lists all")
      ->capture_default_str();
  quantize_command->add_flag("--pure", quantize_arguments->is_pure, "Every matrix of the type itself");
  quantize_command->add_flag("--allow-requantize", quantize_arguments->allows_requantizing,
                             "Also from quantized weights, which lose twice");
  quantize_command->add_option("--imatrix", quantize_arguments->importance,
                               "Importance matrix (llama.cpp's format)");
  quantize_command->add_option("-t,--threads", quantize_arguments->n_threads, "0 = one for each processor");
  quantize_command->add_flag("--json", quantize_arguments->as_json, "Print JSON: the error of every tensor");
  quantize_command->callback([=] { choose([=](const Options&) { return quantize(*quantize_arguments); }); });

  auto synthesize_arguments = std::make_shared<SynthesizeArguments>();
  CLI::App* models = app.add_subcommand("models", "Models on this machine: list, pull, remove, synthesize");
  CLI::App* synthesize_command = models->add_subcommand(
      "synthesize", "Write a model of a real shape with random weights, to measure with");
  synthesize_command
      ->add_option("--shape", synthesize_arguments->shape, "smollm2-135m, qwen2.5-0.5b, llama3.2-1b …")
      ->required();
  synthesize_command->add_option("--type", synthesize_arguments->type, "q4_0, q8_0, q4_k_m, bf16 …")
      ->capture_default_str();
  synthesize_command->add_flag("--pure", synthesize_arguments->is_pure, "Every matrix of the type itself");
  synthesize_command->add_option("--seed", synthesize_arguments->seed, "The same seed gives the same file")
      ->capture_default_str();
  synthesize_command->add_option("-o,--output", synthesize_arguments->output, "File to write")->required();
  synthesize_command->callback(
      [=] { choose([=](const Options&) { return synthesize(*synthesize_arguments); }); });

  auto perplexity_arguments = std::make_shared<PerplexityArguments>();
  CLI::App* perplexity_command = app.add_subcommand("perplexity", "How well a model predicts a text");
  add_model(*perplexity_command, perplexity_arguments->engine.model);
  perplexity_command->add_option("file", perplexity_arguments->file, "The text")->required();
  perplexity_command->add_option("--against", perplexity_arguments->reference,
                                 "Model that this one was made from: how far its predictions are from there");
  perplexity_command->add_option("--window", perplexity_arguments->window, "Tokens read together")
      ->capture_default_str();
  perplexity_command->add_flag("--json", perplexity_arguments->as_json, "Print JSON");
  add_compute(*perplexity_command, perplexity_arguments->engine);
  perplexity_command->callback(
      [=] { choose([=](const Options&) { return measure_perplexity(*perplexity_arguments); }); });
}

}  // namespace quintet::cli
