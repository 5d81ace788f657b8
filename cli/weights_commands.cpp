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

namespace quintet::cli {

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
  const bool shows = ::isatty(STDERR_FILENO) != 0;
  const QuantizeReport report = quantize_model(
      arguments.input, arguments.output, options,
      [shows](const QuantizedTensor& tensor, std::size_t done, std::size_t total) {
        if (shows)
          std::cerr << fmt::format("\r{:3.0f} %  {:<40}",
                                   100.0 * static_cast<double>(done) / static_cast<double>(total),
                                   tensor.name)
                    << std::flush;
      },
      interrupt.token());
  if (shows) std::cerr << "\r\033[K";
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
