#include "storage/database.h"

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "scratch.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr Migration kTables[] = {{"test", 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)"}};

std::int64_t count(const Database& database) {
  std::int64_t n = 0;
  database.read([&](Connection& db) {
    Statement row = db.prepare("SELECT count(*) FROM t");
    row.step();
    n = row.integer(0);
  });
  return n;
}

void insert(Connection& db, std::int64_t value) {
  db.execute("INSERT INTO t(a) VALUES (?)", value);
}

/// Holds the writer inside a job, so that what is queued meanwhile shares the next commit.
class HeldWriter {
 public:
  explicit HeldWriter(Database& database) {
    auto inside = signals_->entered.get_future();
    database.write_later([signals = signals_](Connection&) {
      signals->entered.set_value();
      signals->released.get_future().wait();
    });
    inside.wait();
  }
  void release() { signals_->released.set_value(); }

 private:
  struct Signals {
    std::promise<void> entered;
    std::promise<void> released;
  };
  std::shared_ptr<Signals> signals_ =
      std::make_shared<Signals>();  // the job may outlive the test's interest in it
};

void wait_until_queued(const Database& database, std::size_t n) {
  while (database.stats().n_queued < n) std::this_thread::yield();
}

class DatabaseTest : public testing::Test {
 protected:
  ScratchFolder folder_;
  RecordingLog log_;
  Database database_{{.path = folder_ / "test.db", .n_readers = 2}, kTables, log_};
};

TEST_F(DatabaseTest, AWriteIsSeenByTheNextRead) {
  database_.write([](Connection& db) { insert(db, 1); });
  EXPECT_EQ(count(database_), 1);
  EXPECT_EQ(database_.check_integrity(), "ok");
}

TEST_F(DatabaseTest, AWriteThatThrowsIsUndoneAndItsExceptionComesBack) {
  const auto failing = [](Connection& db) {
    insert(db, 1);
    throw std::out_of_range("mine");
  };
  EXPECT_THROW(database_.write(failing), std::out_of_range);
  EXPECT_EQ(count(database_), 0);
  EXPECT_EQ(database_.stats().n_failed, 1u);
}

TEST_F(DatabaseTest, WritesThatArriveTogetherShareACommitAndAFailureStaysAlone) {
  HeldWriter held(database_);
  std::vector<std::future<void>> writes;
  for (int i = 0; i < 10; ++i) {
    writes.push_back(std::async(std::launch::async, [this, i] {
      database_.write([i](Connection& db) {
        insert(db, i);
        if (i % 5 == 3) throw std::runtime_error("undo me");
      });
    }));
    wait_until_queued(database_, static_cast<std::size_t>(i) + 1);
  }
  held.release();
  for (int i = 0; i < 10; ++i) {
    if (i % 5 == 3) {
      EXPECT_THROW(writes[static_cast<std::size_t>(i)].get(), std::runtime_error) << i;
    } else {
      EXPECT_NO_THROW(writes[static_cast<std::size_t>(i)].get()) << i;
    }
  }
  EXPECT_EQ(count(database_), 8);
  database_.read([](Connection& db) {
    Statement undone = db.prepare("SELECT count(*) FROM t WHERE a % 5 = 3");
    undone.step();
    EXPECT_EQ(undone.integer(0), 0);
  });
  EXPECT_EQ(database_.stats().n_commits, 2u);  // the one that held the writer, then all ten
  EXPECT_EQ(database_.stats().n_writes, 9u);
}

TEST_F(DatabaseTest, ANestedWriteIsRefusedInsteadOfWaitingForItself) {
  EXPECT_THROW(database_.write([&](Connection&) { database_.write([](Connection&) {}); }), InternalError);
  EXPECT_THROW(database_.write([&](Connection&) { database_.flush(); }), InternalError);
}

TEST_F(DatabaseTest, AReadSeesOneMomentHoweverLongItTakes) {
  database_.write([](Connection& db) { insert(db, 1); });
  database_.read([&](Connection& db) {
    const auto rows = [&] {
      Statement row = db.prepare("SELECT count(*) FROM t");
      row.step();
      return row.integer(0);
    };
    EXPECT_EQ(rows(), 1);
    database_.write([](Connection& writer) { insert(writer, 2); });
    EXPECT_EQ(rows(), 1);
  });
  EXPECT_EQ(count(database_), 2);
}

