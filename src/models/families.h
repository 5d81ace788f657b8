#pragma once

#include <memory>

#include "models/model.h"

/// The loaders that the registry names, one for each family's file.
namespace quintet {

std::unique_ptr<Model> load_llama(const ModelSource& source, Compute& compute);
std::unique_ptr<Model> load_qwen2(const ModelSource& source, Compute& compute);
std::unique_ptr<Model> load_qwen3(const ModelSource& source, Compute& compute);

}  // namespace quintet
