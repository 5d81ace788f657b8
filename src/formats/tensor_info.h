#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace quintet {

/// A tensor in a file, by what the file says of it.
struct TensorInfo {
  std::string name;
  Shape shape;  // outermost first
  DType dtype = DType::f32;
  std::size_t offset = 0;  // bytes from the start of its file
  std::size_t file = 0;    // which of the files of a model
};

/// A name from a file in a form fit for a message: quoted, valid UTF-8, not too long.
inline std::string shown_name(std::string_view name) {
  constexpr std::size_t kEnough = 80;
  return cat("\"", sanitize_utf8(name.substr(0, kEnough)), name.size() > kEnough ? "…\"" : "\"");
}

/// Finds things by name among `n` of them that stay where they are: their indices in the order of their
/// names. `name(i)` is the name of number i.
class NameIndex {
 public:
  NameIndex() = default;
  template <typename Name>
  NameIndex(std::size_t n, const Name& name) : order_(n) {
    std::iota(order_.begin(), order_.end(), 0u);
    std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) { return name(a) < name(b); });
  }

  template <typename Name>
  std::optional<std::uint32_t> find(std::string_view wanted, const Name& name) const {
    const auto at = std::ranges::lower_bound(order_, wanted, {}, name);
    return at == order_.end() || name(*at) != wanted ? std::nullopt : std::optional(*at);
  }

  /// One whose name another one has too.
  template <typename Name>
  std::optional<std::uint32_t> find_twin(const Name& name) const {
    const auto twin = std::ranges::adjacent_find(
        order_, [&](std::uint32_t a, std::uint32_t b) { return name(a) == name(b); });
    return twin == order_.end() ? std::nullopt : std::optional(*twin);
  }

 private:
  std::vector<std::uint32_t> order_;
};

}  // namespace quintet
