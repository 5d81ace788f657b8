#include "models/encoder.h"

#include "core/error.h"
#include "core/text.h"
#include "models/families.h"
#include "models/weights.h"

namespace quintet {

namespace {

constexpr EncoderFamily kFamilies[] = {
    {"bert", load_bert},
    {"nomic-bert", load_nomic_bert},
};

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

}  // namespace

std::span<const EncoderFamily> encoder_families() noexcept {
  return kFamilies;
}

std::unique_ptr<Encoder> load_encoder(const ModelSource& source, Compute& compute,
                                      const LoadOptions& options) {
  WeightLoader loader(source, compute, options);
  for (const EncoderFamily& family : kFamilies)
    if (family.architecture == source.architecture()) return family.load(loader);
  for (const ModelFamily& family : model_families())
    if (family.architecture == source.architecture())
      return std::make_unique<CausalEncoder>(family.load(loader), read_pooling(source));
  std::string known;
  for (const EncoderFamily& family : kFamilies) known += cat(family.architecture, ", ");
  for (const ModelFamily& family : model_families()) known += cat(family.architecture, ", ");
  known.resize(known.size() - 2);
  throw Unsupported(cat(source.name(), " is of the architecture \"", source.architecture(),
                        "\"; those that can embed are ", known));
}

Pooling read_pooling(const ModelSource& source) {
  const std::int64_t type = source.integer("pooling_type").value_or(1);
  switch (type) {
    case 0:  // none said: the vectors of the tokens, which we average
    case 1: return Pooling::mean;
    case 2: return Pooling::first;
    case 3: return Pooling::last;
    case 4: throw Unsupported(cat(source.name(), " ranks texts; it gives no vectors"));
    default: throw CorruptData(cat(source.name(), ": pooling_type is ", type));
  }
}

}  // namespace quintet
