#include "core/digest.h"

#include <gtest/gtest.h>

#include "core/ids.h"
#include "core/text.h"

namespace quintet {
namespace {

TEST(Digest, GivesTheHashesOfTheStandardHoweverTheBytesAreCut) {
  // FIPS 180-4's own examples.
  Digest sha256_digest(DigestKind::sha256);
  sha256_digest.update("a");
  sha256_digest.update("");
  sha256_digest.update("bc");
  EXPECT_EQ(sha256_digest.finish_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Digest sha1_digest(DigestKind::sha1);
  sha1_digest.update("abc");
  EXPECT_EQ(sha1_digest.finish_hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, BeginsAnewAfterEachHash) {
  Digest digest(DigestKind::sha256);
  digest.update("first");
  digest.finish_hex();
  digest.update("second");
  EXPECT_EQ(digest.finish_hex(), hex_encode(sha256("second")));
}

}  // namespace
}  // namespace quintet
