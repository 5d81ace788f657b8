#include "formats/gguf_writer.h"

#include <csignal>
#include <numeric>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::byte> counted(std::size_t n) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return bytes;
}

TEST(GgufWriter, WritesMetadataOfEveryTypeThatReadsBack) {
  const ScratchFolder folder;
  {
    GgufWriter writer(folder / "m.gguf");
    writer.text("general.architecture", "llama");
    writer.u8("a.u8", 255);
    writer.i8("a.i8", -128);
    writer.u16("a.u16", 65'535);
    writer.i16("a.i16", -32'768);
    writer.u32("a.u32", 4'294'967'295u);
    writer.i32("a.i32", -2'147'483'647 - 1);
    writer.u64("a.u64", 18'446'744'073'709'551'615u);
    writer.i64("a.i64", -5'000'000'000);
    writer.f32("a.f32", 0.1f);
    writer.f64("a.f64", 0.1);
    writer.boolean("a.bool", true);
    writer.texts("a.texts", std::vector<std::string>{"", "b", std::string("\0\xff", 2)});
    writer.i32s("a.i32s", std::vector<std::int32_t>{-1, 2});
    writer.u32s("a.u32s", std::vector<std::uint32_t>{1, 4'000'000'000u});
    writer.f32s("a.f32s", std::vector<float>{0.5f, -2.0f});
    const bool flags[] = {true, false};
    writer.booleans("a.bools", flags);
    writer.finish();
  }
  const GgufFile file = GgufFile::open(folder / "m.gguf");
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.architecture(), "llama");
  EXPECT_EQ(file.integer("a.u8"), 255);
  EXPECT_EQ(file.integer("a.i8"), -128);
  EXPECT_EQ(file.integer("a.u16"), 65'535);
  EXPECT_EQ(file.integer("a.i16"), -32'768);
  EXPECT_EQ(file.integer("a.u32"), 4'294'967'295);
  EXPECT_EQ(file.integer("a.i32"), -2'147'483'648);
  EXPECT_EQ(std::get<std::uint64_t>(file.find("a.u64")->value), 18'446'744'073'709'551'615u);
  EXPECT_THROW(file.integer("a.u64"), CorruptData);  // above what an int64 holds
  EXPECT_EQ(file.integer("a.i64"), -5'000'000'000);
  EXPECT_EQ(file.number("a.f32"), 0.1f);
  EXPECT_EQ(file.number("a.f64"), 0.1);
  EXPECT_EQ(file.number("a.u8"), 255.0);
  EXPECT_EQ(file.boolean("a.bool"), true);
  EXPECT_THAT(*file.texts("a.texts"), ElementsAre("", "b", std::string_view("\0\xff", 2)));
  EXPECT_THAT(*file.integers("a.i32s"), ElementsAre(-1, 2));
  EXPECT_THAT(*file.integers("a.u32s"), ElementsAre(1, 4'000'000'000));
  EXPECT_THAT(*file.numbers("a.f32s"), ElementsAre(0.5f, -2.0f));
  EXPECT_THAT(*file.numbers("a.i32s"), ElementsAre(-1.0f, 2.0f));
  EXPECT_THAT(*file.integers("a.bools"), ElementsAre(1, 0));
  EXPECT_EQ(file.integer("a.none"), std::nullopt);
  EXPECT_THROW(file.integer("a.f32"), CorruptData);
  EXPECT_THROW(file.text("a.f32"), CorruptData);
  EXPECT_THROW(file.integers("a.f32s"), CorruptData);
  EXPECT_THROW(file.texts("a.f32s"), CorruptData);
}

TEST(GgufWriter, WritesTensorsInPiecesAndAligned) {
  const ScratchFolder folder;
  const auto bytes = counted(3 * 34);
  {
    GgufWriter writer(folder / "m.gguf", 64);
    writer.add_tensor("a", DType::q8_0, Shape{3, 32});
    writer.add_tensor("b", DType::f32, Shape{5});
    writer.add_tensor("c", DType::i8, Shape{1});
    writer.write_tensor("a", std::span(bytes).first(50));
    writer.write_tensor("a", std::span(bytes).subspan(50));
    writer.write_tensor("b", std::span(bytes).first(20));
    writer.write_tensor("c", std::span(bytes).first(1));
    EXPECT_FALSE(std::filesystem::exists(folder / "m.gguf"));  // not before it is whole
    writer.finish();
  }
  const GgufFile file = GgufFile::open(folder / "m.gguf");
  EXPECT_EQ(file.alignment(), 64u);
  ASSERT_EQ(file.tensors().size(), 3u);
  for (const TensorInfo& info : file.tensors()) EXPECT_EQ(info.offset % 64, 0u) << info.name;
  const Tensor a = file.tensor("a");
  EXPECT_EQ(a.shape(), Shape({3, 32}));
  EXPECT_EQ(a.dtype(), DType::q8_0);
  EXPECT_TRUE(std::ranges::equal(a.bytes(), bytes));
  EXPECT_TRUE(std::ranges::equal(file.tensor("b").bytes(), std::span(bytes).first(20)));
  EXPECT_THROW(file.tensor("d"), NotFound);
}

TEST(GgufWriter, CopiesTheMetadataOfARealFileOfVersion1) {
  const auto path = test_data("lm/stories260k/tinyllamas-stories-260k-f32.gguf");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  const ScratchFolder folder;
  const GgufFile old = GgufFile::open(path);
  {
    GgufWriter writer(folder / "m.gguf");
    for (const GgufEntry& entry : old.metadata()) writer.copy(entry, old.version());
    for (const TensorInfo& info : old.tensors()) writer.add_tensor(info.name, info.dtype, info.shape);
    for (const TensorInfo& info : old.tensors())
      writer.write_tensor(info.name, old.tensor(info.name).bytes());
    writer.finish();
  }
  const GgufFile copy = GgufFile::open(folder / "m.gguf");
  ASSERT_EQ(copy.metadata().size(), old.metadata().size());
  EXPECT_EQ(copy.texts("tokenizer.ggml.tokens"), old.texts("tokenizer.ggml.tokens"));
  EXPECT_EQ(copy.numbers("tokenizer.ggml.scores"), old.numbers("tokenizer.ggml.scores"));
  EXPECT_EQ(copy.number("llama.attention.layer_norm_rms_epsilon"),
            old.number("llama.attention.layer_norm_rms_epsilon"));
  for (const TensorInfo& info : old.tensors()) {
    EXPECT_EQ(copy.find_tensor(info.name)->shape, info.shape);
    EXPECT_TRUE(std::ranges::equal(copy.tensor(info.name).bytes(), old.tensor(info.name).bytes()));
  }
}

TEST(GgufWriter, RefusesCallsOutOfOrder) {
  const ScratchFolder folder;
  GgufWriter writer(folder / "m.gguf");
  writer.u32("key", 1);
  EXPECT_THROW(writer.u32("key", 2), InvalidArgument);
  writer.add_tensor("a", DType::f32, Shape{2});
  writer.add_tensor("b", DType::f32, Shape{2});
  EXPECT_THROW(writer.add_tensor("a", DType::f32, Shape{2}), InvalidArgument);
  EXPECT_THROW(writer.add_tensor("", DType::f32, Shape{2}), InvalidArgument);
  EXPECT_THROW(writer.add_tensor("c", DType::q4_k, Shape{32}), InvalidArgument);
  EXPECT_THROW(writer.write_tensor("b", counted(8)), InvalidArgument);
  EXPECT_THROW(writer.write_tensor("a", counted(9)), InvalidArgument);
  writer.write_tensor("a", counted(8));
  EXPECT_THROW(writer.u32("late", 1), InvalidArgument);
  EXPECT_THROW(writer.finish(), InvalidArgument);  // b is missing
}

TEST(GgufWriter, LeavesNothingBehindWhenTheDiskIsFull) {
  const ScratchFolder folder;
  write_file_atomically(folder / "m.gguf", "old");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit previous{};
  getrlimit(RLIMIT_FSIZE, &previous);
  rlimit limit = previous;
  limit.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &limit);
  std::string message;
  try {
    GgufWriter writer(folder / "m.gguf");
    writer.add_tensor("a", DType::i8, Shape{5000});
    writer.write_tensor("a", counted(5000));
    writer.finish();
  } catch (const Unavailable& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, HasSubstr("m.gguf: File too large"));
  EXPECT_EQ(read_file(folder / "m.gguf"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(GgufWriter, SaysBeforeTheWorkThatTheDiskIsTooSmall) {
  const ScratchFolder folder;
  GgufWriter writer(folder / "m.gguf");
  writer.add_tensor("a", DType::f32, Shape{1u << 30, 1u << 20});  // 4 PiB
  try {
    writer.write_tensor("a", counted(4));
    FAIL();
  } catch (const Exhausted& error) {
    EXPECT_THAT(error.what(), HasSubstr("are free on that disk"));
  }
}

TEST(GgufWriter, NamesAFolderThatIsNotThere) {
  const ScratchFolder folder;
  EXPECT_THROW(GgufWriter(folder / "missing/m.gguf"), Unavailable);
}

}  // namespace
}  // namespace quintet
