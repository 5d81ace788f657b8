#include "tensor/dtype.h"

#include <array>
#include <limits>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::array<DTypeInfo, 21> kInfos = {{
    {"f32", 1, 4, false},     {"f16", 1, 2, false},     {"bf16", 1, 2, false},    {"i8", 1, 1, false},
    {"i16", 1, 2, false},     {"i32", 1, 4, false},     {"i64", 1, 8, false},     {"f64", 1, 8, false},
    {"q4_0", 32, 18, true},   {"q4_1", 32, 20, true},   {"q5_0", 32, 22, true},   {"q5_1", 32, 24, true},
    {"q8_0", 32, 34, true},   {"q2_k", 256, 84, true},  {"q3_k", 256, 110, true}, {"q4_k", 256, 144, true},
    {"q5_k", 256, 176, true}, {"q6_k", 256, 210, true}, {"iq4_nl", 32, 18, true}, {"iq4_xs", 256, 136, true},
    {"mxfp4", 32, 17, true},
}};
static_assert(kInfos.size() == static_cast<std::size_t>(DType::mxfp4) + 1);

}  // namespace

const DTypeInfo& dtype_info(DType type) noexcept {
  return kInfos[static_cast<std::size_t>(type)];
}

std::optional<DType> find_dtype(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kInfos.size(); ++i)
    if (iequals_ascii(kInfos[i].name, name)) return static_cast<DType>(i);
  return std::nullopt;
}

std::size_t row_bytes(DType type, std::size_t n) {
  const DTypeInfo& info = dtype_info(type);
  if (n % info.block_size != 0) {
    throw InvalidArgument(
        cat("a row of ", n, " elements can't be ", info.name, ": it comes in blocks of ", info.block_size));
  }
  const std::size_t n_blocks = n / info.block_size;
  if (n_blocks > std::numeric_limits<std::size_t>::max() / info.block_bytes) {
    throw InvalidArgument(cat("a row of ", n, " elements of ", info.name, " is larger than any memory"));
  }
  return n_blocks * info.block_bytes;
}

}  // namespace quintet
