#include "storage/blob_store.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

// NIST's example for "abc" (FIPS 180-4).
constexpr std::string_view kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::size_t n_files(const std::filesystem::path& folder) {
  std::size_t n = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    n += entry.is_regular_file() ? 1 : 0;
  return n;
}

TEST(BlobStore, KeepsAFileOnceUnderTheHashOfItsContent) {
  const ScratchFolder folder;
  BlobStore store(folder / "blobs");
  auto writer = store.begin(3);
  writer.append("a");
  writer.append("bc");
  const auto blob = writer.commit();
  EXPECT_EQ(blob.sha256, kAbc);
  EXPECT_EQ(blob.size, 3U);
  EXPECT_EQ(store.put("abc").sha256, kAbc);
  EXPECT_EQ(read_file(store.path_of(kAbc)), "abc");
  EXPECT_EQ(n_files(folder / "blobs"), 1U);
  store.remove(kAbc);
  EXPECT_FALSE(store.contains(kAbc));
  EXPECT_THROW(store.path_of(kAbc), NotFound);
}

TEST(BlobStore, RefusesWhatIsTooLargeAndLeavesNothingOfIt) {
  const ScratchFolder folder;
  BlobStore store(folder / "blobs");
  {
    auto writer = store.begin(4);
    writer.append("1234");
    EXPECT_THROW(writer.append("5"), Exhausted);
  }
  std::filesystem::resize_file(folder.write("large", ""), 5 << 20);
  EXPECT_THROW(store.put_file(folder / "large", 1 << 20), Exhausted);
  EXPECT_THROW(store.put_file(folder / "absent", 1 << 20), NotFound);
  EXPECT_THROW(store.put_file(folder.path(), 1 << 20), InvalidArgument);
  EXPECT_EQ(n_files(folder / "blobs"), 0U);
}

TEST(BlobStore, TakesNoPathForAName) {
  const ScratchFolder folder;
  const BlobStore store(folder / "blobs");
  for (const char* name :
       {"", "../../etc/passwd", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}) {
    EXPECT_THROW(store.path_of(name), InvalidArgument) << name;
    EXPECT_THROW(store.contains(name), InvalidArgument) << name;
  }
}

TEST(BlobStore, RemovesWhatNobodyUsesButNothingYoung) {
  const ScratchFolder folder;
  BlobStore store(folder / "blobs");
  const auto old = store.put("old");
  const auto used = store.put("used");
  const auto young = store.put("young");
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(2);
  std::filesystem::last_write_time(store.path_of(old.sha256), long_ago);
  std::filesystem::last_write_time(store.path_of(used.sha256), long_ago);
  EXPECT_EQ(store.remove_unused([&](std::string_view name) { return name == used.sha256; }), 1U);
  EXPECT_FALSE(store.contains(old.sha256));
  EXPECT_TRUE(store.contains(used.sha256));
  EXPECT_TRUE(store.contains(young.sha256));
}

}  // namespace
}  // namespace quintet
