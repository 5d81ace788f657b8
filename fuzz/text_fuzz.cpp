#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/text.h"

using namespace quintet;

namespace {
void require(bool claim) {
  if (!claim) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const std::string clean = sanitize_utf8(text);
  require(!find_invalid_utf8(clean));
  require(find_invalid_utf8(text).has_value() == (clean != text));
  require(sanitize_utf8(clean) == clean);

  std::string rebuilt;
  std::size_t n = 0;
  for (std::size_t pos = 0; pos < clean.size(); ++n) append_utf8(rebuilt, next_code_point(clean, pos));
  require(rebuilt == clean);
  require(count_code_points(clean) == n);
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{7}, clean.size()}) {
    const auto head = truncate_utf8(clean, limit);
    require(head.size() <= limit && !find_invalid_utf8(head));
  }

  const std::string folded = fold_for_search(text);
  require(!find_invalid_utf8(folded));
  require(fold_for_search(folded) == folded);

  require(base64_decode(base64_encode(text)) == text);
  require(percent_decode(percent_encode(text)) == text);
  base64_decode(text);
  percent_decode(text, true);
  require(join({std::string(text)}, ",") == text);
  for (const auto line : split_lines(text)) require(line.find_first_of("\r\n") == std::string_view::npos);
  parse_int(text);
  parse_double(text);
  return 0;
}
