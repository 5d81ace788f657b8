#pragma once

#include <memory>

#include "models/encoder.h"

/// The loaders that the registry names, one for each family's file.
namespace quintet {

std::unique_ptr<Model> load_llama(WeightLoader& loader);
std::unique_ptr<Model> load_qwen2(WeightLoader& loader);
std::unique_ptr<Model> load_qwen3(WeightLoader& loader);
std::unique_ptr<Model> load_qwen3moe(WeightLoader& loader);
std::unique_ptr<Model> load_gemma(WeightLoader& loader);
std::unique_ptr<Model> load_gemma2(WeightLoader& loader);
std::unique_ptr<Model> load_gemma3(WeightLoader& loader);
std::unique_ptr<Model> load_phi3(WeightLoader& loader);
std::unique_ptr<Model> load_olmo2(WeightLoader& loader);
std::unique_ptr<Model> load_gpt2(WeightLoader& loader);
std::unique_ptr<Model> load_gptneox(WeightLoader& loader);
std::unique_ptr<Model> load_starcoder2(WeightLoader& loader);

std::unique_ptr<Encoder> load_bert(WeightLoader& loader);
std::unique_ptr<Encoder> load_nomic_bert(WeightLoader& loader);

}  // namespace quintet
