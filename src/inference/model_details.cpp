#include <algorithm>
#include <map>

#include "core/text.h"
#include "formats/checkpoint.h"
#include "inference/model_store.h"

namespace quintet {

namespace {

/// "general.file_type" of a GGUF file by its number (llama.cpp's enum llama_ftype).
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
std::string most_frequent_type(const Checkpoint& checkpoint) {
  std::map<DType, std::uint64_t> n_by_type;
  for (const TensorInfo& tensor : checkpoint.tensors()) n_by_type[tensor.dtype] += tensor.shape.n_elements();
  const auto most = std::max_element(n_by_type.begin(), n_by_type.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == n_by_type.end() ? std::string() : upper(dtype_name(most->first));
}

}  // namespace

ModelDetails read_model_details(const std::filesystem::path& path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  ModelDetails details;
  details.architecture = sanitize_utf8(checkpoint.architecture());
  details.n_parameters = checkpoint.n_parameters();
  if (const GgufFile* file = checkpoint.gguf();
      file != nullptr && file->find("general.file_type") != nullptr) {
    if (const auto number = file->integer("general.file_type"))
      details.quantization = file_type_name(*number);
  }
  if (details.quantization.empty()) details.quantization = most_frequent_type(checkpoint);
  return details;
}

}  // namespace quintet
