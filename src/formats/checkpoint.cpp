#include "formats/checkpoint.h"

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{64} << 20;

JsonObject read_object(const fs::path& path) {
  try {
    const Json value = parse_json(read_file(path, kMaxConfigBytes), path.string());
    return require_object(value, path.string());
  } catch (const InvalidArgument& error) {
    throw CorruptData(error.what());
  }
}

bool is_gguf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "GGUF";
}

fs::path existing(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? path : fs::path();
}

/// The safetensors file or index of a folder.
fs::path find_weights(const fs::path& folder) {
  constexpr const char* kNames[] = {"model.safetensors.index.json", "model.safetensors",
                                    "adapter_model.safetensors"};
  for (const char* name : kNames)
    if (fs::path found = existing(folder / name); !found.empty()) return found;
  const bool has_pytorch = !existing(folder / "pytorch_model.bin").empty() ||
                           !existing(folder / "pytorch_model.bin.index.json").empty();
  throw NotFound(cat(folder.string(), " has no model.safetensors and no model.safetensors.index.json",
                     has_pytorch ? "; its pytorch_model.bin isn't read, convert it to safetensors" : ""));
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& path) {
  Checkpoint result;
  result.path_ = path;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw NotFound(cat("there is no model ", path.string()));
  const bool is_folder = fs::is_directory(path, ignored);
  const std::string name = path.string();
  const bool is_safetensors = name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
  if (!is_folder && !is_safetensors) {
    if (!is_gguf(path) && !name.ends_with(".gguf")) {
      throw Unsupported(cat(name,
                            " is no model that can be read: expected a GGUF file, a safetensors file, or a "
                            "folder with config.json and safetensors"));
    }
    result.gguf_ = GgufFile::open(path);
    return result;
  }
  result.folder_ = is_folder ? path : path.parent_path();
  result.safetensors_ = SafetensorsFile::open(is_folder ? find_weights(path) : path);
  for (const char* config : {"config.json", "adapter_config.json"}) {
    if (existing(result.folder_ / config).empty()) continue;
    result.config_ = read_object(result.folder_ / config);
    break;
  }
  return result;
}

std::string Checkpoint::architecture() const {
  if (gguf_) return std::string(gguf_->architecture());
  try {
    return get_string(config_, "model_type").value_or("");
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat(folder_.string(), "/config.json: ", error.what()));
  }
}

std::vector<fs::path> Checkpoint::weight_files() const {
  return gguf_ ? gguf_->paths() : safetensors_->paths();
}

std::span<const TensorInfo> Checkpoint::tensors() const noexcept {
  return gguf_ ? gguf_->tensors() : safetensors_->tensors();
}

const TensorInfo* Checkpoint::find_tensor(std::string_view name) const noexcept {
  return gguf_ ? gguf_->find_tensor(name) : safetensors_->find_tensor(name);
}

Tensor Checkpoint::tensor(std::string_view name) const {
  return gguf_ ? gguf_->tensor(name) : safetensors_->tensor(name);
}

void Checkpoint::require_unchanged() const {
  return gguf_ ? gguf_->require_unchanged() : safetensors_->require_unchanged();
}

std::size_t Checkpoint::n_parameters() const noexcept {
  std::size_t n = 0;
  for (const TensorInfo& info : tensors()) n += info.shape.n_elements();
  return n;
}

std::size_t Checkpoint::weights_bytes() const {
  std::size_t n = 0;
  for (const TensorInfo& info : tensors()) n += tensor_bytes(info);
  return n;
}

std::size_t tensor_bytes(const TensorInfo& info) {
  return info.shape.n_elements() == 0 ? 0 : info.shape.n_rows() * row_bytes(info.dtype, info.shape.back());
}

}  // namespace quintet
