#include <array>

#include "core/error.h"
#include "core/text.h"
#include "models/families.h"
#include "models/weights.h"

namespace quintet {

std::span<const ModelFamily* const> model_families() noexcept {
  static constexpr std::array kFamilies = {
      &kLlama,  &kQwen2, &kQwen3, &kQwen3Moe, &kGemma,   &kGemma2,
      &kGemma3, &kPhi3,  &kOlmo2, &kGpt2,     &kGptNeox, &kStarcoder2,
  };
  return kFamilies;
}

std::span<const EncoderFamily* const> encoder_families() noexcept {
  static constexpr std::array kFamilies = {
      &kBert,
      &kNomicBert,
  };
  return kFamilies;
}

namespace {

template <typename Family>
const Family* find_family(std::span<const Family* const> families, std::string_view architecture) noexcept {
  for (const Family* family : families)
    if (family->architecture == architecture) return family;
  return nullptr;
}

std::string names(const auto& families) {
  std::string all;
  for (const auto* family : families) all += cat(all.empty() ? "" : ", ", family->architecture);
  return all;
}

/// A language model that embeds, such as Qwen3-Embedding.
class CausalEncoder final : public Encoder {
 public:
  CausalEncoder(std::unique_ptr<Model> model, Pooling pooling) : model_(std::move(model)) {
    info_ = model_->info();
    pooling_ = pooling;
  }
  void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> hidden) const override {
    model_->hidden_states(compute, batch, hidden);
  }

 private:
  std::unique_ptr<Model> model_;
};

std::unique_ptr<Model> find_and_load_model(const ModelSource& source, Compute& compute,
                                           const LoadOptions& options) {
  WeightLoader loader(source, compute, options);
  if (const auto* family = find_family(model_families(), source.architecture())) return family->load(loader);
  if (find_family(encoder_families(), source.architecture()) != nullptr) {
    throw Unsupported(cat(source.name(), " is an encoder (", source.architecture(),
                          "): it embeds texts, it can't write them"));
  }
  throw Unsupported(cat(source.name(), " is of the architecture \"", source.architecture(),
                        "\"; those that work are ", names(model_families())));
}

std::unique_ptr<Encoder> find_and_load_encoder(const ModelSource& source, Compute& compute,
                                               const LoadOptions& options) {
  WeightLoader loader(source, compute, options);
  if (const auto* family = find_family(encoder_families(), source.architecture()))
    return family->load(loader);
  if (const auto* family = find_family(model_families(), source.architecture()))
    return std::make_unique<CausalEncoder>(family->load(loader), read_pooling(source));
  throw Unsupported(cat(source.name(), " is of the architecture \"", source.architecture(),
                        "\"; those that can embed are ", names(encoder_families()), ", ",
                        names(model_families())));
}

}  // namespace

std::unique_ptr<Model> load_model(const ModelSource& source, Compute& compute, const LoadOptions& options) {
  return read_unchanged(source, [&] { return find_and_load_model(source, compute, options); });
}

std::unique_ptr<Encoder> load_encoder(const ModelSource& source, Compute& compute,
                                      const LoadOptions& options) {
  return read_unchanged(source, [&] { return find_and_load_encoder(source, compute, options); });
}

}  // namespace quintet
