#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// One of the files that a GGUF model was split into: "tiny-00002-of-00003.gguf".
struct SplitName {
  std::string stem;       // "tiny", with the folders before it
  std::size_t index = 0;  // from 1
  std::size_t n_files = 0;
};
/// Nothing for a name that is not of this form.
std::optional<SplitName> parse_split_name(std::string_view path);
/// The name of file `index` of `n_files`.
std::string split_name(std::string_view stem, std::size_t index, std::size_t n_files);

/// "qwen2-0.5b-instruct" of "folder/qwen2-0.5b-instruct-00001-of-00003.gguf": without folders, ending and
/// number.
std::string model_stem(std::string_view path);

/// The weight type that a file's name speaks of, upper case: "Q4_K_M" of "tiny.q4_k_m.gguf"; "" when there is
/// none.
std::string quantization_in_name(std::string_view path);

/// Not absolute, no "..", no empty part, nothing a file system or a terminal would take for more than a
/// letter: what a path from outside must be before it is joined to a folder.
bool is_safe_relative_path(std::string_view path) noexcept;

/// Those of `names` most like `name`, best first, for "did you mean": at most `n`, none that is unlike.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> names,
                                       std::size_t n);

}  // namespace quintet
