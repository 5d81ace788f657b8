// QN_FUZZ_LINK: quintet_apps_faq
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "check_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quintet::faq::check_import({reinterpret_cast<const char*>(data), size}, quintet::faq::FaqFormat::csv);
  return 0;
}
