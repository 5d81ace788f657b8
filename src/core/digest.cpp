#include "core/digest.h"

#include <array>

#include <openssl/evp.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const EVP_MD* algorithm = nullptr;

  State() = default;
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void begin() {
    if (context == nullptr || EVP_DigestInit_ex(context, algorithm, nullptr) != 1)
      throw InternalError("digest: OpenSSL cannot begin a hash");
  }
};

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>()) {
  state_->algorithm = kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1();
  state_->begin();
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1)
    throw InternalError("digest: OpenSSL cannot go on with a hash");
}

std::string Digest::finish_hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(state_->context, bytes.data(), &size) != 1)
    throw InternalError("digest: OpenSSL cannot finish a hash");
  state_->begin();
  return hex_encode({reinterpret_cast<const char*>(bytes.data()), size});
}

}  // namespace quintet
