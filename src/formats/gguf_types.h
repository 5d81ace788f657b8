#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor/dtype.h"

namespace quintet {

/// The tensor type that GGUF files mean by `number`; nothing for those we don't read.
std::optional<DType> dtype_of_ggml(std::uint32_t number) noexcept;
std::uint32_t ggml_type_of(DType type) noexcept;

/// "iq2_xxs (type 16)", or "type 77" when nobody knows it.
std::string ggml_type_name(std::uint32_t number);

/// "f32, f16, …": what dtype_of_ggml knows.
std::string supported_ggml_types();

}  // namespace quintet
