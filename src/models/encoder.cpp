#include "models/encoder.h"

#include "core/error.h"
#include "core/text.h"

namespace quintet {

Pooling read_pooling(const ModelSource& source) {
  const std::int64_t type = source.integer("pooling_type").value_or(1);
  switch (type) {
    case 0:  // none said: the vectors of the tokens, which we average
    case 1: return Pooling::mean;
    case 2: return Pooling::first;
    case 3: return Pooling::last;
    case 4: throw Unsupported(cat(source.name(), " ranks texts; it gives no vectors"));
    default: throw CorruptData(cat(source.name(), ": pooling_type is ", type));
  }
}

}  // namespace quintet
