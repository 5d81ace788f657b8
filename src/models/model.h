#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/hf_dialect.h"
#include "models/source.h"
#include "nn/batch.h"
#include "ops/compute.h"

namespace quintet {

/// What callers need to know of a loaded model, whatever its family.
struct ModelInfo {
  std::string name;
  std::string architecture;
  std::size_t n_layers = 0;
  std::size_t dim = 0;  // of hidden states
  std::size_t vocab_size = 0;
  std::size_t max_seq_len = 0;  // trained for; 0 = not known
  KvShape kv;
  std::size_t n_parameters = 0;
  std::size_t weight_bytes = 0;  // in memory
};

/// A language model: weights and the way through them. Immutable once loaded; one forward pass at a time per
/// Compute.
class Model {
 public:
  virtual ~Model() = default;

  const ModelInfo& info() const noexcept { return info_; }

  /// Logits of the tokens in batch.wanted_logits, [n wanted, vocab_size], and the batch's keys and values in
  /// the cache. The sequences' lengths stay as they are: the caller advances them. Throws InvalidArgument for
  /// tokens outside the vocabulary or a logits view of another size.
  virtual void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> logits) const = 0;

  /// What logits are made of, normed, for all of the batch's tokens: [n_tokens, dim]. Keys and values go into
  /// the cache as with forward().
  virtual void hidden_states(Compute& compute, const ForwardBatch& batch, MatrixView<float> out) const = 0;

 protected:
  ModelInfo info_;
};

class WeightLoader;

struct LoadOptions {
  /// The longest sequence that will be run. Some models choose their rotations by it (LongRoPE, dynamic NTK):
  /// then it must not change while a sequence grows. 0 = no longer than they were first trained for.
  std::size_t max_seq_len = 0;
};

/// A family of the registry: how it is found and loaded.
struct ModelFamily {
  std::string_view architecture;  // as GGUF names it
  std::unique_ptr<Model> (*load)(WeightLoader& loader);
  HfDialect hf;  // how it looks in a Hugging Face folder
};

/// Every family there is.
std::span<const ModelFamily* const> model_families() noexcept;

/// Loads whatever the source holds. Throws Unsupported naming the architecture and those that work,
/// CorruptData when settings or tensors do not fit together, Unavailable when a file is changed meanwhile.
std::unique_ptr<Model> load_model(const ModelSource& source, Compute& compute,
                                  const LoadOptions& options = {});

}  // namespace quintet
