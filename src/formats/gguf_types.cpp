#include "formats/gguf_types.h"

#include <string_view>

#include "core/text.h"

namespace quintet {

namespace {

struct TypeRow {
  std::uint32_t number;
  DType type;
};

constexpr TypeRow kTypes[] = {{0, DType::f32},   {1, DType::f16},   {2, DType::q4_0},    {3, DType::q4_1},
                              {6, DType::q5_0},  {7, DType::q5_1},  {8, DType::q8_0},    {10, DType::q2_k},
                              {11, DType::q3_k}, {12, DType::q4_k}, {13, DType::q5_k},   {14, DType::q6_k},
                              {24, DType::i8},   {25, DType::i16},  {26, DType::i32},    {27, DType::i64},
                              {28, DType::f64},  {30, DType::bf16}, {20, DType::iq4_nl}, {23, DType::iq4_xs},
                              {39, DType::mxfp4}};

struct UnreadType {
  std::uint32_t number;
  std::string_view name;
};

constexpr UnreadType kUnread[] = {{4, "q4_2"},        {5, "q4_3"},        {9, "q8_1"},       {15, "q8_k"},
                                  {16, "iq2_xxs"},    {17, "iq2_xs"},     {18, "iq3_xxs"},   {19, "iq1_s"},
                                  {21, "iq3_s"},      {22, "iq2_s"},      {29, "iq1_m"},     {31, "q4_0_4_4"},
                                  {32, "q4_0_4_8"},   {33, "q4_0_8_8"},   {34, "tq1_0"},     {35, "tq2_0"},
                                  {36, "iq4_nl_4_4"}, {37, "iq4_nl_4_8"}, {38, "iq4_nl_8_8"}};

}  // namespace

std::optional<DType> dtype_of_ggml(std::uint32_t number) noexcept {
  for (const TypeRow& row : kTypes)
    if (row.number == number) return row.type;
  return std::nullopt;
}

std::uint32_t ggml_type_of(DType type) noexcept {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.number;
  return ~std::uint32_t{0};  // not reached: the table has every DType, which a test checks
}

std::string ggml_type_name(std::uint32_t number) {
  if (const auto known = dtype_of_ggml(number)) return cat(dtype_name(*known), " (type ", number, ")");
  for (const UnreadType& row : kUnread)
    if (row.number == number) return cat(row.name, " (type ", number, ")");
  return cat("type ", number);
}

std::string supported_ggml_types() {
  std::string names;
  for (const TypeRow& row : kTypes) names += cat(names.empty() ? "" : ", ", dtype_name(row.type));
  return names;
}

}  // namespace quintet
