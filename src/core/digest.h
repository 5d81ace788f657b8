#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quintet {

enum class DigestKind : std::uint8_t { sha256, sha1 };

/// A hash of bytes that come in pieces (FIPS 180-4); core/ids.h has the one of a whole text. SHA-1 is for
/// formats that name content by it, such as git; it protects against nobody.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::string_view bytes);
  /// The hash as lower-case hexadecimal digits. Begins anew afterwards.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quintet
