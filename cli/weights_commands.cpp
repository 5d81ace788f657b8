#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "engine_commands.h"
#include "formats/synthesize.h"
#include "interrupt.h"
#include "models/export_gguf.h"
#include "pull_display.h"

namespace quintet::cli {

namespace {

/// "  45 % [##########              ] blk.3.ffn_up.weight  0:33 left", drawn over itself on a terminal.
class QuantizeDisplay {
 public:
  void show(const QuantizedTensor& tensor, std::size_t done, std::size_t total) const {
    if (!is_terminal_ || total == 0) return;
    constexpr std::size_t kBarWidth = 24;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const auto n_full = static_cast<std::size_t>(share * kBarWidth);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin_;
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(taken * (1.0 / share - 1.0));
    std::cerr << fmt::format("\r{:3.0f} % [{:<{}}] {:<36} {} left\x1b[K", 100.0 * share,
                             std::string(n_full, '#'), kBarWidth, truncate_utf8(tensor.name, 36),
                             clock_text(left))
              << std::flush;
  }
  void finish() const {
    if (is_terminal_) std::cerr << "\r\x1b[K";
  }

 private:
  bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// What of a folder didn't go along, on standard error.
void say_left_out(const std::vector<std::string>& names) {
  if (names.empty()) return;
  constexpr std::size_t kShown = 5;
  std::string list;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i)
    list += cat(i == 0 ? "" : ", ", sanitize_utf8(names[i]));
  std::cerr << "left out " << names.size() << " tensors that the model doesn't read: " << list
            << (names.size() > kShown ? ", …" : "") << '\n';
}

}  // namespace

int synthesize(const SynthesizeArguments& arguments) {
  const ModelShape* shape = find_model_shape(arguments.shape);
  if (shape == nullptr) {
    std::string known;
    for (const ModelShape& s : model_shapes()) known += cat(known.empty() ? "" : ", ", s.name);
    throw InvalidArgument(cat("there is no shape ", arguments.shape, "; there are ", known));
  }
  Interrupt interrupt;
  const Synthesized written =
      synthesize_model(*shape, {.type = arguments.type, .is_pure = arguments.is_pure, .seed = arguments.seed},
                       arguments.output, interrupt.token());
  std::cout << fmt::format("{}: {:.1f} M parameters, {:.1f} MB, random weights\n", arguments.output.string(),
                           static_cast<double>(written.n_parameters) / 1e6,
                           static_cast<double>(written.n_bytes) / 1e6);
  return 0;
}

int quantize(const QuantizeArguments& arguments) {
  Interrupt interrupt;
  QuantizeFileOptions options;
  options.type = arguments.type;
  options.is_pure = arguments.is_pure;
  options.importance = arguments.importance;
  options.allows_requantizing = arguments.allows_requantizing;
  options.n_threads =
      arguments.n_threads > 0 ? arguments.n_threads : std::max(1u, std::thread::hardware_concurrency());
  const QuantizeDisplay display;
  const QuantizeReport report = quantize_model(
      arguments.input, arguments.output, options,
      [&display](const QuantizedTensor& tensor, std::size_t done, std::size_t total) {
        display.show(tensor, done, total);
      },
      interrupt.token());
  display.finish();
  say_left_out(report.left_out);
  for (const std::string& note : report.notes) std::cerr << note << '\n';
  if (arguments.as_json) {
    JsonArray tensors;
    for (const QuantizedTensor& tensor : report.tensors) {
      tensors.push_back(JsonObject{{"name", tensor.name},
                                   {"from", dtype_name(tensor.from)},
                                   {"to", dtype_name(tensor.to)},
                                   {"bytes", tensor.n_bytes},
                                   {"rmse", tensor.rmse},
                                   {"relative_rmse", tensor.relative_rmse}});
    }
    std::cout << to_pretty_json(JsonObject{{"n_parameters", report.n_parameters},
                                           {"bytes", report.n_bytes},
                                           {"bits_per_weight", report.bits_per_weight()},
                                           {"left_out", to_json_array(report.left_out)},
                                           {"notes", to_json_array(report.notes)},
                                           {"tensors", std::move(tensors)}})
              << '\n';
    return 0;
  }
  for (const QuantizedTensor& tensor : report.tensors) {
    if (tensor.from == tensor.to) continue;
    std::cout << fmt::format("{:<36} {:<5} to {:<6} rmse {:.3e}, {:.2f} % of the weights\n", tensor.name,
                             dtype_name(tensor.from), dtype_name(tensor.to), tensor.rmse,
                             100.0 * tensor.relative_rmse);
  }
  std::cout << fmt::format("{}: {:.1f} MB, {:.2f} bits per weight\n", arguments.output.string(),
                           static_cast<double>(report.n_bytes) / 1e6, report.bits_per_weight());
  return 0;
}

}  // namespace quintet::cli