TEST_F(DatabaseTest, AReadThatThrowsLeavesItsReaderUsable) {
  for (int i = 0; i < 5; ++i)
    EXPECT_THROW(database_.read([](Connection& db) {
      Statement open = db.prepare("SELECT 1 UNION SELECT 2");
      open.step();
      throw std::runtime_error("mine");
    }),
                 std::runtime_error);
  EXPECT_EQ(count(database_), 0);
}

// Each write moves a unit between two rows; a reader that sees a half-done move would see another sum.
TEST_F(DatabaseTest, ManyWritersAndReadersNeverSeeAHalfDoneWrite) {
  database_.write([](Connection& db) { db.execute("INSERT INTO t(id, a) VALUES (1, 1000), (2, 0)"); });
  constexpr int kWriters = 4;
  constexpr int kMoves = 200;
  std::atomic<int> n_writing = kWriters;
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w)
    threads.emplace_back([&] {
      for (int i = 0; i < kMoves; ++i)
        database_.write([](Connection& db) {
          db.execute("UPDATE t SET a = a - 1 WHERE id = 1");
          db.execute("UPDATE t SET a = a + 1 WHERE id = 2");
        });
      --n_writing;
    });
  for (int r = 0; r < 3; ++r)  // one more than there are readers
    threads.emplace_back([&] {
      do {
        database_.read([&](Connection& db) {
          Statement first = db.prepare("SELECT a FROM t WHERE id = 1");
          first.step();
          Statement second = db.prepare("SELECT a FROM t WHERE id = 2");
          second.step();
          if (first.integer(0) + second.integer(0) != 1000) ++n_wrong;
        });
      } while (n_writing > 0);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, 0);
  database_.read([](Connection& db) {
    Statement row = db.prepare("SELECT a FROM t WHERE id = 2");
    row.step();
    EXPECT_EQ(row.integer(0), kWriters * kMoves);
  });
}

TEST_F(DatabaseTest, FlushWaitsForWhatWasAcceptedBefore) {
  for (int i = 0; i < 2000; ++i) database_.write_later([i](Connection& db) { insert(db, i); });
  database_.flush();
  EXPECT_EQ(count(database_), 2000);
}

TEST_F(DatabaseTest, ABackgroundWriteThatFailsIsLogged) {
  database_.write_later([](Connection&) { throw std::runtime_error("lost span"); });
  database_.flush();
  ASSERT_THAT(log_.lines(), SizeIs(1));
  EXPECT_THAT(log_.lines()[0], HasSubstr("lost span"));
}

TEST(Database, TheDestructorFinishesAcceptedWrites) {
  const ScratchFolder folder;
  {
    Database database({.path = folder / "test.db"}, kTables, null_log());
    for (int i = 0; i < 3000; ++i) database.write_later([i](Connection& db) { insert(db, i); });
  }
  EXPECT_EQ(count(Database({.path = folder / "test.db"}, kTables, null_log())), 3000);
}

TEST(Database, ClosingLeavesOneFileThatHoldsEverything) {
  const ScratchFolder folder;
  {
    Database database({.path = folder / "test.db"}, kTables, null_log());
    database.write([](Connection& db) { insert(db, 1); });
    EXPECT_EQ(count(database), 1);
    EXPECT_TRUE(std::filesystem::exists(folder / "test.db-wal"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "test.db-wal"));
  EXPECT_EQ(count(Database({.path = folder / "test.db"}, kTables, null_log())), 1);
}

TEST(Database, BackgroundWritesBeyondTheQueueAreDroppedAndCounted) {
  const ScratchFolder folder;
  Database database({.path = folder / "test.db", .max_queued_writes = 10}, kTables, null_log());
  HeldWriter held(database);
  for (int i = 0; i < 15; ++i) database.write_later([i](Connection& db) { insert(db, i); });
  EXPECT_EQ(database.stats().n_dropped, 5u);
  auto waiting =
      std::async(std::launch::async, [&] { database.write([](Connection& db) { insert(db, 99); }); });
  held.release();
  EXPECT_NO_THROW(waiting.get());  // a caller who waits is not dropped
  database.flush();
  EXPECT_EQ(count(database), 11);
}

TEST(Database, TwoOnOneFileShareIt) {
  const ScratchFolder folder;
  Database server({.path = folder / "test.db"}, kTables, null_log());
  Database cli({.path = folder / "test.db"}, kTables, null_log());
  std::vector<std::thread> threads;
  for (Database* database : {&server, &cli})
    threads.emplace_back([database] {
      for (int i = 0; i < 100; ++i) database->write([i](Connection& db) { insert(db, i); });
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count(server), 200);
  EXPECT_EQ(count(cli), 200);
}

}  // namespace
}  // namespace quintet
