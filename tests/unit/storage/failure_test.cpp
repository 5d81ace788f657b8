// What the database says and keeps when the disk, the file or its permissions fail.

#include <csignal>
#include <fstream>
#include <future>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "scratch.h"
#include "storage/database.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Migration kTables[] = {{"test", 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, a)"}};

std::int64_t count(const Database& database) {
  std::int64_t n = 0;
  database.read([&](Connection& db) {
    Statement row = db.prepare("SELECT count(*) FROM t");
    row.step();
    n = row.integer(0);
  });
  return n;
}

void insert_bytes(Connection& db, std::size_t size) {
  Statement insert = db.prepare("INSERT INTO t(a) VALUES (?)");
  insert.bind_blob(1, std::string(size, 'x'));
  insert.run();
}

/// What opening says; empty when it works.
template <typename ErrorType>
std::string refusal(const std::filesystem::path& path) {
  try {
    Database({.path = path}, kTables, null_log());
    return {};
  } catch (const ErrorType& error) {
    return error.what();
  }
}

// ---- A full disk
// --------------------------------------------------------------------------------------------------

TEST(FullDatabase, AWriteThatDoesNotFitFailsAloneAndSmallerOnesGoOn) {
  const ScratchFolder folder;
  Database database({.path = folder / "test.db"}, kTables, null_log());
  database.write([](Connection& db) {
    insert_bytes(db, 10);
    db.prepare("PRAGMA max_page_count=32").step();  // SQLite's own way to be full
  });
  try {
    database.write([](Connection& db) { insert_bytes(db, 1 << 20); });
    FAIL() << "a megabyte fitted into 32 pages";
  } catch (const Exhausted& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("test.db"), HasSubstr("disk is full, nothing was changed")));
  }
  EXPECT_EQ(count(database), 1);
  database.write([](Connection& db) { insert_bytes(db, 10); });
  EXPECT_EQ(count(database), 2);
  EXPECT_EQ(database.check_integrity(), "ok");
}

