#include "nn/norm.h"

#include "ops/rows.h"

namespace quintet {

void Norm::forward(Compute& compute, MatrixView<const float> x, MatrixView<float> y) const {
  if (kind == NormKind::rms) {
    rms_norm(compute, x, weight, eps, y);
  } else {
    layer_norm(compute, x, weight, bias, eps, y);
  }
}

}  // namespace quintet
