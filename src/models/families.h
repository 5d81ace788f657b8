#pragma once

#include "models/encoder.h"

/// What the registry lists, one for each family's file.
namespace quintet {

extern const ModelFamily kLlama;
extern const ModelFamily kQwen2;
extern const ModelFamily kQwen3;
extern const ModelFamily kQwen3Moe;
extern const ModelFamily kGemma;
extern const ModelFamily kGemma2;
extern const ModelFamily kGemma3;
extern const ModelFamily kPhi3;
extern const ModelFamily kOlmo2;
extern const ModelFamily kGpt2;
extern const ModelFamily kGptNeox;
extern const ModelFamily kStarcoder2;

extern const EncoderFamily kBert;
extern const EncoderFamily kNomicBert;

}  // namespace quintet
