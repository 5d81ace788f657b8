// QN_FUZZ_LINK: quintet_apps_faq
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "check_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  quintet::faq::check_import(text, quintet::faq::FaqFormat::markdown);
  quintet::faq::check_import(text, quintet::faq::FaqFormat::text);
  return 0;
}
