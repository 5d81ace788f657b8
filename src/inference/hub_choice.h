#pragma once

#include <vector>

#include "inference/hub_wire.h"

namespace quintet {

/// Which files of a repository make up the model that `source` asks for, small ones first.
///
/// With `source.file`: that file, and with it all files of a split model; or, when it is no file but a weight
/// type ("q5_k_m"), the GGUF of that type. Without: of GGUF files the Q4_K_M, else the Q8_0, else the only
/// one; in a repository without GGUF the safetensors of its top folder with their index, config.json and
/// tokenizer files.
///
/// Throws NotFound with the nearest names, InvalidArgument that lists the choices when there are several, and
/// Unsupported when there is no model in a format that we read.
std::vector<HubFile> choose_hub_files(const HubSource& source, const std::vector<HubFile>& files);

}  // namespace quintet
