#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "tokenizer/scanners.h"

namespace quintet {

/// A text and where it is cut. `text` is the input or, when a step changed characters, `storage`.
struct PreTokenizedText {
  std::string_view text;
  std::string storage;
  std::vector<Stretch> stretches;
  std::vector<Stretch> previous;  // working space

  /// Starts over with one stretch.
  void reset(std::string_view input);
};

/// The steps between normaliser and model. Immutable; `run` may be called concurrently.
class PreTokenizer {
 public:
  /// Throws CorruptData naming a pattern that is no regular expression.
  explicit PreTokenizer(const std::vector<PreTokenizerStep>& steps);
  ~PreTokenizer();

  /// `is_first` says that no text and no token stands before `text` (PrependScheme::first). With byte-level
  /// steps the stretches hold raw bytes, whatever the alphabet in the file.
  void run(PreTokenizedText& text, bool is_first) const;

  /// Whether pieces of the vocabulary are written in GPT-2's alphabet of bytes.
  bool is_byte_level() const noexcept { return is_byte_level_; }
  /// Whether there is anything to do.
  bool is_empty() const noexcept { return steps_.empty(); }

  class Step;

 private:
  std::vector<std::unique_ptr<Step>> steps_;
  bool is_byte_level_ = false;
};

}  // namespace quintet
