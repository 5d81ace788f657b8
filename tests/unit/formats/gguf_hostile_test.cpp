#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "formats/gguf.h"
#include "gguf_bytes.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// What opening these bytes says, with the kind of error in front.
std::string refusal(const std::string& bytes) {
  const ScratchFolder folder;
  std::ofstream(folder / "m.gguf", std::ios::binary) << bytes;
  try {
    GgufFile::open(folder / "m.gguf");
    return "no error";
  } catch (const Error& error) {
    return std::string(error_code_name(error.code())) + ": " + error.what();
  }
}

TEST(GgufHostile, TheBuilderMakesAFileThatOpens) {
  for (const std::uint32_t version : {1u, 2u, 3u}) {
    GgufBytes bytes(version);
    bytes.u32("a", 1).tensor("t", {4, 2}, 0, 0);
    EXPECT_EQ(refusal(bytes.build(32)), "no error") << version;
  }
}

TEST(GgufHostile, EveryPrefixOfAFileIsRefused) {
  GgufBytes bytes;
  bytes.u32("general.alignment", 32)
      .entry("s", 8, bytes.text("hello"))
      .entry("a", 9, GgufBytes::raw(8u) + bytes.count(2) + bytes.text("x") + bytes.text("yz"))
      .tensor("t", {4, 2}, 0, 0)
      .tensor("u", {32}, 2, 32);
  const std::string whole = bytes.build(32 + 18);
  ASSERT_EQ(refusal(whole), "no error");
  for (std::size_t n = 0; n < whole.size(); ++n)
    ASSERT_NE(refusal(whole.substr(0, n)), "no error") << "cut to " << n << " bytes";
  EXPECT_THAT(refusal(whole.substr(0, whole.size() - 1)),
              AllOf(HasSubstr("tensor \"u\""), HasSubstr("truncated?")));
}

TEST(GgufHostile, WhatIsNoGgufIsNamed) {
  EXPECT_THAT(refusal("hello world"), HasSubstr("corrupt_data: "));
  EXPECT_THAT(refusal("hello world"), HasSubstr("\"hell\" instead of \"GGUF\""));
  EXPECT_THAT(refusal("tjgg\1\0\0\0"), HasSubstr("before GGUF"));
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1"), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(refusal("PK\x03\x04 and so on"), HasSubstr("PyTorch"));
  EXPECT_THAT(refusal("<!doctype html>"), HasSubstr("web page"));
  EXPECT_THAT(refusal("GG"), HasSubstr("not a GGUF file"));
}

TEST(GgufHostile, VersionsAndByteOrderAreNamed) {
  std::string bytes = GgufBytes(3).build();
  bytes[4] = 9;
  EXPECT_THAT(refusal(bytes), AllOf(HasSubstr("unsupported: "), HasSubstr("version 9")));
  bytes[4] = 0;
  EXPECT_THAT(refusal(bytes), HasSubstr("version 0"));
  bytes[7] = 3;
  EXPECT_THAT(refusal(bytes), AllOf(HasSubstr("unsupported: "), HasSubstr("big-endian")));
}

TEST(GgufHostile, CountsThatNoFileHoldsCostNothing) {
  GgufBytes many_tensors;
  many_tensors.n_tensors = 1'000'000'000;
  EXPECT_THAT(refusal(many_tensors.build()), HasSubstr("1000000000 tensors"));
  GgufBytes some_tensors;
  some_tensors.n_tensors = 200'000;  // allowed, but the file ends
  EXPECT_THAT(refusal(some_tensors.build()), HasSubstr("the name of tensor 1"));
  GgufBytes many_entries;
  many_entries.n_entries = ~std::uint64_t{0};
  EXPECT_THAT(refusal(many_entries.build()), HasSubstr("metadata entries"));
}

TEST(GgufHostile, LengthsThatOverflowAreRefused) {
  const std::uint64_t huge = ~std::uint64_t{0};
  GgufBytes bytes;
  EXPECT_THAT(refusal(GgufBytes().entry("s", 8, bytes.count(huge)).build()), HasSubstr("the value of \"s\""));
  for (const std::uint32_t type : {0u, 4u, 7u, 8u, 9u, 12u}) {
    for (const std::uint64_t n : {huge, huge / 4 + 1, std::uint64_t{1} << 61}) {
      const std::string array = GgufBytes::raw(type) + bytes.count(n) + std::string(64, '\0');
      EXPECT_THAT(refusal(GgufBytes().entry("a", 9, array).build()), HasSubstr("corrupt_data"))
          << type << " " << n;
    }
  }
  std::string key = GgufBytes().build();
  key[16] = 1;  // one entry
  key += bytes.count(70'000) + std::string(80'000, 'k');
  EXPECT_THAT(refusal(key), HasSubstr("at most 65535"));
}

