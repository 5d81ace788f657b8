// QN_FUZZ_LINK: quintet_tokenizer
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "check_tokenizer.h"
#include "formats/tokenizer_files.h"

using namespace quintet;

/// A tokenizer.model from anywhere: an error of ours, or a tokenizer that works.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  const std::string_view model(reinterpret_cast<const char*>(bytes), n);
  try {
    const Tokenizer tokenizer(read_sentencepiece_model(model));
    check_tokenizer(tokenizer, "ab abba the Caf\u00e9 \u2581 12 \u4e2d\n <s>\xFF");
    check_tokenizer(tokenizer, model.substr(0, 256));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw;
  }
  return 0;
}
