#include "models/source.h"

#include "core/error.h"
#include "core/text.h"

namespace quintet {

std::size_t ModelSource::require_count(std::string_view key) const {
  const auto value = integer(key);
  if (!value) throw CorruptData(cat(name(), ": the setting ", architecture(), ".", key, " is missing"));
  if (*value <= 0)
    throw CorruptData(cat(name(), ": ", architecture(), ".", key, " is ", *value, ", it must be positive"));
  return static_cast<std::size_t>(*value);
}

Tensor ModelSource::require_tensor(std::string_view tensor_name, const Shape& shape) const {
  auto tensor = find_tensor(tensor_name);
  if (!tensor) throw CorruptData(cat(name(), ": the tensor ", tensor_name, " is missing"));
  if (!(tensor->shape() == shape)) {
    throw CorruptData(cat(name(), ": the tensor ", tensor_name, " is ", tensor->shape().to_string(),
                          ", expected ", shape.to_string()));
  }
  return *std::move(tensor);
}

}  // namespace quintet
