#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/block_weights.h"
#include "models/encoder.h"
#include "nn/token_input.h"

namespace quintet {

/// Input with the type of text, a norm, blocks that norm after they add: BERT (arXiv:1810.04805) and its
/// relatives. Families fill it and differ in what they fill in.
class BertEncoder final : public Encoder {
 public:
  void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> hidden) const override;

  struct Parts {
    TokenInput input;
    std::vector<float> type;  // [dim] of texts of type 0, added to each token; or empty
    Norm input_norm;
    std::vector<Rope> ropes;  // one, or none where positions are learned
    std::vector<std::unique_ptr<Block>> blocks;
  };
  BertEncoder(ModelInfo info, Pooling pooling, Parts parts);

 private:
  Parts parts_;
};

/// Throws as read_decoder_settings. Attention sees the whole text.
DecoderSettings read_bert_settings(const WeightLoader& loader);

using LoadMlp = std::function<FeedForward(std::size_t layer)>;

/// What encoders have in common: token_embd, token_types, token_embd_norm and the blocks, with MLPs from
/// `load_mlp`; `rope` is the rotation that
/// they use, if any. Positions are for the family to add.
BertEncoder::Parts load_bert_parts(WeightLoader& loader, const DecoderSettings& settings,
                                   std::optional<std::size_t> rope, const LoadMlp& load_mlp);
std::unique_ptr<BertEncoder> make_bert_encoder(const WeightLoader& loader, const DecoderSettings& settings,
                                               BertEncoder::Parts parts);

}  // namespace quintet
