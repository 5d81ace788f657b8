#include "tensor/storage.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

TEST(Storage, IsZeroedAndAligned) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{5} << 20}) {
    const auto storage = allocate_storage(n);
    EXPECT_EQ(storage->size(), n);
    EXPECT_TRUE(storage->is_writable());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage->data()) % 64, 0u);
    EXPECT_TRUE(std::ranges::all_of(storage->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  }
}

TEST(Storage, OfManyMegabytesStartsOnAHugePage) {
  const auto storage = allocate_storage(std::size_t{9} << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage->data()) % (std::size_t{2} << 20), 0u);
  storage->data()[storage->size() - 1] = std::byte{1};
}

TEST(Storage, ThatNoMemoryHoldsIsRefused) {
  EXPECT_THROW(allocate_storage(std::size_t{1} << 60), Exhausted);
}

TEST(StorageArena, HandsOutZeroedPiecesThatDoNotOverlapAndOutliveIt) {
  std::vector<StorageArena::Piece> pieces;
  constexpr std::size_t kSizes[] = {1, 0, 64, 65, std::size_t{300} << 20, 1'000'000};
  {
    StorageArena arena;
    for (const std::size_t n : kSizes) pieces.push_back(arena.take(n));
  }
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces[i].data) % 64, 0u);
    if (kSizes[i] == 0) continue;
    EXPECT_EQ(pieces[i].data[0], std::byte{0}) << i;
    EXPECT_EQ(pieces[i].data[kSizes[i] - 1], std::byte{0}) << i;
    pieces[i].data[0] = pieces[i].data[kSizes[i] - 1] = std::byte{1};
  }
}

TEST(StorageArena, RefusesWhatNoMemoryHolds) {
  StorageArena arena;
  EXPECT_THROW(arena.take(std::size_t{1} << 60), Exhausted);
}

TEST(Storage, MapsAFileReadOnly) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "hello");
  const auto storage = map_file(folder / "f");
  EXPECT_FALSE(storage->is_writable());
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(storage->data()), storage->size()), "hello");
}

TEST(Storage, KeepsWhatAReplacedFileHeld) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "before");
  const auto storage = map_file(folder / "f");
  write_file_atomically(folder / "f", "after!");
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(storage->data()), storage->size()), "before");
}

std::size_t n_of(const Storage& storage, char c) {
  return static_cast<std::size_t>(std::ranges::count(storage.bytes(), static_cast<std::byte>(c)));
}

TEST(Storage, ReadsZerosBehindTheNewEndOfAFileThatWasCutOff) {
  const ScratchFolder folder;
  for (const std::size_t left : {std::size_t{0}, std::size_t{100}, std::size_t{40'000}}) {
    write_file_atomically(folder / "f", std::string(100'000, 'x'));
    const auto storage = map_file(folder / "f"), other = map_file(folder / "f");
    EXPECT_NO_THROW(storage->require_unchanged());
    std::filesystem::resize_file(folder / "f", left);
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) readers.emplace_back([&] { EXPECT_EQ(n_of(*storage, 'x'), left); });
    readers.clear();
    EXPECT_THROW(storage->require_unchanged(), Unavailable);
    EXPECT_THROW(other->require_unchanged(), Unavailable) << "although nobody read behind the end";
    // Long again, but what was read in between was no more than zeros.
    std::filesystem::resize_file(folder / "f", 100'000);
    EXPECT_THROW(storage->require_unchanged(), Unavailable);
  }
}

TEST(Storage, SaysThatAFileWasWrittenTo) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "before");
  const auto storage = map_file(folder / "f");
  std::filesystem::last_write_time(folder / "f",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_THROW(storage->require_unchanged(), Unavailable);
  const auto again = map_file(folder / "f");
  write_file_atomically(folder / "f", "another file of this name");
  EXPECT_NO_THROW(again->require_unchanged());
}

TEST(Storage, GivesTheErrorOfReadingUnlessTheFileChanged) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", std::string(10'000, 'x'));
  const auto storage = map_file(folder / "f");
  const auto fail = []() -> int { throw CorruptData("nonsense"); };
  EXPECT_EQ(read_unchanged(*storage, [&] { return n_of(*storage, 'x'); }), 10'000u);
  EXPECT_THROW(read_unchanged(*storage, fail), CorruptData);
  std::filesystem::resize_file(folder / "f", 1);
  EXPECT_THROW(read_unchanged(*storage, fail), Unavailable);
  EXPECT_THROW(read_unchanged(*storage, [&] { return n_of(*storage, 'x'); }), Unavailable);
}

TEST(StorageDeathTest, LeavesOtherBusErrorsAlone) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "hello");
  const auto storage = map_file(folder / "f");
  EXPECT_DEATH(::raise(SIGBUS), "");
}

TEST(Storage, CantMapWhatIsNoFile) {
  const ScratchFolder folder;
  EXPECT_THROW(map_file(folder / "missing"), NotFound);
  EXPECT_THROW(map_file(folder.path()), InvalidArgument);
  write_file_atomically(folder / "empty", "");
  EXPECT_THROW(map_file(folder / "empty"), InvalidArgument);
}

TEST(Storage, ReleasedPagesReadTheSame) {
  const ScratchFolder folder;
  const std::string content(100'000, 'x');
  write_file_atomically(folder / "f", content);
  const auto storage = map_file(folder / "f");
  release_pages(*storage, storage->bytes());
  release_pages(*storage, {});
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(storage->data()), storage->size()), content);
}

}  // namespace
}  // namespace quintet