/// A disk of a given size. Needs root; absent() where mounting is not allowed.
class SmallDisk {
 public:
  explicit SmallDisk(const char* options) {
    mounted_ = mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool absent() const { return !mounted_; }
  std::filesystem::path operator/(const char* name) const { return folder_ / name; }

  void fill(const char* name) const {
    std::ofstream file(folder_ / name);
    const std::string block(4096, 'x');
    while (file.write(block.data(), 4096) && file.flush()) {
    }
  }

 private:
  ScratchFolder folder_;
  bool mounted_ = false;
};

TEST(FullDisk, FailsTheWriteKeepsTheRestAndRecoversWithSpace) {
  const SmallDisk disk("size=3m");
  if (disk.absent()) GTEST_SKIP() << "mounting a small disk needs root";
  std::ofstream(disk / "ballast") << std::string(1 << 20, 'x');
  Database database({.path = disk / "test.db"}, kTables, null_log());
  std::int64_t n_acknowledged = 0;
  std::string refused;
  while (refused.empty() && n_acknowledged < 1000) {
    try {
      database.write([](Connection& db) { insert_bytes(db, 40'000); });
      ++n_acknowledged;
    } catch (const Exhausted& error) {
      refused = error.what();
    }
  }
  EXPECT_THAT(refused, AllOf(HasSubstr("test.db"), HasSubstr("disk is full, nothing was changed")));
  EXPECT_GT(n_acknowledged, 0);
  EXPECT_EQ(count(database), n_acknowledged);  // reading goes on
  EXPECT_EQ(database.check_integrity(), "ok");

  std::filesystem::remove(disk / "ballast");
  database.write([](Connection& db) { insert_bytes(db, 40'000); });
  EXPECT_EQ(count(database), n_acknowledged + 1);
}

TEST(FullDisk, OpeningSaysSo) {
  const SmallDisk disk("size=64k");
  if (disk.absent()) GTEST_SKIP() << "mounting a small disk needs root";
  disk.fill("filler");
  EXPECT_THAT(refusal<Exhausted>(disk / "test.db"), AllOf(HasSubstr("test.db"), HasSubstr("disk is full")));
}

/// No file of this process may grow beyond `bytes`: writing past it is an I/O error. Restored at the end.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    rlimit limit = previous_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit previous_{};
  void (*previous_handler_)(int) = SIG_DFL;
};

TEST(FailingCommit, FailsEveryWriteOfItsBatchAndNothingIsHalfApplied) {
  const ScratchFolder folder;
  Database database({.path = folder / "test.db"}, kTables, null_log());
  database.write([](Connection& db) { insert_bytes(db, 10); });

  constexpr int kWrites = 4;
  std::vector<std::future<std::string>> outcomes;
  std::promise<void> entered;
  std::promise<void> go_on;
  database.write_later([&](Connection&) {
    entered.set_value();
    go_on.get_future().wait();
  });
  entered.get_future().wait();
  for (int i = 0; i < kWrites; ++i)
    outcomes.push_back(std::async(std::launch::async, [&] {
      try {
        database.write([](Connection& db) { insert_bytes(db, 100'000); });
        return std::string("committed");
      } catch (const Unavailable& error) {
        return std::string(error.what());
      }
    }));
  while (database.stats().n_queued < kWrites) std::this_thread::yield();
  {
    const FileSizeLimit limit(150'000);  // the pages fit into memory; COMMIT cannot write them all
    go_on.set_value();
    for (auto& outcome : outcomes) outcome.wait();
  }
  for (auto& outcome : outcomes)
    EXPECT_THAT(outcome.get(), AllOf(HasSubstr("test.db"), HasSubstr("nothing was changed")));
  EXPECT_EQ(count(database), 1);
  database.write([](Connection& db) { insert_bytes(db, 100'000); });
  EXPECT_EQ(count(database), 2);
  EXPECT_EQ(database.check_integrity(), "ok");
  EXPECT_EQ(database.stats().n_failed, static_cast<std::uint64_t>(kWrites));
}

// ---- Permissions
// --------------------------------------------------------------------------------------------------

/// Permissions do not bind root, so the test is somebody else for a while.
class AsNobody {
 public:
  AsNobody() { was_root_ = geteuid() == 0 && seteuid(65534) == 0; }
  ~AsNobody() {
    if (was_root_) restored_ = seteuid(0);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool was_root_ = false;
  int restored_ = 0;
};

TEST(ReadOnly, AFolderThatCannotBeWrittenIsNamed) {
  const ScratchFolder folder;
  chmod(folder.path().c_str(), 0555);
  const AsNobody nobody;
  EXPECT_THAT(
      refusal<Unavailable>(folder / "test.db"),
      AllOf(HasSubstr("test.db"), HasSubstr("Permission denied"), HasSubstr("must exist and be writable")));
}

TEST(ReadOnly, AFileThatCannotBeWrittenIsNamed) {
  const ScratchFolder folder;
  ASSERT_EQ(refusal<Error>(folder / "test.db"), "");
  chmod((folder / "test.db").c_str(), 0444);
  chmod(folder.path().c_str(), 0777);
  const AsNobody nobody;
  EXPECT_THAT(refusal<Unavailable>(folder / "test.db"), AllOf(HasSubstr("test.db"), HasSubstr("read-only")));
}

TEST(ReadOnly, AFileWhoseFolderCannotBeWrittenIsNamed) {
  const ScratchFolder folder;
  ASSERT_EQ(refusal<Error>(folder / "test.db"), "");
  chmod((folder / "test.db").c_str(), 0666);
  chmod(folder.path().c_str(), 0555);
  const AsNobody nobody;
  EXPECT_THAT(refusal<Unavailable>(folder / "test.db"), AllOf(HasSubstr("test.db"), HasSubstr("writable")));
}

TEST(Opening, AMissingFolderIsNamed) {
  const ScratchFolder folder;
  EXPECT_THAT(refusal<Unavailable>(folder / "missing/test.db"),
              AllOf(HasSubstr("missing/test.db"), HasSubstr("its folder must exist")));
}

TEST(Opening, ADirectoryIsNoDatabase) {
  const ScratchFolder folder;
  EXPECT_THAT(refusal<Unavailable>(folder.path()), HasSubstr(folder.path().string()));
}

TEST(Opening, TheFileIsItsOwnersAlone) {
  const ScratchFolder folder;
  const Database database({.path = folder / "test.db"}, kTables, null_log());
  for (const char* name : {"test.db", "test.db-wal"}) {
    struct stat status{};
    ASSERT_EQ(stat((folder / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

// ---- Damage
// -------------------------------------------------------------------------------------------------------

void overwrite(const std::filesystem::path& path, std::streamoff offset, std::size_t size) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offset);
  file << std::string(size, '\x5A');
}

TEST(Damage, AFileThatIsNoDatabaseIsNamedAndLeftAlone) {
  const ScratchFolder folder;
  const std::string text = "Dear diary, " + std::string(5000, '.');
  std::ofstream(folder / "test.db") << text;
  EXPECT_THAT(refusal<CorruptData>(folder / "test.db"),
              AllOf(HasSubstr("test.db"), HasSubstr("not a quintet database"), HasSubstr("move it aside")));
  EXPECT_EQ(read_file(folder / "test.db"), text);
}

TEST(Damage, ABrokenSchemaIsFoundWhenOpening) {
  const ScratchFolder folder;
  ASSERT_EQ(refusal<Error>(folder / "test.db"), "");
  overwrite(folder / "test.db", 100, 3000);  // the first page behind its header
  EXPECT_THAT(refusal<CorruptData>(folder / "test.db"), HasSubstr("test.db"));
}

TEST(Damage, ABrokenPageIsFoundByTheCheckAndByReading) {
  const ScratchFolder folder;
  {
    Database database({.path = folder / "test.db"}, kTables, null_log());
    database.write([](Connection& db) {
      for (int i = 0; i < 1000; ++i) insert_bytes(db, 100);
    });
  }
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(folder / "test.db"));
  overwrite(folder / "test.db", size / 2 / 4096 * 4096, 4096);
  const Database database({.path = folder / "test.db"}, kTables, null_log());
  EXPECT_NE(database.check_integrity(), "ok");
  EXPECT_THROW(database.read([](Connection& db) {
    Statement row = db.prepare("SELECT sum(length(a)) FROM t");
    row.step();
  }),
               CorruptData);
}

}  // namespace
}  // namespace quintet
