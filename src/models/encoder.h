#pragma once

#include <memory>

#include "models/model.h"

namespace quintet {

/// How the vectors of a text's tokens become the vector of the text.
enum class Pooling : std::uint8_t { mean, first, last };

/// A model that turns tokens into vectors. Immutable once loaded; one forward pass at a time per Compute.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// info().kv is the cache that forward() needs for the moment: sequences start empty and are not advanced.
  const ModelInfo& info() const noexcept { return info_; }
  /// What the checkpoint was trained with; mean when it doesn't say.
  Pooling pooling() const noexcept { return pooling_; }

  /// Hidden states of all of the batch's tokens: [n_tokens, dim]. Every sequence is one whole text; the
  /// batch's wanted_logits mean nothing. Throws InvalidArgument for tokens outside the vocabulary, texts
  /// longer than the model knows or a view of another size.
  virtual void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> hidden) const = 0;

 protected:
  ModelInfo info_;
  Pooling pooling_ = Pooling::mean;
};

/// One line of the registry of encoders.
struct EncoderFamily {
  std::string_view architecture;  // as GGUF names it
  std::unique_ptr<Encoder> (*load)(WeightLoader& loader);
  HfDialect hf;
};

std::span<const EncoderFamily* const> encoder_families() noexcept;

/// Loads an encoder, or a language model as one: its hidden states, each token seeing those before it. Throws
/// as load_model.
std::unique_ptr<Encoder> load_encoder(const ModelSource& source, Compute& compute,
                                      const LoadOptions& options = {});

/// Reads "pooling_type" in GGUF's numbers. Throws Unsupported for rankers, which give no vector.
Pooling read_pooling(const ModelSource& source);

}  // namespace quintet
