#include "nn/token_input.h"

#include "core/error.h"
#include "core/text.h"
#include "ops/rows.h"

namespace quintet {

void TokenInput::forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> x) const {
  std::visit([&](const auto& table) { embed(compute, table, batch.tokens, scale, x); }, tokens);
  if (positions.is_empty()) return;
  const Scratch::Scope scope(compute.scratch);
  const auto ids = compute.scratch.take<std::uint32_t>(batch.tokens.size());
  for (const BatchSequence& sequence : batch.sequences) {
    const std::size_t end = sequence.kv->length() + sequence.n_tokens;
    if (end > positions.shape().n_rows()) {
      throw InvalidArgument(
          cat("position ", end - 1, " is too far: the model knows ", positions.shape().n_rows()));
    }
    for (std::size_t i = 0; i < sequence.n_tokens; ++i)
      ids[sequence.first_token + i] = static_cast<std::uint32_t>(sequence.kv->length() + i);
  }
  const auto rows = compute.scratch.take_matrix(x.rows, x.cols);
  embed(compute, positions, ids, 1.0f, rows);
  add(compute, x, rows, x);
}

}  // namespace quintet