TEST(GgufHostile, DimensionsThatOverflowAreRefused) {
  const std::uint64_t large = std::uint64_t{1} << 33;
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {large, large}, 0, 0).build(64)), HasSubstr("can be counted"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {std::uint64_t{1} << 62, 2}, 0, 0).build(64)),
              HasSubstr("\"t\""));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {~std::uint64_t{0}}, 28, 0).build(64)), HasSubstr("\"t\""));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {1, std::uint64_t{1} << 40}, 0, 0).build(64)),
              HasSubstr("past the end"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {0, 3}, 0, 0).build(64)), HasSubstr("a dimension of 0"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {1, 1, 1, 1, 1}, 0, 0).build(64)), HasSubstr("5 dimensions"));
}

TEST(GgufHostile, TensorsOutOfPlaceAreRefused) {
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {4}, 0, 8).build(64)),
              HasSubstr("no multiple of the alignment 32"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {4}, 0, 64).build(64)), HasSubstr("past the end"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {4}, 0, ~std::uint64_t{0} - 31).build(64)),
              HasSubstr("past the end"));
  EXPECT_THAT(refusal(GgufBytes().tensor("a", {12}, 0, 0).tensor("b", {4}, 0, 32).build(64)),
              HasSubstr("\"a\" and \"b\" overlap"));
  EXPECT_THAT(refusal(GgufBytes().tensor("a", {4}, 0, 0).tensor("b", {4}, 0, 0).build(64)),
              HasSubstr("overlap"));
  EXPECT_THAT(refusal(GgufBytes().tensor("a", {33}, 2, 0).build(64)), HasSubstr("blocks of 32"));
}

TEST(GgufHostile, NamesThatStandTwiceAreRefused) {
  EXPECT_THAT(refusal(GgufBytes().u32("k", 1).u32("k", 2).build()),
              HasSubstr("key \"k\" stands there twice"));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {4}, 0, 0).tensor("t", {4}, 0, 32).build(64)),
              HasSubstr("tensor \"t\" stands there twice"));
  EXPECT_THAT(refusal(GgufBytes().u32("", 1).build()), HasSubstr("is empty"));
  EXPECT_THAT(refusal(GgufBytes().tensor("", {4}, 0, 0).build(64)), HasSubstr("has no name"));
  EXPECT_THAT(refusal(GgufBytes().tensor(std::string(300, 'n'), {4}, 0, 0).build(64)),
              HasSubstr("at most 255"));
}

