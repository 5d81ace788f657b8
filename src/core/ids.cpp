#include "core/ids.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "core/error.h"
#include "core/text.h"
#include "core/time.h"

namespace quintet {

std::string random_bytes(std::size_t n) {
  std::string bytes(n, '\0');
  for (std::size_t done = 0; done < n;) {
    const auto got = getrandom(bytes.data() + done, n - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw InternalError(cat("getrandom failed with errno ", errno));
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string new_id(std::string_view prefix) {
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string id(prefix);
  const auto time = static_cast<std::uint64_t>(now_ms());
  for (int shift = 45; shift >= 0; shift -= 5) id += kAlphabet[time >> shift & 31];
  const std::string random = random_bytes(10);
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : random) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    n_bits += 8;
    for (; n_bits >= 5; n_bits -= 5) id += kAlphabet[bits >> (n_bits - 5) & 31];
  }
  return id;
}

std::string sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace quintet
