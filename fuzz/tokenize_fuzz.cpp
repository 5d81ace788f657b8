// QN_FUZZ_LINK: quintet_tokenizer
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check_tokenizer.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/regex.h"
#include "tokenizer/scanners.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

constexpr std::string_view kSentence =
    "the quick brown fox jumps over the lazy dog, the cat and the other animals there in the weather of the "
    "north; they "
    "are the best of them 12 1234 \u00e9\u00e9 \u4e2d\u4e2d ' 's 'll";

constexpr const char* kNames[] = {"gpt-2",  "llama-bpe",   "qwen35", "gpt-4o",       "tekken",
                                  "falcon", "deepseek-v3", "bloom",  "deepseek-llm", "chameleon"};

std::vector<Tokenizer> make_tokenizers() {
  std::vector<Tokenizer> tokenizers;
  for (const char* name : kNames) {
    BpeTrainingOptions options;
    options.vocab_size = 330;
    options.special_tokens = {"<|end|>"};
    options.pre_tokenizer = name;
    tokenizers.emplace_back(train_bpe({kSentence}, options));
  }
  return tokenizers;
}

/// A scanner and the pattern that it stands for.
struct Twins {
  explicit Twins(std::string_view pattern) : scanner(make_scanner(pattern)), regex(pattern), matcher(regex) {}

  /// The scanner must cut where the pattern does.
  void check(std::string_view text) {
    std::vector<Stretch> stretches;
    scanner->scan(text, {0, static_cast<std::uint32_t>(text.size())}, stretches);
    std::vector<Regex::Match> matches;
    matcher.find_all(text, 0, matches);
    require(stretches.size() == matches.size());
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      require(stretches[i].begin == matches[i].begin && stretches[i].end == matches[i].end);
    }
  }

  std::unique_ptr<Scanner> scanner;
  Regex regex;
  Regex::Matcher matcher;
};

}  // namespace

/// The first byte chooses a tokenizer; the rest is text: it comes back as it went in, with and without the
/// memory of words.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  static std::vector<Tokenizer> tokenizers = make_tokenizers();
  if (n == 0) return 0;
  Tokenizer& tokenizer = tokenizers[bytes[0] % tokenizers.size()];
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, n - 1);
  const auto ids = tokenizer.encode(text);
  require(tokenizer.decode(ids) == text);
  tokenizer.set_word_cache(false);
  require(tokenizer.encode(text) == ids);
  tokenizer.set_word_cache(true);
  check_tokenizer(tokenizer, text);
  const std::string valid = sanitize_utf8(text);
  static Twins twins[] = {Twins(kGpt2Pattern), Twins(kCl100kPattern), Twins(kO200kPattern)};
  for (Twins& pair : twins) pair.check(valid);
  return 0;
}
