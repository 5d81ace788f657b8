#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/block_weights.h"
#include "nn/token_input.h"

namespace quintet {

/// What a decoder is made of. Families fill it and differ in what they fill in.
struct DecoderParts {
  TokenInput input;
  std::vector<Rope> ropes;  // blocks name theirs by its index
  std::vector<std::unique_ptr<Block>> blocks;
  Norm output_norm;
  Linear output;               // [vocab_size, dim]
  float logit_softcap = 0.0f;  // logits become softcap · tanh(logit / softcap); 0 = not
};

/// Input, blocks, norm, output: the way through every decoder.
class Decoder final : public Model {
 public:
  Decoder(ModelInfo info, DecoderParts parts) : parts_(std::move(parts)) { info_ = std::move(info); }

  void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> logits) const override;
  void hidden_states(Compute& compute, const ForwardBatch& batch, MatrixView<float> out) const override;

 private:
  void run_blocks(Compute& compute, const ForwardBatch& batch, MatrixView<float> x) const;

  DecoderParts parts_;
};

using LoadBlock = std::function<std::unique_ptr<Block>(std::size_t layer)>;

/// token_embd, settings.n_layers blocks from `load_block`, output_norm, output (or token_embd again where
/// there is none), and one rotation: settings.rope.
DecoderParts load_decoder_parts(WeightLoader& loader, const DecoderSettings& settings,
                                const LoadBlock& load_block);
/// The decoder of these parts, with what the settings say of it.
std::unique_ptr<Decoder> make_decoder(const WeightLoader& loader, const DecoderSettings& settings,
                                      DecoderParts parts);

/// Both in one, for families that need nothing else.
std::unique_ptr<Decoder> load_decoder(WeightLoader& loader, const DecoderSettings& settings,
                                      const LoadBlock& load_block);

}  // namespace quintet
