#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "tokenizer/tokenizer.h"

namespace quintet {

struct EmbedderOptions {
  std::optional<Pooling> pooling;  // instead of the encoder's own
  bool normalises = true;          // vectors of length 1, so that products are cosines
  std::string prefix;          // before each text: what some models ask for ("query: ", "search_document: ")
  std::size_t max_tokens = 0;  // of a text; what goes beyond is cut off; 0 = what the model knows
  std::size_t batch_tokens = 2'048;  // texts that go through the model together; more only for one long text
  DType kv_dtype = DType::f16;
};

struct Embedding {
  std::vector<float> vector;  // [dim]
  std::size_t n_tokens = 0;   // that went through the model
  bool is_truncated = false;  // the text was longer
};

/// Texts to vectors. Refers to the encoder, the tokenizer and the threads, which must outlive it. One call at
/// a time.
class Embedder {
 public:
  /// Throws InvalidArgument when the tokenizer has ids that the encoder doesn't know.
  Embedder(const Encoder& encoder, const Tokenizer& tokenizer, Compute& compute,
           EmbedderOptions options = {});

  std::size_t dim() const noexcept { return encoder_.info().dim; }

  /// One embedding for each text, in their order. A text's vector does not depend on the texts beside it. A
  /// text without a single token (only where a tokenizer adds none) gives zeros. Throws InvalidArgument
  /// naming the text when a token is out of range.
  std::vector<Embedding> embed(std::span<const std::string> texts);
  Embedding embed(const std::string& text) { return embed(std::span(&text, 1)).front(); }

 private:
  struct Text;
  Text tokenize(const std::string& text) const;
  void run(std::span<const Text> texts, std::span<Embedding> out);

  const Encoder& encoder_;
  const Tokenizer& tokenizer_;
  Compute& compute_;
  EmbedderOptions options_;
  Pooling pooling_;
  std::size_t max_tokens_;
};

/// The vector of a text from those of its tokens:
///   hidden [n_tokens, dim], at least one token;  out [dim]
void pool(Pooling pooling, MatrixView<const float> hidden, std::span<float> out);

/// Scales to length 1; zeros stay.
void normalise(std::span<float> vector);

}  // namespace quintet
