#include "core/files.h"

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename ErrorType, typename Call>
std::string problem(const Call& call) {
  try {
    call();
    return "no error";
  } catch (const ErrorType& error) {
    return error.what();
  }
}

std::size_t n_files(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(Files, WhatIsWrittenIsRead) {
  const ScratchFolder folder;
  const std::string content("a\0b\n", 4);
  write_file_atomically(folder / "f", content);
  EXPECT_EQ(read_file(folder / "f"), content);
  write_file_atomically(folder / "f", "");
  EXPECT_EQ(read_file(folder / "f"), "");
  EXPECT_EQ(n_files(folder.path()), 1u);  // no temporary file stays
}

TEST(Files, ReadingNamesWhatIsWrong) {
  const ScratchFolder folder;
  EXPECT_THAT(problem<NotFound>([&] { read_file(folder / "missing"); }), HasSubstr("missing"));
  EXPECT_THAT(problem<InvalidArgument>([&] { read_file(folder.path()); }), HasSubstr("Is a directory"));
  write_file_atomically(folder / "big", std::string(11, 'x'));
  EXPECT_EQ(read_file(folder / "big", 11).size(), 11u);
  EXPECT_THAT(problem<Exhausted>([&] { read_file(folder / "big", 10); }),
              AllOf(HasSubstr("big"), HasSubstr("10 bytes")));
  EXPECT_THROW(read_file("/dev/zero", 1000), Exhausted);  // an endless file ends too
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "old");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit previous{};
  getrlimit(RLIMIT_FSIZE, &previous);
  rlimit limit = previous;
  limit.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message =
      problem<Unavailable>([&] { write_file_atomically(folder / "f", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, AllOf(HasSubstr("cannot write"), HasSubstr("File too large")));
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(n_files(folder.path()), 1u);
}

TEST(Files, WritingWhereNothingCanBeNamesThePath) {
  const ScratchFolder folder;
  EXPECT_THAT(problem<Unavailable>([&] { write_file_atomically(folder / "missing/f", "x"); }),
              HasSubstr("missing/f: No such file"));
  std::filesystem::create_directory(folder / "directory");
  EXPECT_THROW(write_file_atomically(folder / "directory", "x"), Unavailable);
  EXPECT_EQ(n_files(folder.path()), 1u);
}

TEST(Files, APrivateDirectoryIsItsOwnersAlone) {
  const ScratchFolder folder;
  make_private_directory(folder / "a/b/c");
  struct stat status{};
  ASSERT_EQ(stat((folder / "a/b/c").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  make_private_directory(folder / "a/b/c");  // again is fine
  write_file_atomically(folder / "file", "");
  EXPECT_THAT(problem<Unavailable>([&] { make_private_directory(folder / "file"); }), HasSubstr("file"));
}

TEST(Files, AWrittenFileIsItsOwnersAlone) {
  const ScratchFolder folder;
  write_file_atomically(folder / "f", "secret");
  struct stat status{};
  ASSERT_EQ(stat((folder / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace quintet
