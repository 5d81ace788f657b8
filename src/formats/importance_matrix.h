#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// How much each column of each matrix matters: the mean square of the activation that it multiplies,
/// collected over some text. Read from the GGUF form of llama.cpp's importance matrices (general.type
/// "imatrix", for each matrix a tensor "NAME.in_sum2" of sums and "NAME.counts").
class ImportanceMatrix {
 public:
  /// Throws NotFound, CorruptData naming the place, or Unsupported for another kind of file.
  static ImportanceMatrix open(const std::filesystem::path& path);

  /// [n_columns], or [n_experts · n_columns] for stacked experts; empty when nothing is known of that tensor.
  std::span<const float> find(std::string_view tensor_name) const noexcept;
  std::size_t size() const noexcept { return columns_.size(); }

 private:
  std::map<std::string, std::vector<float>, std::less<>> columns_;
};

}  // namespace quintet
