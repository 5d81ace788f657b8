#include <iostream>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "engine_commands.h"
#include "inference/loaded_model.h"
#include "inference/perplexity.h"
#include "interrupt.h"

namespace quintet::cli {

namespace {

/// "12 of 40 windows, 3.1416 so far", drawn over itself on a terminal.
class ProgressLine {
 public:
  void operator()(std::size_t done, std::size_t all, double value) const {
    if (is_terminal_)
      std::cerr << fmt::format("\r{} of {} windows, {:.4f} so far ", done, all, value) << std::flush;
  }
  void finish() const {
    if (is_terminal_) std::cerr << '\n';
  }

 private:
  bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
};

int show_perplexity(const PerplexityReport& report, const PerplexityArguments& arguments) {
  if (arguments.as_json) {
    std::cout << to_json(JsonObject{{"perplexity", report.perplexity},
                                    {"standard_error", report.standard_error},
                                    {"mean_negative_log_likelihood", report.mean_negative_log_likelihood},
                                    {"n_scored", report.n_scored},
                                    {"n_windows", report.n_windows},
                                    {"window", arguments.window}})
              << '\n';
    return 0;
  }
  std::cout << fmt::format("perplexity {:.4f} ± {:.4f} over {} tokens in {} windows of {}\n",
                           report.perplexity, report.standard_error, report.n_scored, report.n_windows,
                           arguments.window);
  return 0;
}

int show_divergence(const DivergenceReport& r, const PerplexityArguments& arguments) {
  if (arguments.as_json) {
    std::cout << to_json(JsonObject{{"mean_kl", r.mean_kl},
                                    {"mean_kl_standard_error", r.mean_kl_standard_error},
                                    {"median_kl", r.median_kl},
                                    {"p99_kl", r.p99_kl},
                                    {"max_kl", r.max_kl},
                                    {"top1_agreement", r.top1_agreement},
                                    {"top1_standard_error", r.top1_standard_error},
                                    {"perplexity", r.perplexity},
                                    {"reference_perplexity", r.reference_perplexity},
                                    {"perplexity_ratio", r.perplexity_ratio},
                                    {"perplexity_ratio_standard_error", r.perplexity_ratio_standard_error},
                                    {"n_scored", r.n_scored},
                                    {"n_windows", r.n_windows},
                                    {"window", arguments.window}})
              << '\n';
    return 0;
  }
  std::cout << fmt::format(
      "KL divergence    mean {:.6f} ± {:.6f}, median {:.6f}, 99 % below {:.6f}, at most {:.6f} nats\n"
      "same best token  {:.2f} ± {:.2f} %\n"
      "perplexity       {:.4f}, reference {:.4f}, ratio {:.5f} ± {:.5f}\n"
      "over {} tokens in {} windows of {}\n",
      r.mean_kl, r.mean_kl_standard_error, r.median_kl, r.p99_kl, r.max_kl, 100.0 * r.top1_agreement,
      100.0 * r.top1_standard_error, r.perplexity, r.reference_perplexity, r.perplexity_ratio,
      r.perplexity_ratio_standard_error, r.n_scored, r.n_windows, arguments.window);
  return 0;
}

}  // namespace

int measure_perplexity(const PerplexityArguments& arguments) {
  Interrupt interrupt;
  Compute compute(arguments.engine.n_threads);
  const LoadedModel loaded = LoadedModel::load(arguments.engine.model, compute, arguments.window);
  const std::string text = read_file(arguments.file);
  const auto tokens = loaded.tokenizer.encode(text, {.add_special = false});
  PerplexityOptions options;
  options.window = arguments.window;
  options.kv_dtype = parse_kv_dtype(arguments.engine.kv_type);
  options.bos =
      loaded.tokenizer.data().prefix_ids.empty() ? std::nullopt : loaded.tokenizer.special_ids().bos;
  const ProgressLine line;
  if (arguments.reference.empty()) {
    const auto report = perplexity(*loaded.model, compute, tokens, options, line, interrupt.token());
    line.finish();
    return show_perplexity(report, arguments);
  }
  const LoadedModel reference = LoadedModel::load(arguments.reference, compute, arguments.window);
  if (reference.tokenizer.encode(text, {.add_special = false}) != tokens) {
    throw InvalidArgument(cat(arguments.engine.model.string(), " and ", arguments.reference.string(),
                              " cut the text into different tokens: their predictions can't be compared"));
  }
  const auto report =
      divergence(*loaded.model, *reference.model, compute, tokens, options, line, interrupt.token());
  line.finish();
  return show_divergence(report, arguments);
}

}  // namespace quintet::cli
