#include "tensor/shape.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

Shape::Shape(std::span<const std::size_t> extents) : rank_(extents.size()) {
  if (extents.size() > kMaxRank)
    throw InvalidArgument(cat("a shape has at most ", kMaxRank, " extents, not ", extents.size()));
  std::copy(extents.begin(), extents.end(), extents_.begin());
  for (const std::size_t extent : extents) {
    if (extent != 0 && n_elements_ > std::numeric_limits<std::size_t>::max() / extent) {
      throw InvalidArgument(cat("shape ", to_string(), " has more elements than can be counted"));
    }
    n_elements_ *= extent;
  }
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (std::size_t i = 0; i < rank_; ++i) text += cat(i == 0 ? "" : ", ", extents_[i]);
  return text + "]";
}

bool operator==(const Shape& a, const Shape& b) noexcept {
  return std::ranges::equal(a.extents(), b.extents());
}

}  // namespace quintet
