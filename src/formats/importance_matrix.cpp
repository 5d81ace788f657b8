#include "formats/importance_matrix.h"

#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "formats/gguf.h"

namespace quintet {

ImportanceMatrix ImportanceMatrix::open(const std::filesystem::path& path) {
  constexpr std::string_view kSums = ".in_sum2";
  const GgufFile file = GgufFile::open(path);
  if (file.text("general.type").value_or("") != "imatrix")
    throw Unsupported(cat(path.string(), " is a GGUF file, but no importance matrix"));
  ImportanceMatrix result;
  for (const TensorInfo& info : file.tensors()) {
    if (!info.name.ends_with(kSums)) continue;
    const std::string name = info.name.substr(0, info.name.size() - kSums.size());
    const auto corrupt = [&](const std::string& problem) {
      throw CorruptData(cat(path.string(), ": the importance of ", shown_name(name), " ", problem));
    };
    const TensorInfo* counts_info = file.find_tensor(name + ".counts");
    if (counts_info == nullptr) corrupt("has no counts");
    if (info.dtype != DType::f32 || counts_info->dtype != DType::f32) corrupt("is not f32");
    const Tensor sums = file.tensor(info.name);
    const Tensor counts = file.tensor(counts_info->name);
    const std::size_t n_matrices = counts.shape().n_elements();
    if (sums.shape().n_elements() % n_matrices != 0) {
      corrupt(cat("has sums ", sums.shape().to_string(), " and counts ", counts.shape().to_string(),
                  " that don't go together"));
    }
    const std::size_t n_columns = sums.shape().n_elements() / n_matrices;
    std::vector<float> columns(sums.f32().begin(), sums.f32().end());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const float count = counts.f32()[i / n_columns];
      if (!(columns[i] >= 0) || !std::isfinite(columns[i]) || !(count >= 0) || !std::isfinite(count))
        corrupt(cat("has the sum ", columns[i], " over ", count, " in column ", i));
      columns[i] = count > 0 ? columns[i] / count : 1.0f;  // an expert that was never chosen
    }
    result.columns_.emplace(name, std::move(columns));
  }
  return result;
}

std::span<const float> ImportanceMatrix::find(std::string_view tensor_name) const noexcept {
  const auto found = columns_.find(tensor_name);
  return found == columns_.end() ? std::span<const float>() : found->second;
}

}  // namespace quintet