TEST(GgufHostile, TypesThatAreNotReadAreNamedWithThoseThatAre) {
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {256}, 16, 0).build(128)),
              AllOf(HasSubstr("unsupported: "), HasSubstr("iq2_xxs (type 16)"), HasSubstr("q4_k"),
                    HasSubstr("mxfp4")));
  EXPECT_THAT(refusal(GgufBytes().tensor("t", {256}, 4'000'000'000u, 0).build(128)),
              HasSubstr("type 4000000000"));
  EXPECT_THAT(refusal(GgufBytes().entry("k", 13, "").build()), HasSubstr("no type of value"));
  EXPECT_THAT(refusal(GgufBytes().entry("k", 7, "\2").build()), HasSubstr("a bool of 2"));
  EXPECT_THAT(refusal(GgufBytes().entry("k", 9, GgufBytes::raw(7u) + GgufBytes().count(2) + "\1\2").build()),
              HasSubstr("a bool that is 2"));
}

TEST(GgufHostile, AlignmentIsAPowerOfTwo) {
  for (const std::uint32_t bad : {0u, 1u, 4u, 24u, 33u, 1u << 31})
    EXPECT_THAT(refusal(GgufBytes().u32("general.alignment", bad).build()), HasSubstr("power of two")) << bad;
  EXPECT_THAT(refusal(GgufBytes().entry("general.alignment", 6, GgufBytes::raw(32.0f)).build()),
              HasSubstr("power of two"));
  EXPECT_EQ(refusal(GgufBytes().u32("general.alignment", 8).tensor("t", {2}, 0, 8).build(16, 8)), "no error");
}

TEST(GgufHostile, ArraysOfArraysAreSkippedToALimit) {
  GgufBytes b;
  const std::string one = GgufBytes::raw(0u) + b.count(2) + "ab";
  std::string nested = one;
  for (int depth = 2; depth <= 4; ++depth) nested = GgufBytes::raw(9u) + b.count(1) + nested;
  EXPECT_EQ(refusal(GgufBytes().entry("a", 9, nested).u32("after", 1).build()), "no error");
  std::string deep;
  for (int depth = 0; depth < 100'000; ++depth) deep += GgufBytes::raw(9u) + b.count(1);
  nested.insert(0, deep);
  EXPECT_THAT(refusal(GgufBytes().entry("a", 9, nested).build()), HasSubstr("deeper than 4"));
}

TEST(GgufHostile, NamesInMessagesAreReadable) {
  const std::string message = refusal(GgufBytes().tensor("bad\xff\x01name", {4}, 99, 0).build(64));
  EXPECT_FALSE(find_invalid_utf8(message));
  EXPECT_THAT(message, HasSubstr("name"));
}

TEST(GgufHostile, AFileThatIsNotThereIsNotFound) {
  EXPECT_THROW(GgufFile::open("/nonexistent/m.gguf"), NotFound);
  EXPECT_THROW(GgufFile::open("/tmp"), InvalidArgument);
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
}

class GgufParts : public testing::Test {
 protected:
  std::filesystem::path write(const char* name, const std::string& bytes) {
    write_file_atomically(folder_ / name, bytes);
    return folder_ / name;
  }
  static std::string part(std::uint16_t no, std::uint16_t count, const char* tensor) {
    GgufBytes bytes;
    bytes.u16("split.no", no).u16("split.count", count);
    if (no == 0)
      bytes.entry("general.name", 8, bytes.text("whole")).entry("split.tensors.count", 5, GgufBytes::raw(3));
    return bytes.tensor(tensor, {4}, 0, 0).build(16);
  }
  static std::string problem(const std::filesystem::path& path) {
    try {
      GgufFile::open(path);
      return "no error";
    } catch (const Error& error) {
      return error.what();
    }
  }
  ScratchFolder folder_;
};

TEST_F(GgufParts, OpenTogetherFromTheFirst) {
  const auto first = write("m-00001-of-00003.gguf", part(0, 3, "a"));
  write("m-00002-of-00003.gguf", part(1, 3, "b"));
  write("m-00003-of-00003.gguf", part(2, 3, "c"));
  const GgufFile file = GgufFile::open(first);
  EXPECT_EQ(file.paths().size(), 3u);
  EXPECT_EQ(file.text("general.name"), "whole");
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(file.tensor(name).size_bytes(), 16u);
  EXPECT_EQ(file.find_tensor("c")->file, 2u);
  EXPECT_THAT(problem(folder_ / "m-00002-of-00003.gguf"),
              AllOf(HasSubstr("part 2 of 3"), HasSubstr("m-00001-of-00003.gguf")));
}

TEST_F(GgufParts, ThatAreMissingOrStrangeAreNamed) {
  const auto first = write("m-00001-of-00003.gguf", part(0, 3, "a"));
  EXPECT_THAT(problem(first), HasSubstr("m-00002-of-00003.gguf"));
  write("m-00002-of-00003.gguf", part(1, 3, "b"));
  write("m-00003-of-00003.gguf", part(1, 3, "c"));
  EXPECT_THAT(problem(first), HasSubstr("expected part 3 of 3"));
  write("m-00003-of-00003.gguf", part(2, 3, "a"));
  EXPECT_THAT(problem(first), HasSubstr("stands there twice"));
  write("m-00003-of-00003.gguf", GgufBytes().u16("split.no", 2).u16("split.count", 3).build());
  EXPECT_THAT(problem(first), HasSubstr("should have 3 tensors"));
  EXPECT_THAT(problem(write("other.gguf", part(0, 3, "a"))),
              HasSubstr("called like model-00001-of-00003.gguf"));
  EXPECT_THAT(problem(write("zero.gguf", GgufBytes().u16("split.count", 0).build())),
              HasSubstr("of a split model"));
}

}  // namespace
}  // namespace quintet
