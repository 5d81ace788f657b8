#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quintet {

/// `n` bytes from the kernel's random source.
std::string random_bytes(std::size_t n);

/// `prefix` + 26 characters that sort by time of creation: 48 bits of milliseconds, 80 random bits, in
/// Crockford's base 32 (the ULID layout). Unique without coordination.
std::string new_id(std::string_view prefix);

/// SHA-256 (FIPS 180-4) as 32 raw bytes.
std::string sha256(std::string_view bytes);

/// Compares without revealing by its duration where two secrets differ. Lengths are not secret.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

}  // namespace quintet
