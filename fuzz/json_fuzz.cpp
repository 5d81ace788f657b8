#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/json.h"
#include "core/text.h"

using namespace quintet;

namespace {
void require(bool claim) {
  if (!claim) std::abort();
}

/// Equal, numbers up to the last digit: Boost.JSON 1.81 reads decimal fractions one unit in the last place
/// off at times.
bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.to_number<double>();
    const double y = b.to_number<double>();
    return std::abs(x - y) <= 1e-14 * std::abs(x);
  }
  if (a.is_double() && b.is_null()) return !std::isfinite(a.get_double());
  if (a.kind() != b.kind()) return false;
  if (const auto* array = a.if_array()) {
    const auto& other = b.get_array();
    if (array->size() != other.size()) return false;
    for (std::size_t i = 0; i < other.size(); ++i)
      if (!same((*array)[i], other[i])) return false;
    return true;
  }
  if (const auto* object = a.if_object()) {
    const auto& other = b.get_object();
    if (object->size() != other.size()) return false;
    for (const auto& member : *object) {
      const auto* twin = other.if_contains(member.key());
      if (twin == nullptr || !same(member.value(), *twin)) return false;
    }
    return true;
  }
  return a == b;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JsonFault fault;
  const auto value = try_parse_json(text, &fault);
  if (!value) {
    require(fault.offset <= text.size() && !fault.reason.empty());
    position_at(text, fault.offset);
    return 0;
  }
  const auto compact = to_json(*value);
  require(!find_invalid_utf8(compact));
  for (const auto& written : {compact, to_pretty_json(*value)}) {
    const auto again = try_parse_json(written);
    require(again.has_value() && same(*value, *again));
  }
  return 0;
}
