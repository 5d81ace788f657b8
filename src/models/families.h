#pragma once

#include <memory>

#include "models/model.h"

/// The loaders that the registry names, one for each family's file.
namespace quintet {

std::unique_ptr<Model> load_llama(WeightLoader& loader);
std::unique_ptr<Model> load_qwen2(WeightLoader& loader);
std::unique_ptr<Model> load_qwen3(WeightLoader& loader);

}  // namespace quintet
