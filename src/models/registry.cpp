#include "core/error.h"
#include "core/text.h"
#include "models/families.h"
#include "models/weights.h"

namespace quintet {

namespace {

constexpr ModelFamily kFamilies[] = {
    {"llama", load_llama},       {"qwen2", load_qwen2},     {"qwen3", load_qwen3},
    {"qwen3moe", load_qwen3moe}, {"gemma", load_gemma},     {"gemma2", load_gemma2},
    {"gemma3", load_gemma3},     {"phi3", load_phi3},       {"olmo2", load_olmo2},
    {"gpt2", load_gpt2},         {"gptneox", load_gptneox}, {"starcoder2", load_starcoder2},
};

}  // namespace

std::span<const ModelFamily> model_families() noexcept {
  return kFamilies;
}

std::unique_ptr<Model> load_model(const ModelSource& source, Compute& compute, const LoadOptions& options) {
  WeightLoader loader(source, compute, options);
  for (const ModelFamily& family : kFamilies)
    if (family.architecture == source.architecture()) return family.load(loader);
  for (const EncoderFamily& family : encoder_families()) {
    if (family.architecture == source.architecture()) {
      throw Unsupported(cat(source.name(), " is an encoder (", source.architecture(),
                            "): it embeds texts, it can't write them"));
    }
  }
  std::string known;
  for (const ModelFamily& family : kFamilies) known += cat(known.empty() ? "" : ", ", family.architecture);
  throw Unsupported(cat(source.name(), " is of the architecture \"", source.architecture(),
                        "\"; those that work are ", known));
}

}  // namespace quintet
