#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/gguf.h"
#include "inference/model_store.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxHeader = std::size_t{32} << 20;
constexpr std::size_t kMaxConfig = std::size_t{4} << 20;

/// "general.file_type" by its number (llama.cpp's enum llama_ftype).
std::string_view file_type_name(std::int64_t number) {
  static const std::map<std::int64_t, std::string_view> names{
      {0, "F32"},     {1, "F16"},     {2, "Q4_0"},    {3, "Q4_1"},    {7, "Q8_0"},    {8, "Q5_0"},
      {9, "Q5_1"},    {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"}, {13, "Q3_K_L"}, {14, "Q4_K_S"},
      {15, "Q4_K_M"}, {16, "Q5_K_S"}, {17, "Q5_K_M"}, {18, "Q6_K"},   {21, "Q2_K_S"}, {25, "IQ4_NL"},
      {30, "IQ4_XS"}, {32, "BF16"},   {38, "MXFP4"}};
  const auto found = names.find(number);
  return found == names.end() ? std::string_view{} : found->second;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

/// The type that most weights have.
std::string most_frequent(const std::map<std::string, std::uint64_t>& n_by_type) {
  const auto most = std::max_element(n_by_type.begin(), n_by_type.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == n_by_type.end() ? std::string() : upper(most->first);
}

/// Adds up what the header of one safetensors file declares, and checks that the file is as long as it says
/// (github.com/huggingface/safetensors#format: eight bytes of length, JSON, the tensors' bytes).
void count_safetensors(const std::filesystem::path& path, std::map<std::string, std::uint64_t>& n_by_type) {
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, 8> prefix{};
  if (error || !file.read(reinterpret_cast<char*>(prefix.data()), prefix.size()))
    throw CorruptData(cat(path.string(), ": too short for a safetensors file"));
  std::uint64_t header_bytes = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) header_bytes = header_bytes << 8 | prefix[i];
  if (header_bytes > kMaxHeader || header_bytes > file_size - prefix.size())
    throw CorruptData(cat(path.string(), ": the header is said to have ", header_bytes, " bytes"));
  std::string text(header_bytes, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())))
    throw CorruptData(cat(path.string(), ": the header is cut short"));
  std::uint64_t end = 0;
  try {
    const Json header = parse_json(text, path.string());
    for (const auto& [name, value] : require_object(header, path.string())) {
      if (name == "__metadata__") continue;
      const JsonObject& tensor = require_object(value, name);
      const JsonArray* shape = get_array(tensor, "shape");
      const JsonArray* offsets = get_array(tensor, "data_offsets");
      if (shape == nullptr || offsets == nullptr || offsets->size() != 2 || !offsets->at(1).is_int64() ||
          offsets->at(1).get_int64() < 0)
        throw CorruptData(
            cat(path.string(), ": the tensor ", std::string_view(name), " has no shape or place"));
      std::uint64_t n = 1;
      for (const Json& extent : *shape) {
        if (!extent.is_int64() || extent.get_int64() < 0 ||
            __builtin_mul_overflow(n, static_cast<std::uint64_t>(extent.get_int64()), &n))
          throw CorruptData(
              cat(path.string(), ": the tensor ", std::string_view(name), " has no possible shape"));
      }
      n_by_type[require_string(tensor, "dtype")] += n;
      end = std::max(end, static_cast<std::uint64_t>(offsets->at(1).get_int64()));
    }
  } catch (const InvalidArgument& fault) {
    throw CorruptData(fault.what());
  }
  if (end > file_size - prefix.size() - header_bytes) {
    throw CorruptData(cat(path.string(), ": the file is cut short: ", file_size, " bytes of ",
                          prefix.size() + header_bytes + end));
  }
}

/// The weight files of a folder: those of the index, else all.
std::set<std::string> weight_files(const std::filesystem::path& folder) {
  std::set<std::string> names;
  const auto index_path = folder / "model.safetensors.index.json";
  std::error_code error;
  if (std::filesystem::exists(index_path, error)) {
    const Json index = parse_json(read_file(index_path, kMaxHeader), index_path.string());
    const JsonObject* map = get_object(require_object(index, index_path.string()), "weight_map");
    if (map == nullptr) throw CorruptData(cat(index_path.string(), " has no weight_map"));
    for (const auto& [tensor, file] : *map) {
      if (!file.is_string()) throw CorruptData(cat(index_path.string(), ": a file has no name"));
      names.emplace(file.get_string());
    }
    return names;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") names.insert(entry.path().filename().string());
  }
  return names;
}

}  // namespace

ModelDetails read_gguf_details(const std::filesystem::path& path) {
  const GgufFile file = GgufFile::open(path);
  ModelDetails details;
  details.architecture = sanitize_utf8(file.architecture());
  std::map<std::string, std::uint64_t> n_by_type;
  for (const TensorInfo& tensor : file.tensors()) {
    details.n_parameters += tensor.shape.n_elements();
    n_by_type[std::string(dtype_name(tensor.dtype))] += tensor.shape.n_elements();
  }
  const auto type = file.integer("general.file_type");
  if (type) details.quantization = file_type_name(*type);
  if (details.quantization.empty()) details.quantization = most_frequent(n_by_type);
  return details;
}

ModelDetails read_folder_details(const std::filesystem::path& folder) {
  ModelDetails details;
  try {
    const auto config_path = folder / "config.json";
    const Json config = parse_json(read_file(config_path, kMaxConfig), config_path.string());
    const JsonObject& object = require_object(config, config_path.string());
    details.architecture = get_string(object, "model_type").value_or("");
    if (details.architecture.empty()) {
      const auto classes = get_strings(object, "architectures");
      if (!classes.empty()) details.architecture = classes.front();
    }
    std::map<std::string, std::uint64_t> n_by_type;
    for (const std::string& name : weight_files(folder)) {
      const auto path = folder / name;
      std::error_code error;
      if (!std::filesystem::exists(path, error)) throw NotFound(cat(name, " is missing"));
      count_safetensors(path, n_by_type);
    }
    for (const auto& [type, n] : n_by_type) details.n_parameters += n;
    details.quantization = most_frequent(n_by_type);
  } catch (const InvalidArgument& fault) {
    throw CorruptData(fault.what());
  }
  return details;
}

}  // namespace quintet
