#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"

namespace quintet {

/// The steps before the pre-tokenizer: text to text. Ill-formed UTF-8 passes through all of them unchanged,
/// except that NormalizeSentencePiece with a charsmap makes it U+FFFD as SentencePiece does. Immutable; may
/// be used concurrently.
class Normalizer {
 public:
  /// `user_defined` are pieces that SentencePiece's normaliser leaves as they are.
  /// Throws CorruptData naming a pattern or a charsmap that is broken.
  Normalizer(const std::vector<NormalizerStep>& steps, const std::vector<std::string_view>& user_defined);
  ~Normalizer();

  bool is_empty() const noexcept { return steps_.empty(); }
  /// `starts_text`: whether SentencePiece's dummy prefix is wanted here.
  std::string run(std::string_view text, bool starts_text = true) const;

  class Step;

 private:
  std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace quintet
